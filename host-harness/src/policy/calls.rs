//! The calls of an extension: counted, granted, approved where they wipe, passed on to the agent, and audited.

use std::sync::Arc;

use agentapi_contract::wit::Function;
use agentapi_contract::{Route, visible};
use agentapi_quiesce::{Consistency, EndedBy, Parked, QuiesceError, Report, Run as QuiesceRun, error_chain};
use tokio::task::spawn_blocking;

use crate::agent::Agent;
use crate::error::Error;
use crate::policy::approver::{Approver, Wipe};
use crate::policy::audit::{Answer, AuditTarget, Operation, Trail};
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
    pub(super) trail: Trail,
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
    /// Begins a call, if it may be made; the inner error is the rule that forbids it.
    fn admit(&mut self, function: Function, target: AuditTarget) -> wasmtime::Result<Result<Operation, String>> {
        // A denied call counts too: an extension that ignores the answer must not be able to go on for ever.
        self.budget.spend()?;
        let operation = self.trail.begin(function, target);
        // Checked at each call, not only at load: with `Ungranted::Deny` an extension is loaded that imports more.
        if self.grants.allows(function) {
            return Ok(Ok(operation));
        }
        let rule = format!("the grant {function} is missing");
        operation.denied(&rule);
        Ok(Err(rule))
    }

    /// Passes a call on to the agent, if it may be made.
    async fn pass_on<T: Answer>(
        &mut self,
        function: Function,
        target: AuditTarget,
        call: impl AsyncFnOnce(&Agent) -> Result<T, Error>,
    ) -> wasmtime::Result<Result<T, ComponentError>> {
        let operation = match self.admit(function, target)? {
            Ok(operation) => operation,
            Err(rule) => return Ok(Err(ComponentError::Denied(rule))),
        };
        let outcome = call(&self.agent).await;
        operation.answered(&outcome);
        Ok(outcome.map_err(|error| self.log_and_redact(function, &error)))
    }

    fn log_and_redact(&self, function: Function, error: &Error) -> ComponentError {
        let (extension, cause) = (&*self.identity.name, error_chain(error));
        tracing::warn!(extension, %function, cause = %visible(&cause), "an extension's call failed");
        redact(error)
    }
}

impl types::Host for Calls {}

impl storage::Host for Calls {
    async fn mounts(&mut self) -> wasmtime::Result<Result<StorageView, ComponentError>> {
        self.pass_on(Route::Storage.function(), AuditTarget::default(), async |agent| agent.storage().await).await
    }
}

impl backup::Host for Calls {
    async fn due(&mut self) -> wasmtime::Result<Result<BackupDue, ComponentError>> {
        self.pass_on(Route::BackupDue.function(), AuditTarget::default(), async |agent| agent.backup_due().await).await
    }

    async fn start(&mut self) -> wasmtime::Result<Result<BackupJob, ComponentError>> {
        const FUNCTION: Function = Route::StartBackup.function();
        // Before the lease learns of a backup: a start that is denied begins none.
        let operation = match self.admit(FUNCTION, AuditTarget::default())? {
            Ok(operation) => operation,
            Err(rule) => return Ok(Err(ComponentError::Denied(rule))),
        };
        self.trail.start_begins(self.is_frozen_for_a_backup());
        let outcome = self.agent.start_backup().await;
        self.trail.start_ends(&outcome);
        match &outcome {
            Ok(job) => self.backup.started(&job.job_id),
            Err(error) if error.may_have_acted() => self.backup.may_have_started(),
            Err(_) => {}
        }
        operation.answered(&outcome);
        Ok(outcome.map_err(|error| self.log_and_redact(FUNCTION, &error)))
    }

    async fn status(&mut self) -> wasmtime::Result<Result<BackupStatus, ComponentError>> {
        const FUNCTION: Function = Route::BackupStatus.function();
        let status = self.pass_on(FUNCTION, AuditTarget::default(), async |agent| agent.backup_status().await).await?;
        if let Ok(status) = &status
            && self.backup.is_of_this_run(status)
        {
            let is_captured = self.backup.is_captured(status);
            let is_captured = is_captured && self.quiesce.as_ref().is_some_and(QuiesceRun::backup_captured);
            self.trail.status(status, is_captured);
        }
        Ok(status)
    }
}

impl host_metrics::Host for Calls {
    async fn collect(&mut self) -> wasmtime::Result<Result<MetricsView, ComponentError>> {
        const FUNCTION: Function = Route::HostMetrics.function();
        self.pass_on(FUNCTION, AuditTarget::default(), async |agent| agent.host_metrics().await).await
    }
}

impl disks::Host for Calls {
    async fn list(&mut self) -> wasmtime::Result<Result<DiskList, ComponentError>> {
        self.pass_on(Route::Disks.function(), AuditTarget::default(), async |agent| agent.disks().await).await
    }

    async fn assign(&mut self, request: AssignRequest) -> wasmtime::Result<Result<(), ComponentError>> {
        let target = AuditTarget::of_assign(&request);
        self.pass_on(Route::AssignDisk.function(), target, async |agent| agent.assign_disk(&request).await).await
    }

    async fn eject(&mut self, mounted_at: String) -> wasmtime::Result<Result<EjectResult, ComponentError>> {
        let target = AuditTarget::of_eject(&mounted_at);
        self.pass_on(Route::EjectDisk.function(), target, async |agent| agent.eject_disk(&mounted_at).await).await
    }

    async fn format(&mut self, request: FormatRequest) -> wasmtime::Result<Result<FormatResult, FormatError>> {
        const FUNCTION: Function = Route::FormatDisk.function();
        let denied = |rule| FormatError::Failed(ComponentError::Denied(rule));
        let mut operation = match self.admit(FUNCTION, AuditTarget::of_format(&request))? {
            Ok(operation) => operation,
            Err(rule) => return Ok(Err(denied(rule))),
        };
        if !self.is_approved(&request, &mut operation).await {
            let rule = "no person has approved that this disk is wiped";
            operation.denied(rule);
            return Ok(Err(denied(rule.into())));
        }
        let outcome = self.agent.format_disk(&request).await;
        operation.answered(&outcome);
        Ok(outcome.map_err(|error| match error {
            Error::NeedsConfirmation(result) => FormatError::NeedsConfirmation(*result),
            Error::FormatRefused(result) => FormatError::Refused(*result),
            error => FormatError::Failed(self.log_and_redact(FUNCTION, &error)),
        }))
    }

    async fn fs_uuid(&mut self, durable_id: String) -> wasmtime::Result<Option<String>> {
        let target = AuditTarget::of_durable_id(&durable_id);
        // This function has no error to answer with. None means that the id holds no UUID, which tells a caller without
        // the grant nothing.
        let uuid = self.pass_on(FS_UUID, target, async |agent| agent.fs_uuid(&durable_id).await).await?;
        Ok(uuid.unwrap_or_default())
    }

    async fn opsign_command(&mut self, op: PendingOp) -> wasmtime::Result<Result<String, ComponentError>> {
        let target = AuditTarget::of_durable_id(&op.durable_id);
        self.pass_on(OPSIGN_COMMAND, target, async |agent| agent.opsign_command(&op).await).await
    }
}

impl Calls {
    /// Whether everything stands still for the backup that is about to be started. To be asked before the request: a
    /// backup that the agent takes of what stood still from here on is consistent.
    fn is_frozen_for_a_backup(&self) -> bool {
        self.quiesce.as_ref().is_some_and(QuiesceRun::backup_begins)
    }

    async fn is_approved(&self, request: &FormatRequest, operation: &mut Operation) -> bool {
        // Without a confirmation the agent formats nothing that holds data, so nobody need be asked.
        let Some(durable_id) = request.confirmation.clone() else { return true };
        let (device, fstype) = (request.device.clone(), request.fstype.clone());
        let wipe = Wipe { extension: self.identity.name.to_string(), device, durable_id, fstype };
        operation.asks();
        let decision = self.approver.approves(&wipe).await;
        operation.decided(&decision);
        decision.is_approved()
    }

    /// Notes how the freeze of this run ended, if it has: a further freeze takes the place of its report.
    fn note_end_of_freeze(&self) {
        self.trail.freeze_ends(self.quiesce.as_ref().and_then(QuiesceRun::report));
    }
}

impl Drop for Calls {
    /// Before the lease is dropped: only what ended by now is known when the end of the run is written.
    fn drop(&mut self) {
        self.note_end_of_freeze();
    }
}

impl quiesce::Host for Calls {
    async fn freeze(&mut self) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        let operation = match self.admit(FREEZE, AuditTarget::default())? {
            Ok(operation) => operation,
            Err(rule) => return Ok(Err(quiesce::QuiesceError::Denied(rule))),
        };
        self.note_end_of_freeze();
        let outcome = match &mut self.quiesce {
            Some(run) => {
                let parked = match self.park.clone() {
                    // It may wait for a disk, and the runtime has other work meanwhile.
                    Some(park) => spawn_blocking(move || park()).await?,
                    None => Parked::nothing_to_park(),
                };
                run.freeze(&parked).await
            }
            None => Err(nothing_to_freeze()),
        };
        operation.frozen(outcome.as_ref().copied());
        Ok(outcome.map_err(|error| redact_quiesce(&error)))
    }

    async fn thaw(&mut self) -> wasmtime::Result<Result<FreezeReport, quiesce::QuiesceError>> {
        let operation = match self.admit(THAW, AuditTarget::default())? {
            Ok(operation) => operation,
            Err(rule) => return Ok(Err(quiesce::QuiesceError::Denied(rule))),
        };
        let outcome = match &mut self.quiesce {
            Some(run) => run.thaw().await,
            None => Err(nothing_to_freeze()),
        };
        operation.thawed(outcome.as_ref());
        Ok(outcome.map(freeze_report).map_err(|error| redact_quiesce(&error)))
    }
}

fn nothing_to_freeze() -> QuiesceError {
    QuiesceError::Denied("the controller has nothing to freeze".into())
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
