//! The extension's input: what a run does. README.md describes it.

use std::time::Duration;

use serde::Deserialize;

/// What a run does. What the input leaves out has its default; a key that is not known is refused, because a misspelt
/// `freeze` would otherwise freeze.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Back up even if the agent says that none is due.
    pub(crate) even_if_not_due: bool,
    /// Freeze the controller's applications while the backup is taken.
    pub(crate) freeze: bool,
    /// What to do if they cannot be frozen.
    pub(crate) on_freeze_failure: OnFreezeFailure,
    /// When to thaw them.
    pub(crate) thaw_on: ThawOn,
    /// The shortest pause between two requests of the status, in milliseconds. Pauses grow to half a minute.
    pub(crate) poll_ms: u64,
    /// How long a status is waited for that does not come, or that shows no backup after a start whose answer was lost, in
    /// seconds.
    pub(crate) patience_s: u64,
    /// How long a backup is followed, in seconds. It goes on after that; the run ends without knowing its outcome.
    pub(crate) give_up_after_s: u64,
}

/// What to do if the applications cannot be frozen.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFreezeFailure {
    /// Take no backup.
    Abort,
    /// Take a backup that is crash-consistent, and say so in the report.
    Continue,
}

/// When to thaw.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ThawOn {
    /// When the backup has ended.
    End,
    /// As soon as the backup runs: for agents that take a snapshot before they report that phase.
    Running,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            even_if_not_due: false,
            freeze: true,
            on_freeze_failure: OnFreezeFailure::Abort,
            thaw_on: ThawOn::End,
            poll_ms: 1000,
            patience_s: 5 * 60,
            give_up_after_s: 4 * 60 * 60,
        }
    }
}

impl Settings {
    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }

    pub(crate) fn give_up_after(&self) -> Duration {
        Duration::from_secs(self.give_up_after_s)
    }
}
