//! The extension's input.

use std::time::Duration;

use serde::Deserialize;

/// What a run does; each has a default.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Back up even if the agent says that none is due.
    pub(crate) even_if_not_due: bool,
    /// Freeze the controller's applications meanwhile.
    pub(crate) freeze: bool,
    /// What to do where they cannot be frozen.
    pub(crate) on_freeze_failure: OnFreezeFailure,
    /// When to thaw them.
    pub(crate) thaw_on: ThawOn,
    /// The pause between two looks at the status, in milliseconds.
    pub(crate) poll_ms: u64,
    /// How long a backup is followed, in seconds.
    pub(crate) give_up_after_s: u64,
}

/// What to do where the applications cannot be frozen.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFreezeFailure {
    /// No backup.
    Abort,
    /// A backup that is crash-consistent, and says so.
    Continue,
}

/// When to thaw.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ThawOn {
    /// When the backup has ended.
    End,
    /// When the backup runs: for agents that take a snapshot first.
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
            give_up_after_s: 4 * 60 * 60,
        }
    }
}

impl Settings {
    pub(crate) fn read(input: &str) -> Result<Self, String> {
        serde_json::from_str(input).map_err(|why| format!("input: {why}"))
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn give_up_after(&self) -> Duration {
        Duration::from_secs(self.give_up_after_s)
    }
}
