//! The backup job: idle, running, then done or failed as time passes.
//!
//! The clock is passed in, so the phases can be tested without waiting. Backups run one at a time, as on the agent.

use serde::Serialize;
use tokio::time::Instant;

use crate::scenario::BackupScenario;

/// The backups of one guest.
#[derive(Debug)]
pub(crate) struct Backup {
    vmid: i64,
    scenario: BackupScenario,
    /// How many were started; the last one's number is part of its job id.
    runs: u64,
    last_started: Option<Instant>,
}

/// Data of GET /backup/due.
#[derive(Debug, Serialize)]
pub(crate) struct Due {
    vmid: i64,
    due: bool,
    reason: String,
}

/// Data of POST /backup.
#[derive(Debug, Serialize)]
pub(crate) struct Started {
    vmid: i64,
    job_id: String,
    phase: Phase,
}

/// Data of GET /backup/status.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    vmid: i64,
    phase: Phase,
    job_id: String,
    error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Idle,
    Running,
    Done,
    Failed,
}

impl Backup {
    pub(crate) fn new(vmid: i64, scenario: BackupScenario) -> Self {
        Self { vmid, scenario, runs: 0, last_started: None }
    }

    pub(crate) fn due(&self, now: Instant) -> Due {
        let done = self.phase(now) == Phase::Done;
        Due {
            vmid: self.vmid,
            due: self.scenario.due && !done,
            reason: if done { format!("backup {} is done", self.job_id()) } else { self.scenario.reason.clone() },
        }
    }

    /// Starts a backup, or answers with the one that is running.
    pub(crate) fn start(&mut self, now: Instant) -> Started {
        if self.phase(now) != Phase::Running {
            self.runs += 1;
            self.last_started = Some(now);
        }
        Started { vmid: self.vmid, job_id: self.job_id(), phase: Phase::Running }
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        let phase = self.phase(now);
        let error = match phase {
            Phase::Failed => self.scenario.failure.clone(),
            Phase::Idle | Phase::Running | Phase::Done => String::new(),
        };
        Status { vmid: self.vmid, phase, job_id: self.job_id(), error }
    }

    fn phase(&self, now: Instant) -> Phase {
        match self.last_started {
            None => Phase::Idle,
            Some(started) if now.saturating_duration_since(started) < self.scenario.duration() => Phase::Running,
            Some(_) if self.scenario.failure.is_empty() => Phase::Done,
            Some(_) => Phase::Failed,
        }
    }

    /// The last job's id; empty before the first.
    fn job_id(&self) -> String {
        match self.runs {
            0 => String::new(),
            run => format!("bk-{}-{run}", self.vmid),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::Instant;

    use super::Backup;
    use crate::scenario::BackupScenario;

    const HALF: Duration = Duration::from_secs(1);

    fn backup() -> Backup {
        Backup::new(101, BackupScenario::default())
    }

    fn status(backup: &Backup, now: Instant) -> serde_json::Value {
        serde_json::to_value(backup.status(now)).unwrap()
    }

    #[test]
    fn a_backup_is_idle_then_running_then_done() {
        let (mut backup, now) = (backup(), Instant::now());
        let idle = json!({"vmid":101,"phase":"idle","job_id":"","error":""});
        assert_eq!(status(&backup, now), idle);
        backup.start(now);
        for (after, phase) in [(0, "running"), (1999, "running"), (2000, "done")] {
            let wanted = json!({"vmid":101,"phase":phase,"job_id":"bk-101-1","error":""});
            assert_eq!(status(&backup, now + Duration::from_millis(after)), wanted);
        }
    }

    #[test]
    fn a_start_while_one_runs_answers_with_the_same_job() {
        let (mut backup, now) = (backup(), Instant::now());
        let running = json!({"vmid":101,"job_id":"bk-101-1","phase":"running"});
        assert_eq!(serde_json::to_value(backup.start(now)).unwrap(), running);
        assert_eq!(serde_json::to_value(backup.start(now + HALF)).unwrap(), running);
        assert_eq!(status(&backup, now + 2 * HALF)["phase"], "done");
    }

    #[test]
    fn a_start_after_the_end_is_a_new_job() {
        let (mut backup, now) = (backup(), Instant::now());
        backup.start(now);
        assert_eq!(backup.start(now + 2 * HALF).job_id, "bk-101-2");
        assert_eq!(status(&backup, now + 3 * HALF)["phase"], "running");
    }

    #[test]
    fn a_backup_is_due_until_one_is_done() {
        let (mut backup, now) = (backup(), Instant::now());
        assert!(backup.due(now).due);
        assert_eq!(backup.due(now).reason, "last backup 26h ago, policy daily");
        backup.start(now);
        assert!(backup.due(now + HALF).due);
        assert!(!backup.due(now + 2 * HALF).due);
        assert_eq!(backup.due(now + 2 * HALF).reason, "backup bk-101-1 is done");
    }

    #[test]
    fn a_backup_that_fails_says_why_and_stays_due() {
        let scenario =
            BackupScenario { duration_ms: 0, failure: "no space left".to_owned(), ..BackupScenario::default() };
        let (mut backup, now) = (Backup::new(101, scenario), Instant::now());
        backup.start(now);
        let wanted = json!({"vmid":101,"phase":"failed","job_id":"bk-101-1","error":"no space left"});
        assert_eq!(status(&backup, now), wanted);
        assert!(backup.due(now).due);
    }
}
