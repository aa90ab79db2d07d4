//! The calls of an extension: counted, granted, approved where they wipe, passed on to the agent, and audited.

use std::sync::Arc;
use std::time::Instant;

use agentapi_contract::Route;
use agentapi_contract::wit::Function;
use agentapi_quiesce::{Consistency, EndedBy, Parked, QuiesceError, Report, Run as QuiesceRun, error_chain};

use crate::agent::Agent;
use crate::error::Error;
use crate::policy::approver::{Approver, Wipe};
use crate::policy::audit::AuditTrail;
use crate::policy::bindings::felhom::agentapi::quiesce::{self, FreezeEnd, FreezeReport};
use crate::policy::bindings::felhom::agentapi::{backup, disks, host_metrics, storage};
use crate::policy::captured::BackupWatch;
use crate::policy::grants::{FREEZE, FS_UUID, Grants, OPSIGN_COMMAND, THAW};
use crate::policy::identity::Identity;
use crate::policy::limits::Breach;
use crate::policy::redact::{redact, redact_quiesce};
use crate::sandbox::types::{
    self, AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error as ComponentError,
    FormatError, FormatRequest, FormatResult, MetricsView, PendingOp, StorageView,
};

/// The calls of one run.
pub(super) struct Calls {
    pub(super) agent: Agent,
    pub(super) identity: Identity,
    pub(super) grants: Arc<Grants>,
    pub(super) budget: CallBudget,
    pub(super) approver: Arc<dyn Approver>,
    pub(super) audit: AuditTrail,
    /// Holds the lease of what this run has frozen. It goes with the store, and its drop thaws, so that a run which
    /// traps or is stopped thaws too.
    pub(super) quiesce: Option<QuiesceRun>,
    pub(super) park: Option<Arc<dyn Fn() -> Parked + Send + Sync>>,
    pub(super) backup: BackupWatch,
}

/// How many calls a run may still make.
pub(super) struct CallBudget {
    left: u64,
    allowed: u64,
}

impl CallBudget {
    pub(super) fn new(allowed: u64) -> Self {
        Self { left: allowed, allowed }
    }

    fn spend(&mut self) -> Result<(), Breach> {
        self.left = self.left.checked_sub(1).ok_or(Breach::AgentCalls(self.allowed))?;
        Ok(())
    }
}

impl Calls {
    /// Whether a call may be made; the inner error is the rule that forbids it.
    fn admit(&mut self, function: Function) -> wasmtime::Result<Result<(), String>> {
        // A denied call counts too: an extension that ignores the answer must not be able to go on for ever.
        self.budget.spend()?;
        // Checked at each call, not only at load: with `Ungranted::Deny` an extension is loaded that imports more.
        if self.grants.allows(function) {
            return Ok(Ok(()));
        }
        self.record(function, "denied", Instant::now());
        Ok(Err(format!("the grant {function} is missing")))
    }

    fn record(&self, function: Function, outcome: &str, started: Instant) {
        self.audit.record(&function.to_string(), outcome, started);
    }

    /// Passes a call on to the agent, if it may be made.
    async fn pass_on<T>(
        &mut self,
        function: Function,
        call: impl AsyncFnOnce(&Agent) -> Result<T, Error>,
    ) -> wasmtime::Result<Result<T, ComponentError>> {
        let started = Instant::now();
        if let Err(rule) = self.admit(function)? {
            return Ok(Err(ComponentError::Denied(rule)));
        }
        let outcome = call(&self.agent).await;
        self.record(function, outcome.as_ref().map_or_else(Error::kind, |_| "ok"), started);
        Ok(outcome.map_err(|error| self.log_and_redact(function, &error)))
    }

    fn log_and_redact(&self, function: Function, error: &Error) -> ComponentError {
        let (extension, cause) = (&*self.identity.name, error_chain(error));
        tracing::warn!(extension, %function, cause = %cause.escape_debug(), "an extension's call failed");
        redact(error)
    }
}

impl types::Host for Calls {}

impl storage::Host for Calls {
    async fn mounts(&mut self) -> wasmtime::Result<Result<StorageView, ComponentError>> {
        self.pass_on(Route::Storage.function(), async |agent| agent.storage().await).await
    }
}

impl backup::Host for Calls {
    async fn due(&mut self) -> wasmtime::Result<Result<BackupDue, ComponentError>> {
        self.pass_on(Route::BackupDue.function(), async |agent| agent.backup_due().await).await
    }

    async fn start(&mut self) -> wasmtime::Result<Result<BackupJob, ComponentError>> {
        // Before the request: a backup that the agent takes of what stood still from here on is consistent.
        if let Some(run) = &self.quiesce {
            run.backup_begins();
        }
        let (mut job, mut may_have_acted) = (None, false);
        let outcome = self
            .pass_on(Route::StartBackup.function(), async |agent| {
                let outcome = agent.start_backup().await;
                job = outcome.as_ref().ok().map(|job| job.job_id.clone());
                may_have_acted = outcome.as_ref().is_err_and(Error::may_have_acted);
                outcome
            })
            .await?;
        match job {
            Some(job) => self.backup.started(&job),
            None if may_have_acted => self.backup.may_have_started(),
            None => {}
        }
        Ok(outcome)
    }

    async fn status(&mut self) -> wasmtime::Result<Result<BackupStatus, ComponentError>> {
        let status = self.pass_on(Route::BackupStatus.function(), async |agent| agent.backup_status().await).await?;
        if let Ok(status) = &status
            && self.backup.is_captured(status)
            && let Some(run) = &self.quiesce
        {
            run.backup_captured();
        }
        Ok(status)
    }
}

impl host_metrics::Host for Calls {
    async fn collect(&mut self) -> wasmtime::Result<Result<MetricsView, ComponentError>> {
        self.pass_on(Route::HostMetrics.function(), async |agent| agent.host_metrics().await).await
    }
}

impl disks::Host for Calls {
    async fn list(&mut self) -> wasmtime::Result<Result<DiskList, ComponentError>> {
        self.pass_on(Route::Disks.function(), async |agent| agent.disks().await).await
    }

    async fn assign(&mut self, request: AssignRequest) -> wasmtime::Result<Result<(), ComponentError>> {
        self.pass_on(Route::AssignDisk.function(), async |agent| agent.assign_disk(&request).await).await
    }

    async fn eject(&mut self, mounted_at: String) -> wasmtime::Result<Result<EjectResult, ComponentError>> {
        self.pass_on(Route::EjectDisk.function(), async |agent| agent.eject_disk(&mounted_at).await).await
    }

    async fn format(&mut self, request: FormatRequest) -> wasmtime::Result<Result<FormatResult, FormatError>> {
        const FUNCTION: Function = Route::FormatDisk.function();
        let started = Instant::now();
        if let Err(rule) = self.admit(FUNCTION)? {
            return Ok(Err(FormatError::Failed(ComponentError::Denied(rule))));
        }
        if !self.is_approved(&request).await {
            self.record(FUNCTION, "denied", started);
            let rule = "no person has approved that this disk is wiped".into();
            return Ok(Err(FormatError::Failed(ComponentError::Denied(rule))));
        }
        let outcome = self.agent.format_disk(&request).await;
        self.record(FUNCTION, outcome.as_ref().map_or_else(Error::kind, |_| "ok"), started);
        Ok(outcome.map_err(|error| match error {
            Error::NeedsConfirmation(result) => FormatError::NeedsConfirmation(*result),
            Error::FormatRefused(result) => FormatError::Refused(*result),
            error => FormatError::Failed(self.log_and_redact(FUNCTION, &error)),
        }))
    }

    async fn fs_uuid(&mut self, durable_id: String) -> wasmtime::Result<Option<String>> {
        // This function has no error to answer with. None means that the id holds no UUID, which tells a caller without
        // the grant nothing.
        match self.admit(FS_UUID)? {
            Ok(()) => Ok(self.agent.fs_uuid(&durable_id).await.unwrap_or_default()),
            Err(_) => Ok(None),
        }
    }

    async fn opsign_command(&mut self, op: PendingOp) -> wasmtime::Result<Result<String, ComponentError>> {
        self.pass_on(OPSIGN_COMMAND, async |agent| agent.opsign_command(&op).await).await
    }
}

impl Calls {
    async fn is_approved(&self, request: &FormatRequest) -> bool {
        // Without a confirmation the agent formats nothing that holds data, so nobody need be asked.
        let Some(durable_id) = request.confirmation.clone() else { return true };
        let (device, fstype) = (request.device.clone(), request.fstype.clone());
        let wipe = Wipe { extension: self.identity.name.to_string(), device, durable_id, fstype };
        self.approver.approves(&wipe).await
    }
}

impl quiesce::Host for Calls {
    async fn freeze(&mut self) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        let park = self.park.clone();
        self.quiesce(FREEZE, async |run| {
            let parked = park.map_or_else(Parked::nothing_to_park, |park| park());
            run.freeze(&parked).await
        })
        .await
    }

    async fn thaw(&mut self) -> wasmtime::Result<Result<FreezeReport, quiesce::QuiesceError>> {
        self.quiesce(THAW, async |run| run.thaw().await.map(freeze_report)).await
    }
}

impl Calls {
    async fn quiesce<T>(
        &mut self,
        function: Function,
        step: impl AsyncFnOnce(&mut QuiesceRun) -> Result<T, QuiesceError>,
    ) -> wasmtime::Result<Result<T, quiesce::QuiesceError>> {
        let started = Instant::now();
        if let Err(rule) = self.admit(function)? {
            return Ok(Err(quiesce::QuiesceError::Denied(rule)));
        }
        let outcome = match &mut self.quiesce {
            Some(run) => step(run).await,
            None => Err(QuiesceError::Denied("the controller has nothing to freeze".into())),
        };
        self.record(function, outcome.as_ref().map_or("failed", |_| "ok"), started);
        Ok(outcome.map_err(|error| redact_quiesce(&error)))
    }
}

/// What the coordinator reports, as WIT has it.
fn freeze_report(report: Report) -> FreezeReport {
    let consistency = match report.consistency() {
        Consistency::Application => quiesce::Consistency::Application,
        Consistency::Crash { reason } => quiesce::Consistency::Crash(reason),
    };
    let ended_by = match report.ended_by {
        EndedBy::Thaw => FreezeEnd::Thaw,
        EndedBy::LeaseEnded => FreezeEnd::LeaseEnded,
        EndedBy::LetGo => FreezeEnd::LetGo,
        other => FreezeEnd::Other(other.to_string()),
    };
    let frozen_ms = u64::try_from(report.frozen.as_millis()).unwrap_or(u64::MAX);
    FreezeReport { ended_by, frozen_ms, consistency }
}
