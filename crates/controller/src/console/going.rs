//! What goes on now: with a subject, and with the freeze.

use jiff::{SignedDuration, Timestamp};

use crate::api::ApiState;
use crate::console::time::length;
use crate::console::words::shown;
use crate::owner::Activity;
use crate::run::RunId;

/// What a subject does.
pub(super) struct Going {
    /// Where more is said of it.
    pub(super) run: Option<RunId>,
    /// Empty where it does nothing.
    pub(super) text: String,
}

/// What stands still.
pub(super) struct Frozen {
    pub(super) holder: String,
    pub(super) stage: String,
    pub(super) time: String,
    /// To thaw, so far.
    pub(super) attempts: u32,
}

impl Going {
    pub(super) fn new(activity: Activity, now: Timestamp) -> Self {
        match activity {
            Activity::Idle => Self { run: None, text: String::new() },
            Activity::Waiting { run } => Self { run, text: "waits for its turn".into() },
            Activity::Running { run, since } => {
                // Of a clock that was set back, rather than a run that began ahead.
                let time = now.duration_since(since).max(SignedDuration::ZERO);
                Self { run, text: format!("running for {}", length(time)) }
            }
        }
    }
}

impl Frozen {
    /// None while nothing is frozen.
    pub(super) fn of(state: &ApiState) -> Option<Self> {
        let freeze = state.coordinator.as_ref()?.status()?;
        let time = SignedDuration::try_from(freeze.since.elapsed()).unwrap_or(SignedDuration::MAX);
        Some(Self {
            holder: shown(&freeze.holder),
            stage: freeze.stage.to_string(),
            time: length(time),
            attempts: freeze.attempts,
        })
    }
}
