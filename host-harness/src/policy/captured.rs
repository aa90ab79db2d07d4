//! When a backup is captured, which decides together with the freeze what it is worth.

use crate::records::BackupPhase;

/// When the agent has what it needs of a backup, so that what the applications do afterwards is not in it. The host
/// decides by this whether a backup is application-consistent, whatever its extension says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Captured {
    /// When its phase is `done`.
    #[default]
    WhenDone,
    /// When its phase is `running`: for agents whose backups take a snapshot first.
    WhenRunning,
}

impl Captured {
    /// Whether a backup at this phase is captured.
    pub(super) fn is_reached(self, phase: &BackupPhase) -> bool {
        match self {
            Self::WhenDone => matches!(phase, BackupPhase::Done),
            Self::WhenRunning => matches!(phase, BackupPhase::Running | BackupPhase::Done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_runs_is_captured_only_where_a_snapshot_comes_first() {
        let other = BackupPhase::Other("paused".into());
        for (phase, when_done, when_running) in [
            (BackupPhase::Idle, false, false),
            (BackupPhase::Running, false, true),
            (BackupPhase::Done, true, true),
            (BackupPhase::Failed, false, false),
            (other, false, false),
        ] {
            assert_eq!(Captured::WhenDone.is_reached(&phase), when_done, "{phase:?}");
            assert_eq!(Captured::WhenRunning.is_reached(&phase), when_running, "{phase:?}");
        }
    }
}
