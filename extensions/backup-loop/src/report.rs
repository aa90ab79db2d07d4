//! The extension's result: how a run ended, and what its backup is worth.

use agentapi_extension::CallError;
use serde::Serialize;

/// The result of a run, as JSON; README.md describes it.
#[derive(Serialize)]
pub struct Report {
    outcome: Outcome,
    /// The job's name at the agent; empty if no backup was started.
    job_id: String,
    /// Why, in words; empty if the outcome says it all.
    reason: String,
    /// The call that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CallError>,
    /// What the backup is worth; none if none was taken.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    consistency: Option<Consistency>,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The backup worked.
    Done,
    /// The backup failed; `reason` is the agent's.
    Failed,
    /// No backup is due.
    NotDue,
    /// A backup was running before this run, which left it alone.
    AlreadyRunning,
    /// Another run holds the freeze.
    Busy,
    /// The freeze failed, so no backup was started.
    NotFrozen,
    /// No backup was started.
    NotStarted,
    /// Nobody knows whether a backup was started: the answer to the start was lost, and the status shows none.
    Unknown,
    /// A backup was started, and the agent no longer reports its status.
    Lost,
    /// A backup was started, and was still running after `give_up_after_s`.
    StillRunning,
}

/// What a backup is worth when it is restored.
#[derive(Serialize)]
#[serde(tag = "consistency", rename_all = "kebab-case")]
pub(crate) enum Consistency {
    /// Application-consistent: the applications stood still while it was taken.
    Application,
    /// Crash-consistent: the applications ran, so it holds what a power cut would have left.
    Crash {
        /// Why.
        #[serde(rename = "consistency_reason")]
        reason: String,
    },
}

impl Report {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self { outcome, job_id: String::new(), reason: String::new(), error: None, consistency: None }
    }

    pub(crate) fn for_job(self, job: &str) -> Self {
        Self { job_id: job.into(), ..self }
    }

    pub(crate) fn with_reason(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    pub(crate) fn caused_by(self, error: CallError) -> Self {
        Self { error: Some(error), ..self }
    }

    /// Adds what the backup is worth, unless the outcome says that there is none. One that is out of sight may yet be done,
    /// but nothing good is said of it.
    pub(crate) fn with_consistency(self, consistency: Consistency) -> Self {
        let is_told = match self.outcome {
            Outcome::Done => true,
            Outcome::Lost | Outcome::StillRunning | Outcome::Unknown => {
                !matches!(consistency, Consistency::Application)
            }
            _ => false,
        };
        Self { consistency: is_told.then_some(consistency), ..self }
    }
}
