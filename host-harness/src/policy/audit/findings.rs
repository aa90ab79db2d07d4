//! What the host saw of a run: its guest, the backup that it started, and what that is worth.
//!
//! It is put together from answers and freezes that passed through the host. What the extension returns counts for
//! nothing.

use agentapi_quiesce::Report;

use crate::error::Error;
use crate::policy::audit::answer::Answer;
use crate::policy::audit::entry::{AuditBackup, AuditConsistency, AuditEnd};
use crate::records::{BackupJob, BackupStatus};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) guest: Option<i64>,
    /// A start that was sent and has no answer yet.
    starting: Option<Started>,
    /// The latest backup that was started, or may have been.
    started: Option<Started>,
}

struct Started {
    backup: AuditBackup,
    worth: Worth,
}

enum Worth {
    /// Everything stood still when it was started. How the freeze ends decides.
    Frozen {
        is_captured: bool,
    },
    Known(AuditConsistency),
}

impl Findings {
    /// A start is about to be sent. Until its answer is seen, a backup may have been started.
    pub(super) fn start_begins(&mut self, is_frozen: bool) {
        let worth = if is_frozen {
            Worth::Frozen { is_captured: false }
        } else {
            Worth::Known(AuditConsistency::Crash { reason: "nothing stood still when it was started".into() })
        };
        self.starting = Some(Started { backup: AuditBackup::default(), worth });
    }

    pub(super) fn start_ends(&mut self, outcome: &Result<BackupJob, Error>) {
        let Some(starting) = self.starting.take() else { return };
        match outcome {
            Ok(job) => self.started = Some(Started { backup: job.backup().unwrap_or_default(), ..starting }),
            Err(error) if error.may_have_acted() => self.started = Some(starting),
            // Refused, or not sent: there is no other backup than the one before, if there was one.
            Err(_) => {}
        }
    }

    /// A status that speaks of this run's backup, and whether the backup is captured by it.
    pub(super) fn status(&mut self, status: &BackupStatus, is_captured: bool) {
        let Some(started) = &mut self.started else { return };
        if let Some(backup) = status.backup() {
            started.backup = backup;
        }
        if let Worth::Frozen { is_captured: before } = &mut started.worth {
            *before |= is_captured;
        }
    }

    /// A freeze of this run has ended, if there is a report.
    pub(super) fn freeze_ends(&mut self, report: Option<Report>) {
        let Some(report) = report else { return };
        for started in [&mut self.starting, &mut self.started].into_iter().flatten() {
            if matches!(started.worth, Worth::Frozen { .. }) {
                started.worth = Worth::Known(report.consistency().into());
            }
        }
    }

    /// Adds it to the end of the run.
    pub(super) fn add_to(&mut self, end: AuditEnd) -> AuditEnd {
        let (backup, consistency) = match self.starting.take().or(self.started.take()) {
            Some(Started { backup, worth }) => (Some(backup), Some(worth.at_the_end_of_the_run())),
            None => (None, None),
        };
        AuditEnd { guest: self.guest, backup, consistency, ..end }
    }
}

impl Worth {
    /// The run may be over before the freeze is: then the thaw, which the host sees to, has only begun.
    fn at_the_end_of_the_run(self) -> AuditConsistency {
        match self {
            Self::Known(consistency) => consistency,
            Self::Frozen { is_captured: true } => {
                AuditConsistency::Unknown { reason: "the run ended before the thaw did".into() }
            }
            Self::Frozen { is_captured: false } => AuditConsistency::Crash {
                reason: "the run ended before the agent said that it had what it needed".into(),
            },
        }
    }
}
