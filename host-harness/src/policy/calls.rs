//! The calls of an extension: counted, granted, approved where they wipe, passed on to the agent, and audited.

mod clock;
mod disks;
mod log;
mod notify;
mod quiesce;
mod state;

use std::sync::Arc;

use agentapi_contract::wit::Function;
use agentapi_contract::{Route, visible};
use agentapi_quiesce::{Parked, Run as QuiesceRun, error_chain};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::error::Error;
use crate::policy::approver::Approver;
use crate::policy::audit::{Answer, AuditTarget, Operation, Trail};
use crate::policy::bindings::felhom::agentapi::{backup, host_metrics, storage};
use crate::policy::captured::BackupWatch;
use crate::policy::clock::RunClock;
use crate::policy::dry_run::DryRun;
use crate::policy::grants::Grants;
use crate::policy::identity::Identity;
use crate::policy::limits::Breach;
use crate::policy::log::RunLog;
use crate::policy::notification::Notifications;
use crate::policy::observed::{Observed, ObservedError, OpenCall};
use crate::policy::redact::{observed_error, redact};
use crate::policy::state_store::{Entries, StateStore};
use crate::sandbox::types::{
    self, BackupDue, BackupJob, BackupStatus, Error as ComponentError, MetricsView, StorageView,
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
    pub(super) clock: RunClock,
    pub(super) log: RunLog,
    pub(super) observed: Observed,
    /// Answers what acts in place of the agent; none where a run is meant.
    pub(super) dry_run: Option<DryRun>,
    pub(super) state_store: Option<Arc<dyn StateStore>>,
    pub(super) entries: Entries,
    pub(super) notifications: Option<Arc<dyn Notifications>>,
}

/// A call that may be made, and has begun.
struct Admitted {
    operation: Operation,
    call: OpenCall,
}

impl Admitted {
    /// The agent, or a dry run in its place, has answered.
    fn answered<T: Answer>(self, outcome: &Result<T, Error>) {
        self.operation.answered(outcome);
        match outcome {
            Ok(answer) => self.call.answered(answer),
            Err(error) => self.call.failed(|| observed_error(error)),
        }
    }

    fn denied(self, rule: &str) {
        self.operation.denied(rule);
        self.call.failed(|| ObservedError::denied(rule));
    }
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
    fn admit(
        &mut self,
        function: Function,
        target: AuditTarget,
        arguments: Value,
    ) -> wasmtime::Result<Result<Admitted, String>> {
        // A denied call counts too: an extension that ignores the answer must not be able to go on for ever.
        self.budget.spend()?;
        let call = self.observed.begin(function, arguments);
        let admitted = Admitted { operation: self.trail.begin(function, target), call };
        // Checked at each call, not only at load: with `Ungranted::Deny` an extension is loaded that imports more.
        if self.grants.allows(function) {
            return Ok(Ok(admitted));
        }
        let rule = missing_grant(function);
        admitted.denied(&rule);
        Ok(Err(rule))
    }

    /// Passes a call on to the agent, if it may be made.
    async fn pass_on<T: Answer>(
        &mut self,
        function: Function,
        target: AuditTarget,
        arguments: Value,
        call: impl AsyncFnOnce(&Agent) -> Result<T, Error>,
    ) -> wasmtime::Result<Result<T, ComponentError>> {
        let admitted = match self.admit(function, target, arguments)? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(ComponentError::Denied(rule))),
        };
        let outcome = call(&self.agent).await;
        admitted.answered(&outcome);
        Ok(outcome.map_err(|error| self.log_and_redact(function, &error)))
    }

    /// As [`pass_on`](Self::pass_on), for a function without arguments that only reads.
    async fn read<T: Answer>(
        &mut self,
        function: Function,
        call: impl AsyncFnOnce(&Agent) -> Result<T, Error>,
    ) -> wasmtime::Result<Result<T, ComponentError>> {
        self.pass_on(function, AuditTarget::default(), json!({}), call).await
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
        self.read(Route::Storage.function(), async |agent| agent.storage().await).await
    }
}

impl host_metrics::Host for Calls {
    async fn collect(&mut self) -> wasmtime::Result<Result<MetricsView, ComponentError>> {
        self.read(Route::HostMetrics.function(), async |agent| agent.host_metrics().await).await
    }
}

impl backup::Host for Calls {
    async fn due(&mut self) -> wasmtime::Result<Result<BackupDue, ComponentError>> {
        self.read(Route::BackupDue.function(), async |agent| agent.backup_due().await).await
    }

    async fn start(&mut self) -> wasmtime::Result<Result<BackupJob, ComponentError>> {
        const FUNCTION: Function = Route::StartBackup.function();
        // Before the lease learns of a backup: a start that is denied begins none.
        let admitted = match self.admit(FUNCTION, AuditTarget::default(), json!({}))? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(ComponentError::Denied(rule))),
        };
        if let Some(dry_run) = &mut self.dry_run {
            let job = dry_run.start_backup();
            admitted.answered(&Ok(job.clone()));
            return Ok(Ok(job));
        }
        self.trail.start_begins(self.is_frozen_for_a_backup());
        let outcome = self.agent.start_backup().await;
        self.trail.start_ends(&outcome);
        match &outcome {
            Ok(job) => self.backup.started(&job.job_id),
            Err(error) if error.may_have_acted() => self.backup.may_have_started(),
            Err(_) => {}
        }
        admitted.answered(&outcome);
        Ok(outcome.map_err(|error| self.log_and_redact(FUNCTION, &error)))
    }

    async fn status(&mut self) -> wasmtime::Result<Result<BackupStatus, ComponentError>> {
        const FUNCTION: Function = Route::BackupStatus.function();
        let started = self.dry_run.as_ref().and_then(DryRun::backup_status);
        let status = self.read(FUNCTION, async |agent| match started {
            // The agent knows nothing of a backup that was only said to have begun.
            Some(status) => Ok(status),
            None => agent.backup_status().await,
        });
        let status = status.await?;
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

impl Calls {
    /// Whether everything stands still for the backup that is about to be started. To be asked before the request: a
    /// backup that the agent takes of what stood still from here on is consistent.
    fn is_frozen_for_a_backup(&self) -> bool {
        self.quiesce.as_ref().is_some_and(QuiesceRun::backup_begins)
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

/// The rule by which a function is denied that is not granted.
fn missing_grant(function: Function) -> String {
    format!("the grant {function} is missing")
}
