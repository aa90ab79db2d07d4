//! Programs that hold a freeze until their standard input closes.

use std::time::Duration;

use agentapi_quiesce::{
    Application, Applications, Coordinator, EndedBy, Program, QuiesceError, Settings, Step, thaw_left_frozen,
};
use rustix::process::Signal;

use crate::held::Held;
use crate::support::{Fixture, LONG, eventually, idle, is_running, parked, settings};

/// A time that tests wait for.
const SHORT: Duration = Duration::from_millis(500);
/// Freezes, holds, thaws: what a session of a database does.
const HOLDING: &str = "touch frozen; echo frozen; cat > /dev/null; rm -f frozen; echo -a >> done";

fn open(fixture: &Fixture, script: &str, timeout: Duration, settings: Settings) -> Coordinator {
    let program = Program::parse(&fixture.line(script)).unwrap();
    let applications = Applications::new([Application::holder(program)]).unwrap().with_timeout(timeout);
    Coordinator::open(fixture.path("journal.jsonl"), applications, settings).unwrap()
}

#[tokio::test]
async fn a_holder_holds_until_its_input_closes() {
    let fixture = Fixture::new();
    let coordinator = open(&fixture, HOLDING, LONG, settings());
    for round in 1..=2 {
        let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
        assert!(fixture.path("frozen").exists());
        assert!(lease.backup_begins() && lease.backup_captured());
        let report = lease.thaw().await.unwrap();
        assert_eq!((report.attempts, report.consistency().to_string().as_str()), (1, "application-consistent"));
        assert!(!fixture.path("frozen").exists());
        // Not run where nothing is frozen: its trial would be a freeze.
        assert_eq!(fixture.done().len(), round);
    }
}

#[tokio::test]
async fn a_holder_that_lets_go_ends_the_freeze_and_the_backup_is_no_longer_consistent() {
    let fixture = Fixture::new();
    let coordinator = open(&fixture, "echo frozen; sleep .3; echo 'lock lost' >&2; exit 3", LONG, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = idle(&coordinator).await;
    assert_eq!(report.ended_by, EndedBy::LetGo);
    let why = "crash-consistent: holder 1 (sh) ended with exit status: 3 while it should have held: lock lost";
    assert_eq!(report.consistency().to_string(), why);
    assert!(!lease.backup_captured());
    assert_eq!(lease.thaw().await.unwrap(), report);
}

#[tokio::test]
async fn a_holder_that_fails_at_its_end_has_thawed_but_what_it_had_to_do_is_not_done() {
    let fixture = Fixture::new();
    let coordinator = open(&fixture, "echo frozen; cat > /dev/null; echo 'no WAL' >&2; exit 1", LONG, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = lease.thaw().await.unwrap();
    let why = "crash-consistent: holder 1 (sh) ended with exit status: 1: no WAL";
    assert_eq!((report.attempts, report.consistency().to_string().as_str()), (1, why));
}

#[tokio::test]
async fn a_holder_that_does_not_freeze_is_ended_with_what_it_started() {
    for (script, why) in [
        (
            "echo 'no session' >&2; exit 2",
            "ended with exit status: 2 and did not print the line \"frozen\": no session",
        ),
        ("echo frozen yet; exit 0", "ended with exit status: 0 and did not print the line \"frozen\""),
        (
            "trap '' TERM; sleep 600 & wait; sleep 600",
            "took longer than 500 ms and was killed with all that it started",
        ),
    ] {
        let fixture = Fixture::new();
        let coordinator = open(&fixture, script, SHORT, settings());
        let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
        let QuiesceError::Failed { step: Step::Freeze, source } = error else { panic!("{error:?}") };
        assert_eq!(source.to_string(), format!("holder 1 (sh) {why}"));
        assert!(coordinator.status().is_none());
    }
}

#[tokio::test]
async fn a_holder_that_does_not_end_is_killed_and_then_holds_nothing() {
    let fixture = Fixture::new();
    let stubborn = "trap '' TERM; echo frozen; sleep 600; sleep 600";
    let coordinator = open(&fixture, stubborn, SHORT, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    let report = lease.thaw().await.unwrap();
    let why = "crash-consistent: holder 1 (sh) took longer than 500 ms and was killed with all that it started";
    assert_eq!(report.consistency().to_string(), why);
}

#[tokio::test]
async fn a_holder_thaws_by_itself_when_its_parent_is_killed() {
    let fixture = Fixture::new();
    drop(Held::start(&fixture, &["--hold", &fixture.line(HOLDING)]));
    eventually("its thaw", || !fixture.path("frozen").exists()).await;
    let report = thaw_left_frozen(fixture.path("journal.jsonl"), Applications::none(), &settings()).unwrap().unwrap();
    assert_eq!(report.ended_by, EndedBy::Recovered);
    assert_eq!(fixture.done(), ["-a"]);
}

#[tokio::test]
async fn a_holder_that_ignores_the_end_of_its_input_is_ended_by_the_recovery() {
    let fixture = Fixture::new();
    let deaf = "setsid sh -c 'echo $$ > leader; echo frozen; sleep 600'";
    let held = Held::start(&fixture, &["--timeout-ms", "500", "--hold", &fixture.line(deaf)]);
    held.signal(Signal::KILL);
    drop(held);
    let leader = fixture.path("leader");
    assert!(is_running(&leader));
    thaw_left_frozen(fixture.path("journal.jsonl"), Applications::none(), &settings()).unwrap().unwrap();
    assert!(!is_running(&leader));
}
