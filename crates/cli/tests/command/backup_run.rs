//! `agentapi backup run`: at most one backup, what it is worth, and a thaw whatever happens.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use agentapi_host::Route;
use agentapi_mock::{Fault, Repeat};
use rustix::process::Signal;
use serde_json::Value;

use crate::looped::{ENDLESS, FREEZE, Frozen, LONG, Loop, QUICK, THAW, report};
use crate::support::run;

#[test]
fn a_backup_is_frozen_started_followed_thawed_and_reported() {
    let looped = Loop::with(QUICK);
    let ended = run(looped.freezing(FREEZE, THAW, &[]));
    let report = report(&ended, 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"application".into()));
    assert_eq!((&report["job_id"], &report["reason"]), (&"bk-101-1".into(), &"".into()));
    assert!(report["freeze"]["frozen_ms"].as_u64().unwrap() >= 300, "thawed when it was done: {report}");
    assert_eq!(report["freeze"]["ended_by"], "thawed by its holder");
    assert_eq!((looped.done(), looped.starts()), (vec!["freeze".into(), "thaw".into()], 1));
    let steps: Vec<_> = ended.stderr.lines().collect();
    let expected = ["a backup is due", "frozen", "backup bk-101-1 started", "backup bk-101-1: running", "thawed"];
    assert_eq!(steps.len(), expected.len(), "{steps:?}");
    assert!(steps.iter().zip(expected).all(|(step, expected)| step.starts_with(expected)), "{steps:?}");
}

#[test]
fn without_programs_it_is_crash_consistent_and_says_so() {
    let looped = Loop::with(QUICK);
    let report = report(&run(looped.command(&[])), 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"crash".into()));
    assert_eq!((&report["consistency_reason"], &report["freeze"]), (&"nothing was frozen".into(), &Value::Null));
    let printed = run(looped.fixture.command(&["backup", "run", "--even-if-not-due"])).stdout;
    assert_eq!(printed, "Backup bk-101-2 is done.\nIt is crash-consistent: nothing was frozen.\n");
}

#[test]
fn nothing_is_started_where_none_is_due_or_one_is_running() {
    let looped = Loop::with("[backup]\ndue = false\nreason = \"4h ago\"\nduration_ms = 600000");
    let not_due = report(&run(looped.freezing(FREEZE, THAW, &[])), 0);
    assert_eq!((&not_due["outcome"], &not_due["reason"]), (&"not-due".into(), &"4h ago".into()));
    assert_eq!((looped.starts(), looped.done()), (0, vec![]));

    let _running = Frozen::start(looped.command(&["--even-if-not-due"]));
    let second = report(&run(looped.freezing(FREEZE, THAW, &["--even-if-not-due"])), 1);
    assert_eq!((&second["outcome"], &second["job_id"]), (&"already-running".into(), &"bk-101-1".into()));
    assert_eq!((looped.starts(), looped.done()), (1, vec![]));
}

#[test]
fn a_lost_reply_to_the_start_is_found_in_the_status_and_none_is_started_twice() {
    let looped = Loop::with(QUICK);
    looped.inject(Route::StartBackup, Fault::CloseBeforeAnswer, Repeat::Times(1));
    let ended = run(looped.freezing(FREEZE, THAW, &[]));
    assert_eq!(report(&ended, 0)["outcome"], "done", "{ended:?}");
    assert!(ended.stderr.contains("the answer to the start was lost (interrupted): asking for the status"));
    assert_eq!(looped.starts(), 1);

    // Here nothing was started, and so the status goes on to speak of the backup before.
    looped.inject(Route::StartBackup, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Times(1));
    let lost = report(&run(looped.freezing(FREEZE, THAW, &["--even-if-not-due"])), 1);
    assert_eq!((&lost["outcome"], &lost["error"]["kind"]), (&"not-started".into(), &"http-status".into()));
    assert_eq!((&lost["error"]["call"], looped.starts()), (&"backup.start".into(), 2));
    assert_eq!(looped.done(), ["freeze", "thaw", "freeze", "thaw"]);
}

#[test]
fn what_becomes_of_a_freeze_that_fails_is_the_operators_choice() {
    let looped = Loop::with(QUICK);
    let failing = "echo freeze >> done; echo 'no space' >&2; exit 3";
    let aborted = report(&run(looped.freezing(failing, THAW, &[])), 1);
    assert_eq!((&aborted["outcome"], looped.starts()), (&"not-frozen".into(), 0));
    let why = "freeze program 1 (sh) ended with exit status: 3: no space";
    assert_eq!(aborted["freeze"]["failures"], serde_json::json!([why]));

    let continued = report(&run(looped.freezing(failing, THAW, &["--on-freeze-failure", "continue"])), 0);
    assert_eq!((&continued["outcome"], &continued["consistency"]), (&"done".into(), &"crash".into()));
    assert_eq!(continued["consistency_reason"], "the freeze failed; all is thawed again");
    assert_eq!(looped.done(), ["freeze", "thaw", "freeze", "thaw"]);
}

#[test]
fn a_backup_that_fails_or_is_out_of_sight_is_thawed_and_said() {
    let looped = Loop::with("[backup]\nduration_ms = 300\nfailure = \"no space left\"");
    let failed = report(&run(looped.freezing(FREEZE, THAW, &[])), 1);
    assert_eq!((&failed["outcome"], &failed["reason"]), (&"failed".into(), &"no space left".into()));
    assert_eq!((&failed["consistency"], looped.done()), (&Value::Null, vec!["freeze".into(), "thaw".into()]));

    let looped = Loop::with(ENDLESS);
    let late = report(&run(looped.freezing(FREEZE, THAW, &["--give-up-after-s", "1"])), 1);
    assert_eq!((&late["outcome"], &late["reason"]), (&"still-running".into(), &"not done after 1 s".into()));
    assert_eq!((&late["consistency"], looped.done().len()), (&"application".into(), 2));
}

#[test]
fn a_few_looks_may_fail_and_many_may_not() {
    let looped = Loop::with(ENDLESS);
    // The first look comes before the start.
    looped.inject(Route::BackupStatus, Fault::Latency(Duration::ZERO), Repeat::Times(1));
    looped.inject(Route::BackupStatus, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Times(4));
    looped.inject(Route::BackupStatus, Fault::Latency(Duration::ZERO), Repeat::Times(1));
    looped.inject(Route::BackupStatus, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Always);
    let ended = run(looped.freezing(FREEZE, THAW, &[]));
    let lost = report(&ended, 1);
    assert_eq!((&lost["outcome"], &lost["job_id"]), (&"lost".into(), &"bk-101-1".into()));
    assert_eq!((&lost["error"]["message"], looped.done().len()), (&"502".into(), 2));
    assert_eq!(ended.stderr.matches("no status (http-status)").count(), 9, "{}", ended.stderr);
}

#[test]
fn it_thaws_when_the_backup_runs_if_that_is_wanted() {
    let looped = Loop::with(ENDLESS);
    let running = Frozen::start(looped.freezing(FREEZE, THAW, &["--thaw-on", "running"]));
    let begun = Instant::now();
    while looped.done() != ["freeze", "thaw"] {
        assert!(begun.elapsed() < LONG, "not thawed while it runs: {:?}", looped.done());
        thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::TERM);
    assert_eq!((running.status(), looped.done().len()), (Some(1), 2));
}

#[test]
fn when_the_lease_ends_it_is_thawed_and_no_longer_application_consistent() {
    let looped = Loop::with("[backup]\nduration_ms = 2500");
    let report = report(&run(looped.freezing(FREEZE, THAW, &["--lease-s", "1"])), 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"crash".into()));
    assert_eq!(report["consistency_reason"], "the lease ended before the backup did");
    assert_eq!((&report["freeze"]["ended_by"], looped.done().len()), (&"the lease ended".into(), 2));
}

#[test]
fn interrupted_it_thaws_before_it_ends_however_often_that_must_be_tried() {
    let stubborn = "echo thaw >> done; test $(grep -c thaw done) -gt 3";
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let looped = Loop::with(ENDLESS);
        let running = Frozen::start(looped.freezing(FREEZE, stubborn, &[]));
        running.signal(signal);
        assert_eq!(running.status(), Some(1));
        assert_eq!(looped.done(), ["freeze", "thaw", "thaw", "thaw", "thaw"]);
        assert!(looped.journal().lines().last().unwrap().contains(r#""event":"thawed""#), "{}", looped.journal());
    }
}

#[test]
fn what_a_killed_run_left_frozen_is_thawed_by_the_next_before_anything_else() {
    let looped = Loop::with(ENDLESS);
    let running = Frozen::start(looped.freezing(FREEZE, THAW, &[]));
    running.signal(Signal::KILL);
    assert_eq!((running.status(), looped.done()), (None, vec!["freeze".into()]));

    let ended = run(looped.freezing("echo again >> done", THAW, &[]));
    assert_eq!(report(&ended, 1)["outcome"], "already-running");
    assert!(ended.stderr.contains("an earlier run was ended while it was frozen: thawing"), "{}", ended.stderr);
    assert_eq!(looped.done(), ["freeze", "thaw"]);
    assert!(looped.journal().contains(r#""event":"recovered","holder":"backup-loop""#), "{}", looped.journal());
}

#[test]
fn a_second_run_is_told_who_holds_the_journal() {
    let looped = Loop::with(ENDLESS);
    let running = Frozen::start(looped.freezing(FREEZE, THAW, &[]));
    let ended = run(looped.freezing(FREEZE, THAW, &[]));
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("is in use by another process, where backup-loop holds the freeze"),
        "{}",
        ended.stderr
    );
    drop(running);
    assert_eq!(looped.done(), ["freeze"]);
}

#[test]
fn the_audit_follows_its_file_when_it_is_told_to() {
    let looped = Loop::with(ENDLESS);
    let [audit, rotated] = ["audit.jsonl", "audit.1"].map(|name| looped.dir.path().join(name));
    let running = Frozen::start(looped.command(&["--audit", audit.to_str().unwrap()]));
    fs::rename(&audit, &rotated).unwrap();
    running.signal(Signal::HUP);
    let begun = Instant::now();
    while !fs::read_to_string(&audit).is_ok_and(|text| text.contains("\"operation\":\"backup.status\"")) {
        assert!(begun.elapsed() < LONG, "nothing is written to the new file");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(fs::read_to_string(&rotated).unwrap().contains("\"operation\":\"backup.start\""));
}

#[test]
fn a_wrong_pin_is_said_with_what_was_expected_and_presented() {
    let looped = Loop::with(QUICK);
    let ended = run(looped.freezing(FREEZE, THAW, &["--fingerprint", &"00".repeat(32)]));
    assert_eq!(report(&ended, 1)["error"]["kind"], "pin-mismatch");
    let presented = looped.fixture.agent.fingerprint().to_string();
    assert!(
        ended.stderr.contains("expected fingerprint 00:00:") && ended.stderr.contains(&presented),
        "{}",
        ended.stderr
    );
    assert_eq!((looped.starts(), looped.done()), (0, vec![]));
}

#[test]
fn wrong_usage_is_said_before_anything_is_frozen_or_started() {
    let looped = Loop::with(QUICK);
    for (more, text) in [
        (&["--freeze", "touch x"][..], "expected as many thaw programs as freeze programs, found 0 and 1"),
        (&["--freeze", "touch 'x", "--thaw", "true"], "an open quote"),
        (&["--lease-s", "0"], "0 is not in 1..=86400"),
        (&["--journal", "x"], "--freeze <PROGRAM>"),
        (&["--thaw-on", "done"], "[possible values: end, running]"),
        (&["--mock"], "--mock is an agent of its own"),
    ] {
        let ended = run(looped.command(&[more, &["--endpoint", "x"]].concat()));
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
    assert_eq!(looped.starts(), 0);
}
