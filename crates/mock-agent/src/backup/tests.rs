//! Tests of the phases in `backup.rs`, with a clock that is passed in.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Backup, BackupOutcome};
use crate::clock::BackupClock;
use crate::scenario::{BackupScenario, LatestBackup};

const HALF: Duration = Duration::from_secs(1);

fn backup() -> Backup {
    Backup::new(101, BackupScenario::default(), BackupClock::default())
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
    let scenario = BackupScenario { duration_ms: 0, failure: "no space left".to_owned(), ..BackupScenario::default() };
    let (mut backup, now) = (Backup::new(101, scenario, BackupClock::default()), Instant::now());
    backup.start(now);
    let wanted = json!({"vmid":101,"phase":"failed","job_id":"bk-101-1","error":"no space left"});
    assert_eq!(status(&backup, now), wanted);
    assert!(backup.due(now).due);
}

#[test]
fn a_backup_that_somebody_has_taken_before_is_the_latest_and_makes_none_less_due() {
    let scenario = BackupScenario { failure: "no space left".to_owned(), ..BackupScenario::default() };
    for (latest, phase, error) in [
        (LatestBackup::Running, "running", ""),
        (LatestBackup::Done, "done", ""),
        (LatestBackup::Failed, "failed", "no space left"),
    ] {
        let scenario = BackupScenario { latest, ..scenario.clone() };
        let mut backup = Backup::new(101, scenario, BackupClock::default());
        let now = Instant::now();
        assert_eq!(status(&backup, now), json!({"vmid":101,"phase":phase,"job_id":"bk-101-1","error":error}));
        assert!(backup.due(now).due);
        backup.set_latest(LatestBackup::Done);
        assert_eq!(status(&backup, now + HALF), json!({"vmid":101,"phase":"done","job_id":"bk-101-2","error":""}));
        backup.set_latest(LatestBackup::Idle);
        assert_eq!(status(&backup, now + HALF)["phase"], "idle");
        assert!(backup.due(now + HALF).due);
    }
}

#[test]
fn a_backup_that_runs_is_ended_by_force_and_no_other_is() {
    for (outcome, phase, error) in
        [(BackupOutcome::Done, "done", ""), (BackupOutcome::Failed("disk full".to_owned()), "failed", "disk full")]
    {
        let (mut backup, now) = (backup(), Instant::now());
        assert!(!backup.finish_at(now, outcome.clone()), "none has run yet");
        backup.start(now);
        assert!(backup.finish_at(now + HALF, outcome.clone()));
        let wanted = json!({"vmid":101,"phase":phase,"job_id":"bk-101-1","error":error});
        assert_eq!(status(&backup, now + HALF), wanted);
        assert!(!backup.finish_at(now + HALF, BackupOutcome::Failed("too late".to_owned())), "it has ended already");
        assert_eq!(status(&backup, now + 2 * HALF), wanted);
        assert_eq!(backup.start(now + HALF).job_id, "bk-101-2");
    }
}

#[test]
fn a_backup_becomes_due_again_after_one_is_done() {
    let (mut backup, now) = (backup(), Instant::now());
    backup.start(now);
    backup.decide_due(true, "policy changed".to_owned(), now + 2 * HALF);
    let due = backup.due(now + 2 * HALF);
    assert_eq!((due.due, due.reason.as_str()), (true, "policy changed"));
    backup.start(now + 2 * HALF);
    assert!(!backup.due(now + 4 * HALF).due);
}

#[test]
fn a_backup_that_runs_when_one_becomes_due_is_the_one_that_was_due() {
    let (mut backup, now) = (backup(), Instant::now());
    backup.start(now);
    backup.decide_due(true, "policy changed".to_owned(), now + HALF);
    assert!(backup.due(now + HALF).due);
    assert!(!backup.due(now + 2 * HALF).due);
}

#[test]
fn a_backup_that_is_not_due_says_why_also_after_one_is_done() {
    let (mut backup, now) = (backup(), Instant::now());
    for now in [now, now + 2 * HALF] {
        backup.decide_due(false, "outside the window".to_owned(), now);
        let due = backup.due(now);
        assert_eq!((due.due, due.reason.as_str()), (false, "outside the window"));
        backup.start(now);
    }
}

#[test]
fn how_a_backup_runs_is_settled_when_it_is_started() {
    let (mut backup, now) = (backup(), Instant::now());
    backup.start(now);
    backup.set_duration(Duration::MAX);
    backup.set_outcome(BackupOutcome::Failed("disk full".to_owned()));
    assert_eq!(status(&backup, now + 2 * HALF)["phase"], "done");
    backup.start(now + 2 * HALF);
    assert_eq!(status(&backup, now + 1_000_000 * HALF)["phase"], "running");
    backup.set_duration(HALF);
    backup.finish_at(now + 3 * HALF, BackupOutcome::Done);
    backup.start(now + 3 * HALF);
    assert_eq!(status(&backup, now + 4 * HALF)["error"], "disk full");
}
