//! Programs that hang, fail and recover.

use std::fs;
use std::time::Duration;

use agentapi_quiesce::{Coordinator, EndedBy, Programs, QuiesceError, Settings, Stage, Step};

use crate::support::{Fixture, LONG, eventually, idle, is_running, parked, settings};

/// A time that tests wait for.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn applications_are_frozen_in_order_and_thawed_in_reverse() {
    let fixture = Fixture::new();
    let scripts = [
        ("echo +a >> done", "echo -a >> done"),
        ("echo +b >> done", "echo -b >> done"),
        ("echo +c >> done", "echo -c >> done"),
    ];
    let coordinator = fixture.open(&scripts, LONG, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert_eq!(fixture.done(), ["+a", "+b", "+c"]);
    lease.thaw().await.unwrap();
    assert_eq!(fixture.done(), ["+a", "+b", "+c", "-c", "-b", "-a"]);
}

#[tokio::test]
async fn a_freeze_that_fails_half_way_thaws_what_it_froze_and_what_failed() {
    let fixture = Fixture::new();
    let failing = r"echo +b >> done; printf 'no \033[31mspace' >&2; exit 3";
    let scripts =
        [("echo +a >> done", "echo -a >> done"), (failing, "echo -b >> done"), ("echo +c >> done", "echo -c >> done")];
    let coordinator = fixture.open(&scripts, LONG, settings());
    let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
    let QuiesceError::Failed { step: Step::Freeze, source } = error else { panic!("{error:?}") };
    let why = "freeze program 2 (sh) ended with exit status: 3: no \u{1b}[31mspace";
    assert_eq!(source.to_string(), why);
    assert_eq!(fixture.done(), ["+a", "+b", "-b", "-a"]);
    let report = coordinator.last_report().unwrap();
    assert_eq!((report.ended_by, report.failures), (EndedBy::FreezeFailed, vec![why.to_owned()]));
}

#[tokio::test]
async fn a_freeze_program_that_hangs_is_killed_with_what_it_started() {
    let fixture = Fixture::new();
    let hanging = "sleep 600 & echo $! > grandchild; echo waiting >&2; echo $$ > child; wait";
    let coordinator = fixture.open(&[(hanging, "echo -a >> done")], SHORT, settings());
    let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
    let QuiesceError::Failed { step: Step::Freeze, source } = error else { panic!("{error:?}") };
    let why = "freeze program 1 (sh) took longer than 300 ms and was killed with all that it started: waiting";
    assert_eq!(source.to_string(), why);
    for process in ["child", "grandchild"] {
        assert!(!is_running(&fixture.path(process)), "{process}");
    }
    // At once, and when its time has passed once more: a daemon may have acted for it.
    assert_eq!(fixture.done(), ["-a", "-a"]);
    assert_eq!(coordinator.last_report().unwrap().failures, [why]);
}

#[tokio::test]
async fn a_freeze_that_nobody_waits_for_any_more_is_killed_with_what_it_started() {
    let fixture = Fixture::new();
    let hanging = "sleep 600 & echo $! > starting; mv starting grandchild; wait";
    let coordinator = fixture.open(&[(hanging, "echo -a >> done")], 2 * SHORT, settings());
    let holder = tokio::spawn({
        let coordinator = coordinator.clone();
        async move { coordinator.freeze("nightly", &parked()).await.map(drop) }
    });
    let grandchild = fixture.path("grandchild");
    eventually("the grandchild", || grandchild.exists()).await;
    assert!(is_running(&grandchild));
    holder.abort();
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Dropped);
    assert!(!is_running(&grandchild));
    // At once, and when its time has passed once more; on a busy machine also in between, while its end is waited for.
    let thaws = fixture.done();
    assert!(thaws.len() >= 2 && thaws.iter().all(|thaw| thaw == "-a"), "{thaws:?}");
}

#[tokio::test]
async fn what_a_program_leaves_running_lives_on() {
    let fixture = Fixture::new();
    let scripts = [("sleep 600 & echo $! > locker", "kill $(cat locker) && echo -a >> done")];
    let coordinator = fixture.open(&scripts, LONG, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    // Long enough for a process that was killed to be gone.
    tokio::time::sleep(SHORT).await;
    assert!(is_running(&fixture.path("locker")));
    assert_eq!(lease.thaw().await.unwrap().failures, [""; 0]);
    assert_eq!(fixture.done(), ["-a"]);
}

#[tokio::test]
async fn a_thaw_program_that_fails_three_times_is_run_until_it_works_and_the_others_are_not_held_up() {
    let fixture = Fixture::new();
    let stubborn = r"echo -b >> done; test $(grep -c -- -b done) -gt 3 || { echo busy >&2; exit 1; }";
    let scripts = [("true", "echo -a >> done"), ("true", stubborn)];
    let coordinator = fixture.open(&scripts, LONG, settings());
    let report = coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    assert_eq!(fixture.done(), ["-b", "-a", "-b", "-b", "-b"]);
    let why = "thaw program 2 (sh) ended with exit status: 1: busy";
    assert_eq!((report.ended_by, report.attempts, report.failures), (EndedBy::Thaw, 4, vec![why.to_owned(); 3]));
}

#[tokio::test]
async fn a_thaw_program_that_never_works_keeps_others_out_and_is_said() {
    let fixture = Fixture::new();
    let scripts = [("true", "echo -a >> done; test -e repaired")];
    let coordinator = fixture.open(&scripts, LONG, Settings { thaw_wait: SHORT, ..settings() });
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    let error = lease.thaw().await.unwrap_err();
    let QuiesceError::Failed { step: Step::Thaw, source } = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "thaw program 1 (sh) ended with exit status: 1");
    let status = coordinator.status().unwrap();
    assert_eq!((status.stage, &*status.holder), (Stage::Thawing, "nightly"));
    assert!(
        matches!(coordinator.freeze("hourly", &parked()).await, Err(QuiesceError::Busy { holder, .. }) if holder == "nightly")
    );
    assert!(fixture.journal().lines().skip(1).all(|line| line.contains(r#""event":"frozen""#)));

    fs::write(fixture.path("repaired"), "").unwrap();
    let report = idle(&coordinator).await;
    assert!(report.attempts > 1 && report.ended_by == EndedBy::Thaw, "{report:?}");
    assert_eq!(usize::try_from(report.attempts).unwrap(), fixture.done().len());
    coordinator.freeze("hourly", &parked()).await.unwrap().thaw().await.unwrap();
}

#[tokio::test]
async fn a_thaw_program_that_hangs_is_killed_and_run_again() {
    let fixture = Fixture::new();
    let scripts = [("true", "echo -a >> done; test $(wc -l < done) -gt 1 || sleep 600")];
    let coordinator = fixture.open(&scripts, SHORT, settings());
    let report = coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    let why = "thaw program 1 (sh) took longer than 300 ms and was killed with all that it started";
    assert_eq!((report.attempts, report.failures), (2, vec![why.to_owned()]));
}

#[tokio::test]
async fn the_lease_of_a_holder_that_sleeps_ends() {
    let fixture = Fixture::new();
    let scripts = [("touch frozen", "rm -f frozen")];
    let coordinator = fixture.open(&scripts, LONG, Settings { lease: SHORT, ..settings() });
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert!(fixture.path("frozen").exists());
    eventually("thawed", || !fixture.path("frozen").exists()).await;
    let report = idle(&coordinator).await;
    assert_eq!(report.consistency().to_string(), "crash-consistent: the lease ended");
    assert!(report.frozen >= SHORT && report.frozen < LONG, "{report:?}");
    assert_eq!(lease.thaw().await.unwrap(), report);
    assert!(matches!(lease.thaw().await, Err(QuiesceError::NotFrozen(_))));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said() {
    let fixture = Fixture::new();
    let programs = Programs::parse(&["/nonexistent/freeze --now"], &["true"]).unwrap();
    let settings = programs.settings();
    let journal = fixture.path("journal.jsonl");
    let coordinator = Coordinator::open(journal, programs, settings).unwrap();
    coordinator.freeze("nightly", &parked()).await.unwrap_err();
    let failures = coordinator.last_report().unwrap().failures;
    assert_eq!(
        failures,
        ["freeze program 1 (/nonexistent/freeze) cannot be started: No such file or directory (os error 2)"]
    );
}

#[tokio::test]
async fn of_a_program_that_prints_much_the_end_is_kept() {
    let fixture = Fixture::new();
    let printing = "yes 'much ado' | head -n 100000 >&2; echo the end >&2; exit 1";
    let coordinator = fixture.open(&[(printing, "true")], LONG, settings());
    coordinator.freeze("nightly", &parked()).await.unwrap_err();
    let failure = coordinator.last_report().unwrap().failures.remove(0);
    assert!(failure.ends_with("much ado\nthe end") && failure.len() < 500, "{failure}");
}

#[tokio::test]
async fn a_thaw_that_fails_where_nothing_is_frozen_is_found_before_anything_is() {
    let fixture = Fixture::new();
    let freeze = fixture.line("echo +a >> done");
    for (thaw, why) in [
        (
            "/nonexistent/thaw".to_owned(),
            "thaw program 1 (/nonexistent/thaw) cannot be started: No such file or directory",
        ),
        (fixture.line("echo 'not frozen' >&2; false"), "thaw program 1 (sh) ended with exit status: 1: not frozen"),
    ] {
        let programs = Programs::parse(&[&freeze], &[&thaw]).unwrap();
        let coordinator = Coordinator::open(fixture.path("journal.jsonl"), programs, settings()).unwrap();
        for _ in 0..2 {
            let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
            let QuiesceError::Failed { step: Step::Trial, source } = error else { panic!("{error:?}") };
            assert!(source.chain().starts_with(why), "{}", source.chain());
        }
        assert_eq!((fixture.done(), fixture.journal()), (Vec::new(), String::new()));
    }
}

#[tokio::test]
async fn the_thaw_is_tried_once_before_the_first_freeze() {
    let fixture = Fixture::new();
    let (freeze, thaw) = (fixture.line("echo + >> done"), fixture.line("echo - >> done"));
    let programs = Programs::parse(&[&freeze], &[&thaw]).unwrap();
    let coordinator = Coordinator::open(fixture.path("journal.jsonl"), programs, settings()).unwrap();
    for _ in 0..2 {
        coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    }
    assert_eq!(fixture.done(), ["-", "+", "-", "+", "-"]);
}

#[tokio::test]
async fn what_a_daemon_does_for_a_killed_freeze_program_is_thawed_as_well() {
    let fixture = Fixture::new();
    let (asked, stopped) = (fixture.path("asked"), fixture.path("stopped"));
    // A container engine's stop: the client waits, the engine goes on without it.
    let daemon = tokio::spawn(async move {
        eventually("a client", || asked.exists()).await;
        tokio::time::sleep(SHORT + SHORT / 2).await;
        fs::write(stopped, "").unwrap();
    });
    let coordinator = fixture.open(&[("touch asked; sleep 600", "rm -f stopped; echo - >> done")], SHORT, settings());
    let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
    assert!(matches!(error, QuiesceError::Failed { step: Step::Freeze, .. }), "{error:?}");
    daemon.await.unwrap();
    assert!(!fixture.path("stopped").exists());
    assert_eq!(fixture.done(), ["-", "-"]);
}

#[tokio::test]
async fn what_left_the_process_group_of_a_freeze_that_failed_is_ended_as_well() {
    let fixture = Fixture::new();
    let failing = "setsid sh -c 'echo $$ > away; sleep 600' & while ! test -s away; do sleep .01; done; exit 1";
    let coordinator = fixture.open(&[(failing, "true")], LONG, settings());
    coordinator.freeze("nightly", &parked()).await.unwrap_err();
    assert!(!is_running(&fixture.path("away")));
}

#[tokio::test]
async fn a_thaw_that_never_works_ends_the_wait_and_leaves_the_journal_at_frozen() {
    let fixture = Fixture::new();
    let settings = Settings { give_up: Some(2 * SHORT), thaw_wait: Duration::ZERO, ..settings() };
    let coordinator = fixture.open(&[("touch frozen", "echo 'still busy' >&2; exit 1")], LONG, settings);
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    lease.thaw().await.unwrap_err();
    let given_up = coordinator.idle().await.unwrap_err();
    assert!(given_up.0.attempts > 1 && given_up.0.since.elapsed() >= 2 * SHORT, "{given_up:?}");
    let text = given_up.to_string();
    let begin = "given up: nightly: its applications are being thawed for 0 s, waiting for thaw program 1 (sh), tried ";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.ends_with("times in vain: thaw program 1 (sh) ended with exit status: 1: still busy"), "{text}");
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"frozen""#));
}
