//! The controller's applications: whether they stood still, and why not.

use crate::bindings::felhom::agentapi::quiesce::{self, QuiesceError};
use crate::report::{Consistency, Outcome, Report};
use crate::settings::{OnFreezeFailure, Settings};

/// What the applications did while the backup was taken.
pub(crate) enum Applications {
    /// They stand still.
    Frozen,
    /// They stood still until they were thawed here.
    Thawed,
    /// They ran, or may have. Carries why.
    Running(String),
}

impl Applications {
    /// Freezes them, if that is wanted. Where it fails, the settings say whether that is the end.
    pub(crate) fn freeze(settings: &Settings) -> Result<Self, Report> {
        if !settings.freeze {
            return Ok(Self::Running("nothing was frozen".into()));
        }
        match quiesce::freeze() {
            Ok(()) => {
                println!("frozen");
                Ok(Self::Frozen)
            }
            // Another run is at it: this one would be a second.
            Err(QuiesceError::Busy(holder)) => {
                Err(Report::new(Outcome::Busy).reason(format!("{holder} holds the freeze")))
            }
            Err(error) if settings.on_freeze_failure == OnFreezeFailure::Continue => {
                let reason = text(&error);
                println!("{reason}; going on");
                Ok(Self::Running(reason))
            }
            Err(error) => Err(Report::new(Outcome::NotFrozen).reason(text(&error))),
        }
    }

    /// Thaws what stands still. Where that fails, the host goes on trying.
    pub(crate) fn thaw(&mut self) {
        if !matches!(self, Self::Frozen) {
            return;
        }
        *self = match quiesce::thaw() {
            Ok(()) => {
                println!("thawed");
                Self::Thawed
            }
            // They stood still to the end, and a little longer.
            Err(QuiesceError::Failed(why)) => {
                println!("{why}");
                Self::Thawed
            }
            Err(QuiesceError::NotFrozen) => Self::Running("the lease ended before the backup did".into()),
            Err(error) => Self::Running(text(&error)),
        };
    }

    /// What a backup is worth that was taken meanwhile.
    pub(crate) fn consistency(self) -> Consistency {
        match self {
            Self::Frozen | Self::Thawed => Consistency::Application,
            Self::Running(reason) => Consistency::Crash { reason },
        }
    }
}

fn text(error: &QuiesceError) -> String {
    match error {
        QuiesceError::Denied(rule) => format!("denied: {rule}"),
        QuiesceError::Busy(holder) => format!("{holder} holds the freeze"),
        QuiesceError::AlreadyFrozen => "already frozen".into(),
        QuiesceError::NotFrozen => "not frozen".into(),
        QuiesceError::Failed(why) => why.clone(),
    }
}
