//! When a backup has last succeeded, as far as it was seen.

use agentapi_extension::backup::{BackupPhase, BackupStatus};
use serde::{Deserialize, Serialize};

/// What is remembered from run to run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct History {
    /// When the latest success was first seen, or else when this extension first ran: milliseconds since 1970.
    since_unix_ms: u64,
    /// The job of that success; none where none was seen, or where the job has begun anew.
    job: Option<String>,
    /// Whether a success was ever seen.
    succeeded: bool,
}

impl History {
    /// Before anything was seen. The age counts from now on: a guest that was never backed up becomes stale as well.
    pub(crate) fn beginning(now_ms: u64) -> Self {
        Self { since_unix_ms: now_ms, job: None, succeeded: false }
    }

    /// Takes in what the agent says now.
    pub(crate) fn observe(&mut self, status: Option<&BackupStatus>, now_ms: u64) {
        // A clock that once was years ahead would silence the alarm for these years.
        self.since_unix_ms = self.since_unix_ms.min(now_ms);
        let Some(status) = status else { return };
        match &status.phase {
            // A success counts once, when it is first seen: the agent shows it until the next backup begins.
            BackupPhase::Done if self.job.as_ref() != Some(&status.job_id) => {
                *self = Self { since_unix_ms: now_ms, job: Some(status.job_id.clone()), succeeded: true };
            }
            // An agent may use a name again after a restart. That the job runs shows that its end will be another success.
            BackupPhase::Running if self.job.as_ref() == Some(&status.job_id) => self.job = None,
            BackupPhase::Done
            | BackupPhase::Running
            | BackupPhase::Idle
            | BackupPhase::Failed
            | BackupPhase::Other(_) => {}
        }
    }

    pub(crate) fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_unix_ms)
    }

    pub(crate) fn has_success(&self) -> bool {
        self.succeeded
    }
}

/// Why the latest backup failed, in the agent's words; none where it did not.
pub(crate) fn failure(status: &BackupStatus) -> Option<String> {
    matches!(status.phase, BackupPhase::Failed).then(|| status.error.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: BackupPhase, job: &str) -> BackupStatus {
        BackupStatus { vmid: 101, phase, job_id: job.into(), error: String::new() }
    }

    #[test]
    fn a_success_counts_from_when_it_was_first_seen() {
        let mut history = History::beginning(1000);
        history.observe(Some(&status(BackupPhase::Idle, "")), 2000);
        assert_eq!((history.age_ms(3000), history.has_success()), (2000, false));
        history.observe(Some(&status(BackupPhase::Done, "a")), 4000);
        history.observe(Some(&status(BackupPhase::Done, "a")), 9000);
        assert_eq!((history.age_ms(9000), history.has_success()), (5000, true));
        for phase in [BackupPhase::Running, BackupPhase::Failed, BackupPhase::Idle, BackupPhase::Other("x".into())] {
            history.observe(Some(&status(phase, "b")), 9500);
        }
        history.observe(None, 9500);
        assert_eq!(history.age_ms(10_000), 6000);
        history.observe(Some(&status(BackupPhase::Done, "c")), 10_000);
        assert_eq!(history.age_ms(10_000), 0);
    }

    #[test]
    fn a_job_whose_name_is_used_again_counts_again() {
        let mut history = History::beginning(0);
        history.observe(Some(&status(BackupPhase::Done, "a")), 1000);
        history.observe(Some(&status(BackupPhase::Running, "a")), 2000);
        assert_eq!(history.age_ms(3000), 2000);
        history.observe(Some(&status(BackupPhase::Done, "a")), 3000);
        assert_eq!(history.age_ms(3000), 0);
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_silence_the_alarm() {
        let mut history = History::beginning(0);
        history.observe(Some(&status(BackupPhase::Done, "a")), 1_000_000);
        history.observe(None, 5000);
        assert_eq!(history.age_ms(8000), 3000);
    }
}
