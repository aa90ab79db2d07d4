//! When a backup is captured, which decides together with the freeze what it is worth.

use crate::records::{BackupPhase, BackupStatus};

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
    fn is_reached(self, phase: &BackupPhase) -> bool {
        match self {
            Self::WhenDone => matches!(phase, BackupPhase::Done),
            Self::WhenRunning => matches!(phase, BackupPhase::Running | BackupPhase::Done),
        }
    }
}

/// Tells when the backup that a run has started is captured. A status that speaks of another backup says nothing of this
/// one: after a start whose answer was lost the agent still speaks of the backup before it, which is done.
#[derive(Debug, Default)]
pub(super) struct BackupWatch {
    captured: Captured,
    /// The job that the agent named last, in the answer to a start or to a status.
    latest: Option<String>,
    job: Job,
}

/// What is known of the job that a run has started.
#[derive(Debug, Default)]
enum Job {
    /// It has started none.
    #[default]
    None,
    /// The agent has named it.
    Known(String),
    /// The answer to the start was lost: it is any other job than the one that the agent had named before it. Where it
    /// had named none, no status can tell.
    Unnamed { before: Option<String> },
}

impl BackupWatch {
    pub(super) fn new(captured: Captured) -> Self {
        Self { captured, ..Self::default() }
    }

    /// The start of a backup was answered with this name.
    pub(super) fn started(&mut self, job: &str) {
        self.latest = Some(job.into());
        self.job = Job::Known(job.into());
    }

    /// The start of a backup failed in a way that leaves open whether the agent has acted.
    pub(super) fn may_have_started(&mut self) {
        // Of starts in a row whose answers were lost, a job that the agent names from now on can be that of any.
        let is_in_doubt = matches!(&self.job, Job::Unnamed { before } if before.is_none() || *before == self.latest);
        self.job = Job::Unnamed { before: self.latest.clone().filter(|_| !is_in_doubt) };
    }

    /// Looks at a status. Whether it speaks of this run's backup.
    pub(super) fn is_of_this_run(&mut self, status: &BackupStatus) -> bool {
        self.latest = Some(status.job_id.clone());
        match &self.job {
            Job::Known(job) => *job == status.job_id,
            Job::Unnamed { before } => before.as_ref().is_some_and(|before| *before != status.job_id),
            Job::None => false,
        }
    }

    /// Looks at a status. Whether it says that the agent has what it needs of this run's backup.
    pub(super) fn is_captured(&mut self, status: &BackupStatus) -> bool {
        self.is_of_this_run(status) && self.captured.is_reached(&status.phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(job: &str) -> BackupStatus {
        BackupStatus { vmid: 101, phase: BackupPhase::Done, job_id: job.into(), error: String::new() }
    }

    #[test]
    fn only_a_status_of_this_runs_backup_counts() {
        let mut watch = BackupWatch::new(Captured::WhenDone);
        assert!(!watch.is_captured(&done("bk-1")), "before the start");
        watch.started("bk-2");
        assert!(!watch.is_captured(&done("bk-1")));
        assert!(watch.is_captured(&done("bk-2")));
    }

    #[test]
    fn after_a_lost_start_only_another_job_than_before_counts() {
        let mut watch = BackupWatch::new(Captured::WhenDone);
        watch.may_have_started();
        assert!(!watch.is_captured(&done("bk-1")), "no status before the start to compare it with");

        let mut watch = BackupWatch::new(Captured::WhenDone);
        watch.is_captured(&done("bk-1"));
        watch.may_have_started();
        assert!(!watch.is_captured(&done("bk-1")));
        assert!(watch.is_captured(&done("bk-2")));
    }

    #[test]
    fn a_second_start_that_is_lost_does_not_take_the_backup_of_the_first_for_its_own() {
        let mut watch = BackupWatch::new(Captured::WhenDone);
        watch.is_captured(&done("bk-0"));
        watch.started("bk-1");
        watch.may_have_started();
        assert!(!watch.is_captured(&done("bk-1")));
        assert!(watch.is_captured(&done("bk-2")));

        // Nor one that a lost start had begun, and that only the status named.
        watch.may_have_started();
        assert!(!watch.is_captured(&done("bk-2")));
        assert!(watch.is_captured(&done("bk-3")));
    }

    #[test]
    fn after_several_lost_starts_in_a_row_nobody_can_tell_whose_backup_it_is() {
        for starts in [2, 3] {
            let mut watch = BackupWatch::new(Captured::WhenDone);
            watch.is_captured(&done("bk-0"));
            (0..starts).for_each(|_| watch.may_have_started());
            assert!(!watch.is_captured(&done("bk-1")), "{starts} starts");
        }
    }

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
