//! The controller's applications while a backup is taken: whether they stood still, and if not, why.

use std::mem;

use agentapi_extension::quiesce::{self, Consistency as HostConsistency, Frozen, QuiesceError};
use agentapi_extension::{CallError, info};

use crate::report::{Consistency, Outcome, Report};
use crate::settings::{OnFreezeFailure, Settings};

/// The applications' state, from which follows what the backup is worth.
pub(crate) enum Applications {
    /// They stand still, and a lease of the host keeps them so.
    Frozen(Frozen),
    /// They were thawed. Holds what the host says a backup is worth that was taken meanwhile.
    Thawed(HostConsistency),
    /// They ran, or may have run, while the backup was taken. Holds why.
    Running(String),
}

impl Applications {
    /// Freezes them, unless the settings say not to. If the freeze fails, the settings decide whether the run ends
    /// here.
    pub(crate) fn freeze(settings: &Settings) -> Result<Self, Report> {
        if !settings.freeze {
            return Ok(Self::Running("nothing was frozen".into()));
        }
        match quiesce::freeze() {
            Ok(frozen) => {
                info!("frozen");
                Ok(Self::Frozen(frozen))
            }
            // Not subject to `on_freeze_failure`: another run holds the freeze, and probably its backup is running.
            Err(CallError { error: QuiesceError::Busy(holder), .. }) => {
                Err(Report::new(Outcome::Busy).with_reason(format!("{holder} holds the freeze")))
            }
            Err(CallError { error, .. }) if settings.on_freeze_failure == OnFreezeFailure::Continue => {
                let reason = describe(&error);
                info!("{reason}; going on");
                Ok(Self::Running(reason))
            }
            Err(CallError { error, .. }) => Err(Report::new(Outcome::NotFrozen).with_reason(describe(&error))),
        }
    }

    /// Thaws them if they stand still. If that fails the host goes on trying, so this does not.
    pub(crate) fn thaw(&mut self) {
        let frozen = match mem::replace(self, Self::Running("not thawed".into())) {
            Self::Frozen(frozen) => frozen,
            other => return *self = other,
        };
        *self = match frozen.thaw() {
            Ok(report) => {
                info!("thawed after {} ms", report.frozen_ms);
                Self::Thawed(report.consistency)
            }
            // It is tried until it works, and what the backup is worth is known only then: the host's report has it.
            Err(CallError { error, .. }) => {
                let reason = describe(&error);
                info!("{reason}");
                Self::Running(reason)
            }
        };
    }

    /// What a backup is worth that was taken meanwhile.
    pub(crate) fn consistency(self) -> Consistency {
        match self {
            Self::Thawed(HostConsistency::Application) => Consistency::Application,
            Self::Thawed(HostConsistency::Crash(reason)) | Self::Running(reason) => Consistency::Crash { reason },
            // Only the host knows how a freeze ends, and it says so at the thaw.
            Self::Frozen(_) => Consistency::Crash { reason: "not thawed".into() },
        }
    }
}

fn describe(error: &QuiesceError) -> String {
    match error {
        QuiesceError::Denied(rule) => format!("denied: {rule}"),
        QuiesceError::Busy(holder) => format!("{holder} holds the freeze"),
        QuiesceError::AlreadyFrozen => "already frozen".into(),
        QuiesceError::NotFrozen => "not frozen".into(),
        QuiesceError::Failed(why) => why.clone(),
    }
}
