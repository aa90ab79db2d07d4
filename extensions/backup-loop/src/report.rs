//! What a run came to: the extension's result.

use serde::Serialize;

use crate::applications::Applications;
use crate::failure::Failure;

/// What a run came to.
#[derive(Serialize)]
pub(crate) struct Report {
    outcome: Outcome,
    /// The backup's name; empty where none was started.
    job_id: String,
    /// Why, in words; empty where the outcome says it all.
    reason: String,
    /// The call that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// What the backup is worth; none where none was taken.
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
    /// A backup was running before this run: it was left alone.
    AlreadyRunning,
    /// Another run holds the freeze.
    Busy,
    /// The freeze failed, so nothing was started.
    NotFrozen,
    /// No backup was started.
    NotStarted,
    /// It was started, and the agent no longer says how it does.
    Lost,
    /// It was started, and was not done in the time that was given.
    StillRunning,
}

/// What a backup is worth.
#[derive(Serialize)]
#[serde(tag = "consistency", rename_all = "kebab-case")]
pub(crate) enum Consistency {
    /// The applications stood still.
    Application,
    /// They ran: it is what a power cut would have left.
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

    pub(crate) fn of_job(self, job: &str) -> Self {
        Self { job_id: job.into(), ..self }
    }

    pub(crate) fn reason(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    pub(crate) fn because(self, failure: Failure) -> Self {
        Self { error: Some(failure), ..self }
    }

    /// With what the backup is worth, if there may be one.
    pub(crate) fn worth(self, applications: Applications) -> Self {
        let may_be_one = matches!(self.outcome, Outcome::Done | Outcome::Lost | Outcome::StillRunning);
        Self { consistency: may_be_one.then(|| applications.consistency()), ..self }
    }
}
