//! The options of `agentapi backup run`.

use agentapi_host::policy::{BackupLoop, Captured, OnFreezeFailure, ThawOn};
use clap::{Args, ValueEnum};

use crate::extension::ExtensionOptions;

/// What `backup run` takes.
#[derive(Args)]
pub(crate) struct BackupRunOptions {
    /// Back up even if the agent says that none is due
    #[arg(long)]
    even_if_not_due: bool,
    /// When to thaw
    #[arg(long, value_name = "WHEN", default_value = "end")]
    thaw_on: ThawTime,
    /// What to do where the applications cannot be frozen
    #[arg(long, value_name = "WHAT", default_value = "abort")]
    on_freeze_failure: FreezeFailureAction,
    /// Ask for the status after N milliseconds, and then with pauses that grow to half a minute
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    poll_ms: u64,
    /// Wait N seconds for a status that does not come, or that shows no backup after a start whose answer was lost
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=24 * 60 * 60))]
    patience_s: u64,
    // Six days at most: the loop's own limit is seven, and the run should end with a report and not at that limit.
    /// Follow a backup for N seconds at most [default: 14400]
    #[arg(long, value_name = "N", default_value_t = 14_400, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=6 * 24 * 60 * 60))]
    give_up_after_s: u64,
    #[command(flatten)]
    pub(super) extension: ExtensionOptions,
}

/// When the applications are thawed: [`ThawOn`] as it is typed.
#[derive(Clone, Copy, ValueEnum)]
enum ThawTime {
    /// When the backup has ended
    End,
    /// When it runs: for hosts whose backups take a snapshot first
    Running,
}

/// What is done where the applications cannot be frozen: [`OnFreezeFailure`] as it is typed.
#[derive(Clone, Copy, ValueEnum)]
enum FreezeFailureAction {
    /// No backup
    Abort,
    /// A backup that is crash-consistent, and says so
    Continue,
}

impl BackupRunOptions {
    /// The settings of the loop. It freezes only if there is a program to freeze with.
    pub(super) fn settings(&self) -> BackupLoop {
        let mut settings = BackupLoop::default();
        settings.even_if_not_due = self.even_if_not_due;
        settings.freeze = self.extension.quiesce.are_given();
        settings.on_freeze_failure = self.on_freeze_failure.into();
        settings.thaw_on = self.thaw_on.into();
        settings.poll_ms = self.poll_ms;
        settings.patience_s = self.patience_s;
        settings.give_up_after_s = self.give_up_after_s;
        settings
    }

    /// When the agent has what it needs: whoever thaws when the backup runs says that it takes a snapshot first.
    pub(super) fn captured(&self) -> Captured {
        match self.thaw_on {
            ThawTime::End => Captured::WhenDone,
            ThawTime::Running => Captured::WhenRunning,
        }
    }
}

impl From<ThawTime> for ThawOn {
    fn from(time: ThawTime) -> Self {
        match time {
            ThawTime::End => Self::End,
            ThawTime::Running => Self::Running,
        }
    }
}

impl From<FreezeFailureAction> for OnFreezeFailure {
    fn from(action: FreezeFailureAction) -> Self {
        match action {
            FreezeFailureAction::Abort => Self::Abort,
            FreezeFailureAction::Continue => Self::Continue,
        }
    }
}

/// Printed below the long help.
pub(crate) const EXAMPLES: &str = r#"Examples:
  agentapi backup run --mock --freeze true --thaw true      to see it work
  agentapi backup run --freeze 'systemctl stop app' --thaw 'systemctl start app' --lease-s 1800

  agentapi backup run --freeze-fs /data --hold 'psql -X -q -f postgresql.sql'

Things are frozen in this order and thawed in reverse. A thaw program is run until it works, so it must succeed where
nothing is frozen. What asks a daemon, such as docker or virsh, may go on when its client is killed. What lives in a
session, such as pg_backup_start, ends with its client: hold it with --hold."#;
