//! `agentapi backup run`: at most one backup, what it is worth, and a thaw whatever happens.

use std::time::Duration;

use agentapi_host::Route;
use agentapi_mock::{Fault, Repeat};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{ENDLESS, FREEZE, Fixture, Process, QUICK, THAW, report, run, wait_until};

/// What the scripts leave that freeze and thaw once: the thaw is tried before the first freeze of a process.
const FROZEN_ONCE: [&str; 3] = ["thaw", "freeze", "thaw"];

#[test]
fn a_backup_is_frozen_started_followed_thawed_and_reported() {
    let fixture = Fixture::with(QUICK);
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &[]));
    let report = report(&outcome, 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"application".into()));
    assert_eq!((&report["job_id"], &report["reason"]), (&"bk-101-1".into(), &"".into()));
    assert!(report["freeze"]["frozen_ms"].as_u64().unwrap() >= 300, "thawed when it was done: {report}");
    assert_eq!(report["freeze"]["ended_by"], "thawed by its holder");
    assert_eq!((fixture.marks(), fixture.starts()), (FROZEN_ONCE.map(String::from).to_vec(), 1));
    let steps: Vec<_> = outcome.stderr.lines().collect();
    let expected = ["a backup is due", "frozen", "backup bk-101-1 started", "backup bk-101-1: running", "thawed"];
    assert_eq!(steps.len(), expected.len(), "{steps:?}");
    assert!(steps.iter().zip(expected).all(|(step, expected)| step.starts_with(expected)), "{steps:?}");
}

#[test]
fn without_freeze_programs_the_backup_is_crash_consistent_and_the_report_says_so() {
    let fixture = Fixture::with(QUICK);
    let report = report(&run(fixture.backup_run(&[])), 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"crash".into()));
    assert_eq!((&report["consistency_reason"], &report["freeze"]), (&"nothing was frozen".into(), &Value::Null));
    let printed = run(fixture.command(&["backup", "run", "--even-if-not-due"])).stdout;
    assert_eq!(printed, "Backup bk-101-2 is done.\nIt is crash-consistent: nothing was frozen.\n");
}

#[test]
fn nothing_is_started_if_none_is_due_or_one_is_running() {
    let fixture = Fixture::with("[backup]\ndue = false\nreason = \"4h ago\"\nduration_ms = 600000");
    let not_due = report(&run(fixture.freezing_run(FREEZE, THAW, &[])), 3);
    assert_eq!((&not_due["outcome"], &not_due["reason"]), (&"not-due".into(), &"4h ago".into()));
    assert_eq!((fixture.starts(), fixture.marks()), (0, vec![]));

    let _running = Process::spawn_backup(fixture.backup_run(&["--even-if-not-due"]));
    let second = report(&run(fixture.freezing_run(FREEZE, THAW, &["--even-if-not-due"])), 4);
    assert_eq!((&second["outcome"], &second["job_id"]), (&"already-running".into(), &"bk-101-1".into()));
    assert_eq!((fixture.starts(), fixture.marks()), (1, vec![]));
}

#[test]
fn after_a_lost_answer_to_the_start_the_status_decides_and_nothing_is_started_twice() {
    let fixture = Fixture::with(QUICK);
    fixture.inject(Route::StartBackup, Fault::CloseBeforeAnswer, Repeat::Times(1));
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &[]));
    assert_eq!(report(&outcome, 0)["outcome"], "done", "{outcome:?}");
    assert!(outcome.stderr.contains("the answer to the start was lost (interrupted): asking for the status"));
    assert_eq!(fixture.starts(), 1);

    // Of this one nothing is ever seen: the status still names the backup before it, and the agent may begin late.
    fixture.inject(Route::StartBackup, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Times(1));
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &["--even-if-not-due", "--patience-s", "1"]));
    let unknown = report(&outcome, 5);
    assert_eq!((&unknown["outcome"], &unknown["error"]["kind"]), (&"unknown".into(), &"http-status".into()));
    assert_eq!((&unknown["error"]["call"], &unknown["consistency"]), (&"backup.start".into(), &"crash".into()));
    assert_eq!(fixture.marks(), [FROZEN_ONCE, FROZEN_ONCE].concat());
    assert_eq!(fixture.starts(), 2);
}

#[test]
fn a_start_that_the_agent_refuses_is_known_not_to_have_begun() {
    let fixture = Fixture::with(QUICK);
    fixture.inject(Route::StartBackup, Fault::Status(http::StatusCode::CONFLICT), Repeat::Times(1));
    let refused = report(&run(fixture.freezing_run(FREEZE, THAW, &[])), 1);
    assert_eq!((&refused["outcome"], &refused["error"]["kind"]), (&"not-started".into(), &"http-status".into()));
}

#[test]
fn after_a_freeze_that_fails_the_operator_chooses_between_no_backup_and_a_crash_consistent_one() {
    let fixture = Fixture::with(QUICK);
    let failing = "echo freeze >> marks; echo 'no space' >&2; exit 3";
    let aborted = report(&run(fixture.freezing_run(failing, THAW, &[])), 1);
    assert_eq!((&aborted["outcome"], fixture.starts()), (&"not-frozen".into(), 0));
    let why = "freeze program 1 (sh) ended with exit status: 3: no space";
    assert_eq!(aborted["freeze"]["failures"], serde_json::json!([why]));

    let going_on = ["--on-freeze-failure", "continue", "--accept", "crash-consistent"];
    for (accepted, status) in [(&going_on[..2], 6), (&going_on, 0)] {
        let outcome = run(fixture.freezing_run(failing, THAW, &[accepted, &["--even-if-not-due"]].concat()));
        let continued = report(&outcome, status);
        assert_eq!((&continued["outcome"], &continued["consistency"]), (&"done".into(), &"crash".into()));
        assert_eq!(continued["consistency_reason"], format!("the freeze failed: {why}"));
        let told =
            format!("the backup is crash-consistent (the freeze failed: {why}), and was to be application-consistent");
        assert_eq!(outcome.stderr.contains(&told), status == 6, "{}", outcome.stderr);
    }
    assert_eq!(fixture.marks(), [FROZEN_ONCE; 3].concat());
}

#[test]
fn a_backup_that_fails_or_takes_too_long_is_thawed_and_reported() {
    let fixture = Fixture::with("[backup]\nduration_ms = 300\nfailure = \"no space left\"");
    let failed = report(&run(fixture.freezing_run(FREEZE, THAW, &[])), 1);
    assert_eq!((&failed["outcome"], &failed["reason"]), (&"failed".into(), &"no space left".into()));
    assert_eq!((&failed["consistency"], fixture.marks()), (&Value::Null, FROZEN_ONCE.map(String::from).to_vec()));

    let fixture = Fixture::with(ENDLESS);
    let late = report(&run(fixture.freezing_run(FREEZE, THAW, &["--give-up-after-s", "1"])), 5);
    assert_eq!((&late["outcome"], &late["reason"]), (&"still-running".into(), &"not done after 1 s".into()));
    // It was thawed before the agent had said that it had all it needed.
    assert_eq!((&late["consistency"], fixture.marks().len()), (&"crash".into(), 3));
}

#[test]
fn the_status_may_fail_for_a_while_and_not_for_ever() {
    let fixture = Fixture::with(ENDLESS);
    // The first status request comes before the start.
    fixture.inject(Route::BackupStatus, Fault::Latency(Duration::ZERO), Repeat::Times(1));
    fixture.inject(Route::BackupStatus, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Times(4));
    fixture.inject(Route::BackupStatus, Fault::Latency(Duration::ZERO), Repeat::Times(1));
    fixture.inject(Route::BackupStatus, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Always);
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &["--patience-s", "1"]));
    let lost = report(&outcome, 5);
    assert_eq!((&lost["outcome"], &lost["job_id"]), (&"lost".into(), &"bk-101-1".into()));
    assert!(lost["error"]["message"].as_str().unwrap().starts_with("502"), "{lost}");
    assert_eq!(lost["consistency"], "crash", "nobody has seen that the agent had what it needed");
    assert_eq!(fixture.marks().len(), 3);
    // A line for each row of failures, and none for each failure.
    assert_eq!(outcome.stderr.matches("no status (http-status)").count(), 2, "{}", outcome.stderr);
}

#[test]
fn with_thaw_on_running_it_thaws_while_the_backup_runs() {
    let fixture = Fixture::with(ENDLESS);
    let mut running = Process::spawn_backup(fixture.freezing_run(FREEZE, THAW, &["--thaw-on", "running"]));
    wait_until("it is thawed while the backup runs", || fixture.marks() == FROZEN_ONCE);
    running.signal(Signal::TERM);
    assert_eq!((running.wait(), fixture.marks().len()), (Some(143), 3));
}

#[test]
fn when_the_lease_ends_the_applications_are_thawed_and_the_backup_is_crash_consistent() {
    let fixture = Fixture::with("[backup]\nduration_ms = 2500");
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &["--lease-s", "1"]));
    let late = report(&outcome, 6);
    assert_eq!((&late["outcome"], &late["consistency"]), (&"done".into(), &"crash".into()));
    assert_eq!(late["consistency_reason"], "the lease ended");
    assert_eq!((&late["freeze"]["ended_by"], fixture.marks().len()), (&"the lease ended".into(), 3));
    let told: Value = serde_json::from_str(outcome.stderr.lines().last().unwrap()).unwrap();
    assert!(
        told["message"].as_str().unwrap().starts_with("the backup is crash-consistent (the lease ended)"),
        "{told}"
    );

    let accepted = ["--lease-s", "1", "--accept", "crash-consistent", "--even-if-not-due"];
    assert_eq!(report(&run(fixture.freezing_run(FREEZE, THAW, &accepted)), 0)["consistency"], "crash");
}

#[test]
fn an_interrupted_run_retries_the_thaw_until_it_works_and_only_then_ends() {
    // It works where nothing is frozen, which is tried first, and then for the fourth time only.
    let stubborn = "echo thaw >> marks; grep -q freeze marks || exit 0; test $(grep -c thaw marks) -gt 4";
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let fixture = Fixture::with(ENDLESS);
        let mut running = Process::spawn_backup(fixture.freezing_run(FREEZE, stubborn, &[]));
        running.signal(signal);
        assert_eq!(running.wait(), Some(status));
        assert_eq!(fixture.marks(), ["thaw", "freeze", "thaw", "thaw", "thaw", "thaw"]);
        assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"thawed""#), "{}", fixture.journal());
    }
}

#[test]
fn the_next_run_first_thaws_what_a_killed_run_left_frozen() {
    let fixture = Fixture::with(ENDLESS);
    let mut running = Process::spawn_backup(fixture.freezing_run(FREEZE, THAW, &[]));
    running.signal(Signal::KILL);
    assert_eq!((running.wait(), fixture.marks()), (None, vec!["thaw".into(), "freeze".into()]));

    let outcome = run(fixture.freezing_run("echo again >> marks", THAW, &[]));
    assert_eq!(report(&outcome, 4)["outcome"], "already-running");
    assert!(outcome.stderr.contains("an earlier run was ended while it was frozen: thawing"), "{}", outcome.stderr);
    assert!(fixture.marks().starts_with(&FROZEN_ONCE.map(String::from)), "{:?}", fixture.marks());
    assert!(!fixture.marks().contains(&"again".into()), "{:?}", fixture.marks());
    assert!(fixture.journal().contains(r#""event":"recovered","holder":"backup-loop""#), "{}", fixture.journal());
}

#[test]
fn a_second_run_is_told_who_holds_the_journal() {
    let fixture = Fixture::with(ENDLESS);
    let running = Process::spawn_backup(fixture.freezing_run(FREEZE, THAW, &[]));
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &[]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""));
    assert!(
        outcome.stderr.contains("is in use by another process, where backup-loop holds the freeze"),
        "{}",
        outcome.stderr
    );
    drop(running);
    assert_eq!(fixture.marks(), ["thaw", "freeze"]);
}

#[test]
fn a_wrong_pin_is_reported_with_the_expected_and_the_presented_fingerprint() {
    let fixture = Fixture::with(QUICK);
    let outcome = run(fixture.freezing_run(FREEZE, THAW, &["--fingerprint", &"00".repeat(32)]));
    assert_eq!(report(&outcome, 1)["error"]["kind"], "pin-mismatch");
    let presented = fixture.agent.fingerprint().to_string();
    assert!(
        outcome.stderr.contains("expected fingerprint 00:00:") && outcome.stderr.contains(&presented),
        "{}",
        outcome.stderr
    );
    assert_eq!((fixture.starts(), fixture.marks()), (0, vec![]));
}

#[test]
fn wrong_usage_is_reported_before_anything_is_frozen_or_started() {
    let fixture = Fixture::with(QUICK);
    for (more, text) in [
        (&["--freeze", "touch x"][..], "expected as many thaw programs as freeze programs, found 0 and 1"),
        (&["--freeze", "touch 'x", "--thaw", "true"], "an open quote"),
        (&["--lease-s", "0"], "0 is not in 1..=86400"),
        (&["--journal", "x"], "--freeze <PROGRAM>"),
        (&["--thaw-on", "done"], "[possible values: end, running]"),
        (&["--mock"], "--mock is an agent of its own"),
    ] {
        let outcome = run(fixture.backup_run(&[more, &["--endpoint", "x"]].concat()));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    let before_the_command = run(fixture.command(&["--endpoint", "x", "backup", "run", "--mock"]));
    assert_eq!(before_the_command.status, Some(2), "{before_the_command:?}");
    assert_eq!(fixture.starts(), 0);
}
