//! The backup job: idle, running, then done or failed as time passes.
//!
//! ```text
//!           start             the duration is over, or Backup::finish
//!   idle ---------> running ------------------------------------------> done or failed
//!                      ^                                                    |
//!                      +----------------------- start ----------------------+
//! ```
//!
//! Backups run one at a time, as on the agent: a start while one runs answers with that one. No task waits for the
//! end. The phase is computed from the clock whenever it is asked for, so the tests pass a clock in and need not wait.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::clock::BackupClock;
use crate::scenario::{BackupScenario, LatestBackup};

/// The backups of one guest: whether one is due, the last one, and how those run that are started from now on.
///
/// How a backup runs is settled when it is started: a later change of duration or outcome does not touch it, so one
/// that has ended cannot run again.
#[derive(Clone, Debug)]
pub struct Backup {
    vmid: i64,
    due: bool,
    reason: String,
    duration: Duration,
    outcome: BackupOutcome,
    /// How many were started so far; this number is part of the last one's job id.
    runs: u64,
    /// How many of them had ended when it was last decided whether a backup is due. They do not count towards it.
    runs_before_due: u64,
    last: Option<Run>,
    clock: BackupClock,
}

/// How a backup ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupOutcome {
    /// It is done, and none is due any more.
    Done,
    /// It failed, with this text as its error. One that was due stays due.
    Failed(String),
}

/// One backup that was started.
#[derive(Clone, Debug)]
struct Run {
    /// `None` where the end is beyond what a clock can show.
    ends_at: Option<Instant>,
    outcome: BackupOutcome,
}

/// Data of GET /backup/due.
#[derive(Debug, Serialize)]
pub(crate) struct DueData {
    vmid: i64,
    due: bool,
    reason: String,
}

/// Data of POST /backup.
#[derive(Debug, Serialize)]
pub(crate) struct StartData {
    vmid: i64,
    job_id: String,
    phase: Phase,
}

/// Data of GET /backup/status.
#[derive(Debug, Serialize)]
pub(crate) struct StatusData {
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

/// Changes while the agent runs.
impl Backup {
    /// How many backups were started so far, by whomever: the number in the latest job id.
    pub fn started(&self) -> u64 {
        self.runs
    }

    /// Makes a backup due for this reason, until one is done. A backup that is running counts, one that has ended
    /// does not.
    pub fn make_due(&mut self, reason: impl Into<String>) {
        self.decide_due(true, reason.into(), self.now());
    }

    /// Lets no backup be due for this reason, until [`Self::make_due`].
    pub fn clear_due(&mut self, reason: impl Into<String>) {
        self.decide_due(false, reason.into(), self.now());
    }

    /// Ends the running backup like this, and returns whether one was running; if not, nothing changes.
    pub fn finish(&mut self, outcome: BackupOutcome) -> bool {
        self.finish_at(self.now(), outcome)
    }

    /// As if somebody had started another backup, and it had come so far. One that runs is no longer spoken of.
    pub fn set_latest(&mut self, latest: LatestBackup) {
        let now = self.now();
        let (ends_at, outcome) = match latest {
            LatestBackup::Idle => {
                (self.runs, self.runs_before_due, self.last) = (0, 0, None);
                return;
            }
            LatestBackup::Running => (now.checked_add(self.duration), self.outcome.clone()),
            LatestBackup::Done => (Some(now), BackupOutcome::Done),
            LatestBackup::Failed => (Some(now), BackupOutcome::Failed(self.failure())),
        };
        self.runs += 1;
        self.last = Some(Run { ends_at, outcome });
    }

    /// How long backups run that are started from now on. With [`Duration::MAX`] they run until [`Self::finish`].
    pub fn set_duration(&mut self, duration: Duration) {
        self.duration = duration;
    }

    /// How backups end that are started from now on.
    pub fn set_outcome(&mut self, outcome: BackupOutcome) {
        self.outcome = outcome;
    }
}

impl Backup {
    pub(crate) fn new(vmid: i64, scenario: BackupScenario, clock: BackupClock) -> Self {
        let latest = scenario.latest;
        let mut backup = Self {
            vmid,
            duration: scenario.duration(),
            due: scenario.due,
            reason: scenario.reason,
            outcome: match scenario.failure {
                none if none.is_empty() => BackupOutcome::Done,
                error => BackupOutcome::Failed(error),
            },
            runs: 0,
            runs_before_due: 0,
            last: None,
            clock,
        };
        backup.set_latest(latest);
        // What has ended before does not count towards whether one is due now.
        backup.decide_due(backup.due, backup.reason.clone(), backup.now());
        backup
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn due(&self, now: Instant) -> DueData {
        let done = self.phase(now) == Phase::Done && self.runs > self.runs_before_due;
        DueData {
            vmid: self.vmid,
            due: self.due && !done,
            reason: if done { format!("backup {} is done", self.job_id()) } else { self.reason.clone() },
        }
    }

    /// Starts a backup, or answers with the one that is running.
    pub(crate) fn start(&mut self, now: Instant) -> StartData {
        if self.phase(now) != Phase::Running {
            self.runs += 1;
            self.last = Some(Run { ends_at: now.checked_add(self.duration), outcome: self.outcome.clone() });
        }
        StartData { vmid: self.vmid, job_id: self.job_id(), phase: Phase::Running }
    }

    pub(crate) fn status(&self, now: Instant) -> StatusData {
        let phase = self.phase(now);
        let error = match &self.last {
            Some(Run { outcome: BackupOutcome::Failed(error), .. }) if phase == Phase::Failed => error.clone(),
            _ => String::new(),
        };
        StatusData { vmid: self.vmid, phase, job_id: self.job_id(), error }
    }

    fn decide_due(&mut self, due: bool, reason: String, now: Instant) {
        self.due = due;
        self.reason = reason;
        let running = u64::from(self.phase(now) == Phase::Running);
        self.runs_before_due = self.runs - running;
    }

    fn finish_at(&mut self, now: Instant, outcome: BackupOutcome) -> bool {
        match &mut self.last {
            Some(run) if run.is_running(now) => {
                *run = Run { ends_at: Some(now), outcome };
                true
            }
            _ => false,
        }
    }

    fn phase(&self, now: Instant) -> Phase {
        match &self.last {
            None => Phase::Idle,
            Some(run) if run.is_running(now) => Phase::Running,
            Some(Run { outcome: BackupOutcome::Done, .. }) => Phase::Done,
            Some(Run { outcome: BackupOutcome::Failed(_), .. }) => Phase::Failed,
        }
    }

    /// The text with which backups fail; empty where they are done.
    fn failure(&self) -> String {
        match &self.outcome {
            BackupOutcome::Done => String::new(),
            BackupOutcome::Failed(error) => error.clone(),
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

impl Run {
    fn is_running(&self, now: Instant) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests;
