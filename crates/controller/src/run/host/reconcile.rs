//! What became of a run whose controller is gone.
//!
//! What it had frozen is thawed before this: from the journal, before anything else is looked at. A backup that it may have
//! started is found by the agent's status, which speaks of another job than before the run; a second one is never started.

use std::sync::Arc;
use std::time::Duration;

use agentapi_host::records::{BackupPhase, BackupStatus};
use agentapi_host::{Agent, error_chain};
use tokio_util::sync::CancellationToken;

use crate::run::host::{BACKUP, HostRunner, WIPE};
use crate::run::{Run, RunEnd, RunState};

impl HostRunner {
    pub(super) async fn find_out(&self, run: Run, stop: &CancellationToken) -> RunEnd {
        if run.state == RunState::Queued {
            return RunEnd::new(RunState::Stopped, "the controller ended before it began");
        }
        let Some(before) = run.job_before.as_deref().filter(|_| run.subject == BACKUP) else {
            return self.find_out_wipe(&run).await;
        };
        let work = Arc::clone(&self.work.borrow());
        let (give_up_after, accepts) = match &work.backup {
            Some(backup) => (backup.give_up_after, backup.accepts_crash_consistent),
            // It is configured no more; what it has begun is followed all the same.
            None => (LONGEST_BACKUP, false),
        };
        tokio::select! {
            end = self.follow(&work.agent, before, give_up_after) => self.judge(end, accepts),
            () = stop.cancelled() => RunEnd::new(RunState::Unknown, "the controller ended while it ran, and again before the agent was asked"),
        }
    }

    /// Whether it may have wiped a disk: what was approved is used up on the disk before the agent is told. It is not told
    /// again, whatever has become of that.
    async fn find_out_wipe(&self, run: &Run) -> RunEnd {
        match self.store.reader().has_used_an_approval(run.id).await {
            Ok(false) if run.subject == WIPE => {
                RunEnd::new(RunState::Stopped, "the controller ended before the agent was told to wipe anything")
            }
            Ok(false) => RunEnd::new(RunState::Stopped, "the controller ended while it ran"),
            Ok(true) => {
                let text = "the controller ended after a wipe was approved, and maybe before the agent was told: look whether \
                            the disk was wiped";
                RunEnd::new(RunState::Unknown, text)
            }
            Err(why) => {
                let text = format!(
                    "the controller ended while it ran, and its approval cannot be read: {}",
                    error_chain(&why)
                );
                RunEnd::new(RunState::Unknown, text)
            }
        }
    }

    async fn follow(&self, agent: &Agent, before: &str, give_up_after: Duration) -> RunEnd {
        let begun = self.clock.monotonic();
        let (mut failing_since, mut pause) = (None, FIRST_PAUSE);
        loop {
            let now = self.clock.monotonic();
            match agent.backup_status().await {
                Ok(status) => {
                    failing_since = None;
                    if let Some(end) = end_of(before, &status) {
                        return end;
                    }
                }
                Err(why) if now.since(*failing_since.get_or_insert(now)) >= PATIENCE => {
                    let text = format!(
                        "the controller ended while it ran, and the agent cannot be asked: {}",
                        error_chain(&why)
                    );
                    return RunEnd::new(RunState::Unknown, text);
                }
                Err(_) => {}
            }
            if now.since(begun) >= give_up_after {
                return RunEnd::new(
                    RunState::Unknown,
                    "the controller ended while it ran, and the backup does not end",
                );
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A backup that is done is worth less if something was to be frozen: nobody saw whether the snapshot was taken before the
    /// thaw. It is judged as the end of a whole run is, or a night with a crash would count as a success.
    fn judge(&self, end: RunEnd, accepts_crash_consistent: bool) -> RunEnd {
        if end.state != RunState::Done || self.coordinator.is_none() {
            return end;
        }
        let worth = "crash: the controller ended while it was taken".to_owned();
        let (state, reason) = match accepts_crash_consistent {
            true => (end.state, end.reason),
            false => (RunState::Failed, format!("only {worth}")),
        };
        RunEnd { state, reason, consistency: Some(worth), ..end }
    }
}

/// The end, if the status tells it; none while the backup runs.
fn end_of(before: &str, status: &BackupStatus) -> Option<RunEnd> {
    if status.job_id == before {
        let text = "the controller ended while it ran; the agent shows no backup that it started";
        return Some(RunEnd::new(RunState::Stopped, text));
    }
    let (state, reason) = match &status.phase {
        BackupPhase::Running | BackupPhase::Other(_) => return None,
        BackupPhase::Done => {
            (RunState::Done, "the controller ended while it ran; the backup went on and is done".to_owned())
        }
        BackupPhase::Failed => (RunState::Failed, status.error.clone()),
        BackupPhase::Idle => {
            (RunState::Unknown, "the controller ended while it ran, and the agent has forgotten the backup".to_owned())
        }
    };
    Some(RunEnd { job_id: Some(status.job_id.clone()), ..RunEnd::new(state, reason) })
}

/// Between the first two requests of the status. The next backup waits for the end of this one, and most are nearly done when
/// the controller is back. Each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long an agent is waited for that does not answer.
const PATIENCE: Duration = Duration::from_secs(600);
/// As long as the loop itself follows a backup where nothing else is configured.
const LONGEST_BACKUP: Duration = Duration::from_secs(4 * 60 * 60);
