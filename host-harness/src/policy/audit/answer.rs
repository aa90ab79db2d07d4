//! What the audit takes from an answer or an error.

use agentapi_quiesce::QuiesceError;
use serde::Serialize;

use crate::error::Error;
use crate::policy::audit::entry::{AuditBackup, AuditEnd, AuditOutcome};
use crate::policy::error::RunError;
use crate::records::{
    BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, FormatResult, MetricsView, StorageView,
};

/// An answer of the agent. Serialised as a whole, it tells whether a poll brought anything new.
pub(in crate::policy) trait Answer: Serialize {
    /// The guest that it names. 0 is what a key that is missing is read as.
    fn vmid(&self) -> i64 {
        0
    }

    /// The backup that it speaks of.
    fn backup(&self) -> Option<AuditBackup> {
        None
    }
}

impl Answer for () {}
impl Answer for String {}
impl Answer for Option<String> {}

macro_rules! answers_of_a_guest {
    ($($record:ty),+) => {
        $(impl Answer for $record {
            fn vmid(&self) -> i64 {
                self.vmid
            }
        })+
    };
}

answers_of_a_guest!(BackupDue, DiskList, EjectResult, FormatResult, MetricsView, StorageView);

impl Answer for BackupJob {
    fn vmid(&self) -> i64 {
        self.vmid
    }

    fn backup(&self) -> Option<AuditBackup> {
        backup(&self.job_id, self.phase.as_str(), "")
    }
}

impl Answer for BackupStatus {
    fn vmid(&self) -> i64 {
        self.vmid
    }

    fn backup(&self) -> Option<AuditBackup> {
        backup(&self.job_id, self.phase.as_str(), &self.error)
    }
}

/// None of a guest that never had one: `idle`, without a name.
fn backup(job_id: &str, phase: &str, reason: &str) -> Option<AuditBackup> {
    let [job_id, phase, reason] = [job_id, phase, reason].map(|text| (!text.is_empty()).then(|| text.to_owned()));
    Some(AuditBackup { job_id: Some(job_id?), phase, reason })
}

/// The end of an operation that the agent was asked for.
pub(super) fn end_of_call<T: Answer>(outcome: &Result<T, Error>) -> AuditEnd {
    let vmid = match outcome {
        Ok(answer) => answer.vmid(),
        Err(Error::NeedsConfirmation(result) | Error::FormatRefused(result)) => result.vmid,
        Err(_) => 0,
    };
    let guest = (vmid != 0).then_some(vmid);
    match outcome {
        Ok(answer) => AuditEnd { outcome: AuditOutcome::Ok, guest, backup: answer.backup(), ..AuditEnd::default() },
        Err(error) => AuditEnd { guest, ..failure(error.kind(), reason(error)) },
    }
}

/// The end of an operation that failed.
pub(in crate::policy) fn failure(kind: &'static str, reason: impl Into<Option<String>>) -> AuditEnd {
    let reason = reason.into().filter(|text| !text.is_empty());
    AuditEnd { outcome: AuditOutcome::Failed(kind), reason, ..AuditEnd::default() }
}

/// What the agent or a rule said. Nothing of the error's own text, which holds addresses and repeats the kind.
fn reason(error: &Error) -> Option<String> {
    match error {
        Error::InvalidArgument(text)
        | Error::Denied(text)
        | Error::BadEnvelope(text)
        | Error::Agent(text)
        | Error::Decode(text) => Some(text.clone()),
        Error::NeedsConfirmation(result) | Error::FormatRefused(result) => Some(result.reason.clone()),
        Error::HttpStatus { status, text, .. } if text.is_empty() => Some(status.to_string()),
        Error::HttpStatus { status, text, .. } => Some(format!("{status}: {text}")),
        Error::Deadline { phase, .. } => Some(phase.to_string()),
        Error::ResponseTooLarge { limit } => Some(format!("more than {limit} bytes")),
        Error::NotConnected
        | Error::PinMismatch { .. }
        | Error::Unreachable { .. }
        | Error::Tls { .. }
        | Error::Interrupted { .. }
        | Error::NoPolicy
        | Error::Component(_) => None,
    }
}

/// The end of a freeze or thaw that failed. Its cause may hold what a program printed: that is for the log.
pub(super) fn quiesce_failure(error: &QuiesceError) -> AuditEnd {
    match error {
        QuiesceError::Denied(rule) => failure("denied", rule.clone()),
        QuiesceError::Busy { .. } => failure("busy", error.to_string()),
        QuiesceError::AlreadyFrozen => failure("already-frozen", None),
        QuiesceError::NotFrozen(why) => failure("not-frozen", why.to_string()),
        QuiesceError::Failed { step, .. } => failure("failed", step.to_string()),
    }
}

/// The end of a run.
pub(super) fn end_of_run(outcome: &Result<String, RunError>) -> AuditEnd {
    let Err(error) = outcome else {
        return AuditEnd { outcome: AuditOutcome::Ok, ..AuditEnd::default() };
    };
    let reason = match error {
        RunError::Failed(text) => text.clone(),
        RunError::Stopped { breach, .. } => breach.to_string(),
        // Where it trapped is for the log.
        RunError::Trapped { trap, .. } => trap.reason.clone(),
    };
    failure(error.kind(), reason)
}
