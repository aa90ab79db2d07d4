//! The calls of an extension: granted, counted, approved where they wipe, audited, and passed on to the agent.

use std::sync::Arc;
use std::time::Instant;

use agentapi_contract::Route;
use agentapi_contract::wit::Function;
use agentapi_quiesce::{self as quiesce_lease, error_chain};

use super::Watch;
use super::approver::Wipe;
use super::audit::{AuditEntry, now_unix_ms};
use super::bindings::felhom::agentapi::{backup, disks, host_metrics, quiesce, storage};
use super::grants::{FREEZE, FS_UUID, Grants, OPSIGN_COMMAND, THAW};
use super::limits::Breach;
use crate::agent::Agent;
use crate::error::{Error, Phase};
use crate::sandbox::types::{
    self, AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error as ComponentError,
    FormatError, FormatRequest, FormatResult, MetricsView, PendingOp, Progress, StorageView,
};

/// The calls of one run.
pub(super) struct Calls {
    pub(super) agent: Agent,
    pub(super) grants: Arc<Grants>,
    pub(super) watch: Watch,
    pub(super) left: u64,
    pub(super) allowed: u64,
    pub(super) quiesce: Option<quiesce_lease::Run>,
}

impl Calls {
    pub(super) fn extension(&self) -> &str {
        &self.watch.name
    }

    /// Counts a call. The grant is looked at again at each: an extension may be loaded with less than it imports.
    fn admit(&mut self, function: Function) -> wasmtime::Result<Result<(), String>> {
        self.left = self.left.checked_sub(1).ok_or(Breach::AgentCalls(self.allowed))?;
        if self.grants.allow(function) {
            return Ok(Ok(()));
        }
        self.audit(function, "denied", Instant::now());
        Ok(Err(format!("the grant {function} is missing")))
    }

    fn audit(&self, function: Function, outcome: &str, begun: Instant) {
        self.watch.record(&function.to_string(), outcome, begun);
    }

    /// What came of a call, as the extension is told it.
    fn told<T>(&self, function: Function, begun: Instant, outcome: Result<T, Error>) -> Result<T, ComponentError> {
        self.audit(function, outcome.as_ref().map_or_else(Error::kind, |_| "ok"), begun);
        outcome.map_err(|error| self.without_address(function, &error))
    }

    /// The extension is told the kind, and the operator the cause.
    fn without_address(&self, function: Function, error: &Error) -> ComponentError {
        let (extension, cause) = (self.extension(), error_chain(error));
        tracing::warn!(extension, %function, cause = %cause.escape_debug(), "an extension's call failed");
        without_address(error)
    }
}

impl Watch {
    pub(super) fn record(&self, operation: &str, outcome: &str, begun: Instant) {
        let Some(audit) = &self.audit else { return };
        let milliseconds = begun.elapsed().as_millis();
        audit.record(&AuditEntry {
            at_unix_ms: now_unix_ms().saturating_sub(milliseconds),
            extension: self.name.to_string(),
            extension_sha256: self.sha256.to_string(),
            operation: operation.into(),
            outcome: outcome.into(),
            milliseconds,
        });
    }
}

/// One call that is passed on as it is.
macro_rules! pass_on {
    ($calls:ident, $function:expr, $call:expr) => {{
        const FUNCTION: Function = $function;
        let begun = Instant::now();
        match $calls.admit(FUNCTION)? {
            Err(rule) => Ok(Err(ComponentError::Denied(rule))),
            Ok(()) => {
                let outcome = $call.await;
                Ok($calls.told(FUNCTION, begun, outcome))
            }
        }
    }};
}

impl types::Host for Calls {}

impl storage::Host for Calls {
    async fn mounts(&mut self) -> wasmtime::Result<Result<StorageView, ComponentError>> {
        pass_on!(self, Route::Storage.function(), self.agent.storage())
    }
}

impl backup::Host for Calls {
    async fn due(&mut self) -> wasmtime::Result<Result<BackupDue, ComponentError>> {
        pass_on!(self, Route::BackupDue.function(), self.agent.backup_due())
    }

    async fn start(&mut self) -> wasmtime::Result<Result<BackupJob, ComponentError>> {
        pass_on!(self, Route::StartBackup.function(), self.agent.start_backup())
    }

    async fn status(&mut self) -> wasmtime::Result<Result<BackupStatus, ComponentError>> {
        pass_on!(self, Route::BackupStatus.function(), self.agent.backup_status())
    }
}

impl host_metrics::Host for Calls {
    async fn collect(&mut self) -> wasmtime::Result<Result<MetricsView, ComponentError>> {
        pass_on!(self, Route::HostMetrics.function(), self.agent.host_metrics())
    }
}

impl disks::Host for Calls {
    async fn list(&mut self) -> wasmtime::Result<Result<DiskList, ComponentError>> {
        pass_on!(self, Route::Disks.function(), self.agent.disks())
    }

    async fn assign(&mut self, request: AssignRequest) -> wasmtime::Result<Result<(), ComponentError>> {
        pass_on!(self, Route::AssignDisk.function(), self.agent.assign_disk(&request))
    }

    async fn eject(&mut self, where_: String) -> wasmtime::Result<Result<EjectResult, ComponentError>> {
        pass_on!(self, Route::EjectDisk.function(), self.agent.eject_disk(&where_))
    }

    async fn format(&mut self, request: FormatRequest) -> wasmtime::Result<Result<FormatResult, FormatError>> {
        const FUNCTION: Function = Route::FormatDisk.function();
        let begun = Instant::now();
        if let Err(rule) = self.admit(FUNCTION)? {
            return Ok(Err(FormatError::Failed(ComponentError::Denied(rule))));
        }
        if !self.is_approved(&request).await {
            self.audit(FUNCTION, "denied", begun);
            let rule = "no person has approved that this disk is wiped".into();
            return Ok(Err(FormatError::Failed(ComponentError::Denied(rule))));
        }
        let outcome = self.agent.format_disk(&request).await;
        self.audit(FUNCTION, outcome.as_ref().map_or_else(Error::kind, |_| "ok"), begun);
        Ok(outcome.map_err(|error| match error {
            Error::NeedsConfirmation(result) => FormatError::NeedsConfirmation(*result),
            Error::FormatRefused(result) => FormatError::Refused(*result),
            error => FormatError::Failed(self.without_address(FUNCTION, &error)),
        }))
    }

    async fn fs_uuid(&mut self, durable_id: String) -> wasmtime::Result<Option<String>> {
        // There is no error to answer with, and none is the answer that tells nothing.
        match self.admit(FS_UUID)? {
            Ok(()) => Ok(self.agent.fs_uuid(&durable_id).await.unwrap_or_default()),
            Err(_) => Ok(None),
        }
    }

    async fn opsign_command(&mut self, op: PendingOp) -> wasmtime::Result<Result<String, ComponentError>> {
        pass_on!(self, OPSIGN_COMMAND, self.agent.opsign_command(&op))
    }
}

impl Calls {
    /// A format without a confirmation wipes nothing that holds data: the agent sees to that.
    async fn is_approved(&self, request: &FormatRequest) -> bool {
        let Some(durable_id) = request.confirmation.clone() else { return true };
        let (device, fstype) = (request.device.clone(), request.fstype.clone());
        let wipe = Wipe { extension: self.extension().into(), device, durable_id, fstype };
        self.watch.approver.approves(&wipe).await
    }
}

impl quiesce::Host for Calls {
    async fn freeze(&mut self) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        self.quiesce(FREEZE, async |run| run.freeze().await).await
    }

    async fn thaw(&mut self) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        self.quiesce(THAW, async |run| run.thaw().await.map(drop)).await
    }
}

impl Calls {
    /// What this run has frozen is thawed when it ends, however it ends: the lease goes with these calls.
    async fn quiesce(
        &mut self,
        function: Function,
        step: impl AsyncFnOnce(&mut quiesce_lease::Run) -> Result<(), quiesce_lease::QuiesceError>,
    ) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        let begun = Instant::now();
        if let Err(rule) = self.admit(function)? {
            return Ok(Err(quiesce::QuiesceError::Denied(rule)));
        }
        let outcome = match &mut self.quiesce {
            Some(run) => step(run).await,
            None => Err(quiesce_lease::QuiesceError::Denied("the controller has nothing to freeze".into())),
        };
        self.audit(function, outcome.as_ref().map_or("failed", |()| "ok"), begun);
        Ok(outcome.map_err(|error| quiesce_told(&error)))
    }
}

/// What an extension is told of a freeze or thaw. Causes may hold what the controller's programs printed: they are logged.
fn quiesce_told(error: &quiesce_lease::QuiesceError) -> quiesce::QuiesceError {
    use quiesce_lease::QuiesceError as Lease;
    match error {
        Lease::Denied(rule) => quiesce::QuiesceError::Denied(rule.clone()),
        Lease::Busy { holder, .. } => quiesce::QuiesceError::Busy(holder.clone()),
        Lease::AlreadyFrozen => quiesce::QuiesceError::AlreadyFrozen,
        Lease::NotFrozen(_) => quiesce::QuiesceError::NotFrozen,
        Lease::Failed { step, source } => {
            tracing::warn!(%step, cause = %source.chain().escape_debug(), "an extension's freeze or thaw failed");
            quiesce::QuiesceError::Failed(step.to_string())
        }
    }
}

/// An error as an extension is told it: the kind and what it carries, without address and cause.
fn without_address(error: &Error) -> ComponentError {
    match error {
        Error::NotConnected => ComponentError::NotConnected,
        Error::InvalidArgument(why) => ComponentError::InvalidArgument(why.clone()),
        Error::Denied(rule) => ComponentError::Denied(rule.clone()),
        Error::PinMismatch { .. } => ComponentError::PinMismatch,
        Error::Unreachable { .. } => ComponentError::Unreachable("the agent cannot be reached".into()),
        Error::Tls { .. } => ComponentError::Tls("TLS with the agent failed".into()),
        Error::Interrupted { .. } => {
            ComponentError::Interrupted("the connection broke before the whole answer was there".into())
        }
        Error::Deadline { phase, .. } => ComponentError::Deadline(match phase {
            Phase::Queued | Phase::Connecting | Phase::Handshake => Progress::Sending,
            Phase::Waiting => Progress::Waiting,
            Phase::Receiving => Progress::Receiving,
        }),
        Error::HttpStatus { status, .. } => ComponentError::HttpStatus(*status),
        Error::ResponseTooLarge { limit } => ComponentError::ResponseTooLarge(*limit),
        Error::BadEnvelope(why) => ComponentError::BadEnvelope(why.clone()),
        Error::Agent(text) => ComponentError::Agent(text.clone()),
        Error::Decode(why) => ComponentError::Decode(why.clone()),
        Error::NeedsConfirmation(_) | Error::FormatRefused(_) | Error::NoPolicy | Error::Component(_) => {
            ComponentError::Interrupted("the client failed".into())
        }
    }
}
