//! The options of `agentapi backup run`.

use std::time::Duration;

use agentapi_host::policy::{BackupLoop, Captured, OnFreezeFailure, ThawOn};
use clap::{Args, ValueEnum};

use crate::extension::ExtensionOptions;
use crate::extension::quiesce::SHORT_LEASE;

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
    /// End with status 0 although the backup is less than it was to be
    ///
    /// Without this option, a backup for which something was to be frozen and that is crash-consistent all the same ends with
    /// status 6.
    #[arg(long, value_name = "WORTH")]
    accept: Option<Acceptable>,
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

/// What a backup may be worth at least.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Acceptable {
    /// The applications ran, or may have, while it was taken
    CrashConsistent,
}

impl BackupRunOptions {
    /// Whether the backup is to be application-consistent, and anything less is not accepted.
    pub(super) fn wants_application_consistency(&self) -> bool {
        self.extension.quiesce.applications.are_given() && self.accept != Some(Acceptable::CrashConsistent)
    }

    /// How long something may be frozen: as long as the backup is followed and a little more, because what ends earlier is
    /// crash-consistent. The end of the run thaws anyway; the lease is for a run that hangs. A backup that is thawed as soon
    /// as it runs needs no such time.
    pub(super) fn lease(&self) -> Duration {
        match self.thaw_on {
            ThawTime::End => Duration::from_secs(self.give_up_after_s + self.patience_s) + LEASE_SLACK,
            ThawTime::Running => SHORT_LEASE,
        }
    }

    /// The settings of the loop. It freezes only if there is a program to freeze with.
    pub(super) fn settings(&self) -> BackupLoop {
        let mut settings = BackupLoop::default();
        settings.even_if_not_due = self.even_if_not_due;
        settings.freeze = self.extension.quiesce.applications.are_given();
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

/// For the calls before and after that time: the start, and the last request of the status.
const LEASE_SLACK: Duration = Duration::from_secs(60);

/// Printed below the long help.
pub(crate) const EXAMPLES: &str = r#"Examples:
  agentapi backup run --mock --freeze true --thaw true      to see it work
  agentapi backup run --hold 'psql -X -q -f postgresql.sql' --freeze-fs /data
  agentapi backup run --freeze 'docker pause app' --thaw 'docker unpause app' \
      --thaw-give-up-s 600

Things are frozen in this order and thawed in reverse: a database before the
disk that it lies on. A thaw program is run until it works, so it must succeed
where nothing is frozen. What asks a daemon, such as docker or virsh, may go on
when its client is killed. What lives in a session, such as pg_backup_start,
ends with its client: hold it with --hold.

Every signal that would end this command thaws first; a second Ctrl-C or
SIGTERM does not wait for a thaw that fails. One that is stopped (Ctrl-Z) thaws
as soon as it goes on, if the lease has ended meanwhile. For one that is killed
(SIGKILL), or never goes on, something outside has to thaw: run it from a
service manager with `agentapi thaw` after it, such as
  systemd-run --property=ExecStopPost='agentapi thaw' \
      --property=RuntimeMaxSec=5h agentapi backup run ...
A machine that hangs is a matter of a watchdog. docs/backups.md is the
operator's page."#;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::BackupRunOptions;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: BackupRunOptions,
    }

    #[test]
    fn the_lease_lasts_as_long_as_the_backup_may_take() {
        let lease = |arguments: &[&str]| {
            Line::parse_from([&["run", "--freeze", "a", "--thaw", "b"], arguments].concat()).options.lease().as_secs()
        };
        assert_eq!(lease(&[]), 4 * 3600 + 300 + 60);
        assert_eq!(lease(&["--give-up-after-s", "90000", "--patience-s", "10"]), 90_070);
        assert_eq!(lease(&["--give-up-after-s", "90000", "--thaw-on", "running"]), 600);
    }

    #[test]
    fn a_backup_for_which_nothing_is_frozen_is_not_to_be_consistent() {
        let wants = |arguments: &[&str]| {
            Line::parse_from([&["run"], arguments].concat()).options.wants_application_consistency()
        };
        assert!(!wants(&[]));
        assert!(wants(&["--freeze-fs", "/data"]));
        assert!(!wants(&["--freeze-fs", "/data", "--accept", "crash-consistent"]));
    }
}
