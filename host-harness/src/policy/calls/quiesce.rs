//! Freezing the controller's applications, for an extension.

use agentapi_quiesce::{Consistency, EndedBy, Parked, QuiesceError, Report};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::policy::audit::AuditTarget;
use crate::policy::bindings::felhom::agentapi::quiesce::{self, FreezeEnd, FreezeReport};
use crate::policy::calls::Calls;
use crate::policy::grants::{FREEZE, THAW};
use crate::policy::observed::ObservedError;
use crate::policy::redact::redact_quiesce;

impl quiesce::Host for Calls {
    async fn freeze(&mut self) -> wasmtime::Result<Result<(), quiesce::QuiesceError>> {
        let admitted = match self.admit(FREEZE, AuditTarget::default(), json!({}))? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(quiesce::QuiesceError::Denied(rule))),
        };
        self.note_end_of_freeze();
        let outcome = match (&mut self.dry_run, &mut self.quiesce) {
            (Some(dry_run), _) => dry_run.freeze(self.clock.elapsed()),
            (None, Some(run)) => {
                let parked = match self.park.clone() {
                    // It may wait for a disk, and the runtime has other work meanwhile.
                    Some(park) => spawn_blocking(move || park()).await?,
                    None => Parked::nothing_to_park(),
                };
                run.freeze(&parked).await
            }
            (None, None) => Err(nothing_to_freeze()),
        };
        admitted.operation.frozen(outcome.as_ref().copied());
        let outcome = outcome.map_err(|error| redact_quiesce(&error));
        match &outcome {
            Ok(()) => admitted.call.answered(&()),
            Err(error) => admitted.call.failed(|| observed(error)),
        }
        Ok(outcome)
    }

    async fn thaw(&mut self) -> wasmtime::Result<Result<FreezeReport, quiesce::QuiesceError>> {
        let admitted = match self.admit(THAW, AuditTarget::default(), json!({}))? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(quiesce::QuiesceError::Denied(rule))),
        };
        let outcome = if let Some(dry_run) = &mut self.dry_run {
            admitted.operation.worked();
            dry_run.thaw(self.clock.elapsed())
        } else {
            let outcome = match &mut self.quiesce {
                Some(run) => run.thaw().await,
                None => Err(nothing_to_freeze()),
            };
            admitted.operation.thawed(outcome.as_ref());
            outcome.map(freeze_report)
        };
        let outcome = outcome.map_err(|error| redact_quiesce(&error));
        match &outcome {
            Ok(report) => admitted.call.answered(&described(report)),
            Err(error) => admitted.call.failed(|| observed(error)),
        }
        Ok(outcome)
    }
}

/// The report as JSON, with the names of the contract.
fn described(report: &FreezeReport) -> Value {
    let (consistency, reason) = match &report.consistency {
        quiesce::Consistency::Application => ("application", None),
        quiesce::Consistency::Crash(reason) => ("crash", Some(reason)),
    };
    let ended_by = match &report.ended_by {
        FreezeEnd::Thaw => "thaw",
        FreezeEnd::LeaseEnded => "lease-ended",
        FreezeEnd::LetGo => "let-go",
        FreezeEnd::Other(words) => words,
    };
    json!({ "ended_by": ended_by, "frozen_ms": report.frozen_ms, "consistency": consistency, "reason": reason })
}

fn observed(error: &quiesce::QuiesceError) -> ObservedError {
    use quiesce::QuiesceError as E;
    match error {
        E::Denied(rule) => ObservedError::denied(rule),
        E::Busy(holder) => ObservedError::new("busy", holder),
        E::AlreadyFrozen => ObservedError::new("already-frozen", ""),
        E::NotFrozen => ObservedError::new("not-frozen", ""),
        E::Failed(cause) => ObservedError::new("failed", cause),
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
