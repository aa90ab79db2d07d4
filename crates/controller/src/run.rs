//! A run: one execution of the backup loop or of an extension, or a wipe, with its state and its end.

mod ending;
pub mod host;
mod kind;
mod log;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::names;

pub(crate) use ending::Ending;
pub use kind::{AskedWipe, RunContext, Runner};
pub use log::{LineLevel, LogLine};

/// The number of a run, unique in one state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What runs: `backup`, the name of an extension, or `wipe` for a disk that a user of the API wants wiped.
    pub subject: String,
    /// SHA-256 of the extension's bytes, in hex; of a wipe the user who wants it, as the kernel says it.
    pub digest: String,
    /// Why it was activated.
    pub reason: String,
    /// How far it is.
    pub state: RunState,
    /// When it was activated.
    pub queued_at: Timestamp,
    /// When it began; none where it has not.
    pub started_at: Option<Timestamp>,
    /// When it ended; none where it has not.
    pub ended_at: Option<Timestamp>,
    /// Why it ended so; empty where the state says it all.
    pub end_reason: String,
    /// What the extension returned, or the agent's answer to a wipe: a JSON text.
    pub result: Option<String>,
    /// The agent's latest backup before this run; for runs that may start one.
    pub job_before: Option<String>,
    /// The backup that it started.
    pub job_id: Option<String>,
    /// `application`, or why the backup is only crash-consistent. The host's word.
    pub consistency: Option<String>,
    /// How long the applications were frozen, in milliseconds.
    pub frozen_ms: Option<i64>,
}

names! {
    /// How far a run is.
    RunState {
        /// It waits for its permit: another run of the same subject, or another freeze, has not ended.
        Queued = "queued",
        /// It runs.
        Running = "running",
        /// It waits for a person to decide on a wipe.
        WaitingForApproval = "waiting-for-approval",
        /// It has done what it was to do; of a backup, that it is done or that none was due.
        Done = "done",
        /// It has failed by its own end.
        Failed = "failed",
        /// It was stopped: by a limit, a person, or because the controller ended.
        Stopped = "stopped",
        /// Nobody can say what became of it.
        Unknown = "unknown",
    }
}

/// What happens to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStep {
    /// It has its permit and begins.
    Begin,
    /// It asks a person.
    Ask,
    /// The person has decided, or their time is over.
    Decided,
    /// It ends in this state.
    End(RunState),
}

/// A step that is not possible in a state: a mistake of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from} cannot take the step {step:?}")]
pub struct Impossible {
    /// The state.
    pub from: RunState,
    /// The step.
    pub step: RunStep,
}

impl RunState {
    /// Whether a run in this state has ended.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Stopped | Self::Unknown)
    }

    /// The state after a step.
    ///
    /// # Errors
    ///
    /// [`Impossible`]: nothing happens to a run that has ended.
    pub const fn after(self, step: RunStep) -> Result<Self, Impossible> {
        match (self, step) {
            (Self::Queued, RunStep::Begin) | (Self::WaitingForApproval, RunStep::Decided) => Ok(Self::Running),
            (Self::Running, RunStep::Ask) => Ok(Self::WaitingForApproval),
            // A run that never began can only be stopped: it has done nothing that could be done or failed.
            (Self::Queued, RunStep::End(Self::Stopped)) => Ok(Self::Stopped),
            (Self::Running | Self::WaitingForApproval, RunStep::End(end)) if end.is_end() => Ok(end),
            (from, step) => Err(Impossible { from, step }),
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// One of the states that are an end.
    pub state: RunState,
    /// Why, in words; empty where the state says it all.
    pub reason: String,
    /// What the extension returned.
    pub result: Option<String>,
    /// The backup that it started.
    pub job_id: Option<String>,
    /// `application`, or why the backup is only crash-consistent.
    pub consistency: Option<String>,
    /// How long the applications were frozen, in milliseconds.
    pub frozen_ms: Option<i64>,
}

impl RunEnd {
    /// An end with a reason and nothing else.
    pub fn new(state: RunState, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), result: None, job_id: None, consistency: None, frozen_ms: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{RunState, RunStep};

    #[test]
    fn every_step_in_every_state_is_decided() {
        use RunState::{Done, Failed, Queued, Running, Stopped, Unknown, WaitingForApproval};
        let possible = [
            (Queued, RunStep::Begin, Running),
            (Queued, RunStep::End(Stopped), Stopped),
            (Running, RunStep::Ask, WaitingForApproval),
            (WaitingForApproval, RunStep::Decided, Running),
        ];
        let ends = [Done, Failed, Stopped, Unknown];
        let possible = possible.into_iter().chain(
            [Running, WaitingForApproval].into_iter().flat_map(|from| ends.map(|end| (from, RunStep::End(end), end))),
        );
        let possible: Vec<_> = possible.collect();
        let steps = [RunStep::Begin, RunStep::Ask, RunStep::Decided];
        let steps: Vec<_> = steps.into_iter().chain(RunState::ALL.iter().map(|state| RunStep::End(*state))).collect();
        for from in RunState::ALL {
            for step in &steps {
                let expected = possible.iter().find(|(a, b, _)| (a, b) == (from, step)).map(|(.., to)| *to);
                assert_eq!(from.after(*step).ok(), expected, "{from} {step:?}");
            }
        }
    }

    #[test]
    fn states_are_known_by_their_names() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_name(state.name()), Some(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        assert_eq!(RunState::from_name("finished"), None);
    }
}
