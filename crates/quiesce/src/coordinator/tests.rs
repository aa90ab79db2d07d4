//! Every way in which a freeze ends, with applications that do what a test says.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;
use crate::error::NotFrozen;
use crate::report::{Consistency, EndedBy};
use crate::test_applications::{Act, Applications};

fn settings() -> Settings {
    Settings {
        freeze_timeout: Duration::from_millis(100),
        thaw_timeout: Duration::from_millis(100),
        thaw_wait: Duration::from_secs(10),
        longest_pause: Duration::from_millis(20),
        ..Settings::default()
    }
}

/// A coordinator of these applications, and its journal.
fn coordinator(applications: &Arc<Applications>, settings: Settings) -> (Coordinator, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (open(applications, settings, &dir), dir)
}

fn open(applications: &Arc<Applications>, settings: Settings, dir: &tempfile::TempDir) -> Coordinator {
    Coordinator::open(journal(dir), applications.clone(), settings).unwrap()
}

fn parked() -> Parked {
    Parked::nothing_to_park()
}

fn journal(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("quiesce.jsonl")
}

/// Who is to be thawed by the next process that opens the journal.
fn left_frozen(dir: &tempfile::TempDir) -> Option<String> {
    let copy = dir.path().join("copy.jsonl");
    std::fs::copy(journal(dir), &copy).unwrap();
    Journal::open(&copy).unwrap().1.map(|left| left.holder)
}

async fn idle(coordinator: &Coordinator) -> Report {
    tokio::time::timeout(Duration::from_secs(10), coordinator.idle()).await.expect("idle in time").unwrap();
    coordinator.last_report().unwrap()
}

#[tokio::test]
async fn the_holder_thaws_once() {
    let applications = Applications::new([], []);
    let (coordinator, dir) = coordinator(&applications, settings());
    let begun = Instant::now();
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert_eq!(coordinator.status().unwrap().stage, Stage::Frozen);
    assert_eq!(left_frozen(&dir).as_deref(), Some("nightly"));
    assert!(lease.backup_begins() && lease.backup_captured());
    tokio::time::sleep(Duration::from_millis(50)).await;

    let report = lease.thaw().await.unwrap();
    assert!(report.frozen >= Duration::from_millis(50) && report.frozen <= begun.elapsed(), "{report:?}");
    assert_eq!((report.ended_by, report.attempts, report.consistency()), (EndedBy::Thaw, 1, Consistency::Application));
    assert_eq!((coordinator.status(), coordinator.last_report()), (None, Some(report)));
    assert_eq!(left_frozen(&dir), None);
    assert!(matches!(lease.thaw().await, Err(QuiesceError::NotFrozen(NotFrozen::Thawed))));
    drop(lease);
    coordinator.idle().await.unwrap();
    assert_eq!(applications.calls(), ["freeze", "thaw"]);
}

#[tokio::test]
async fn a_second_holder_is_told_who_is_the_first() {
    let applications = Applications::new([], []);
    let (coordinator, _dir) = coordinator(&applications, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    let error = coordinator.freeze("hourly", &parked()).await.unwrap_err();
    assert_eq!(error.to_string(), "nightly holds the freeze: its applications are frozen");
    lease.thaw().await.unwrap();
    coordinator.freeze("hourly", &parked()).await.unwrap().thaw().await.unwrap();
    assert_eq!(applications.calls(), ["freeze", "thaw", "freeze", "thaw"]);
}

#[tokio::test]
async fn a_lease_that_ends_is_thawed_without_its_holder() {
    let applications = Applications::new([], []);
    let lease = Duration::from_millis(30);
    let (coordinator, dir) = coordinator(&applications, Settings { lease, ..settings() });
    let mut held = coordinator.freeze("nightly", &parked()).await.unwrap();
    let report = idle(&coordinator).await;
    assert_eq!(report.ended_by, EndedBy::LeaseEnded);
    assert!(report.frozen >= lease, "{report:?}");
    // Told once, however it ended.
    assert_eq!(held.thaw().await.unwrap(), report);
    assert!(matches!(held.thaw().await, Err(QuiesceError::NotFrozen(NotFrozen::Thawed))));
    assert_eq!((applications.calls(), left_frozen(&dir)), (vec!["freeze", "thaw"], None));
}

#[tokio::test]
async fn a_lease_that_is_dropped_is_thawed() {
    let applications = Applications::new([], []);
    let (coordinator, dir) = coordinator(&applications, settings());
    drop(coordinator.freeze("nightly", &parked()).await.unwrap());
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Dropped);
    assert_eq!((applications.calls(), left_frozen(&dir)), (vec!["freeze", "thaw"], None));
}

#[tokio::test]
async fn a_holder_that_panics_or_is_cancelled_is_thawed() {
    let applications = Applications::new([], []);
    let (coordinator, _dir) = coordinator(&applications, settings());
    let holder = coordinator.clone();
    let panics = tokio::spawn(async move {
        let _lease = holder.freeze("panics", &parked()).await.unwrap();
        panic!("on purpose");
    });
    assert!(panics.await.unwrap_err().is_panic());
    let report = idle(&coordinator).await;
    assert_eq!((report.holder.as_str(), report.ended_by), ("panics", EndedBy::Dropped));

    let holder = async {
        let _lease = coordinator.freeze("is cancelled", &parked()).await.unwrap();
        std::future::pending::<()>().await;
    };
    assert!(tokio::time::timeout(Duration::from_millis(50), holder).await.is_err());
    let report = idle(&coordinator).await;
    assert_eq!((report.holder.as_str(), report.ended_by), ("is cancelled", EndedBy::Dropped));
    assert_eq!(applications.calls(), ["freeze", "thaw", "freeze", "thaw"]);
}

#[tokio::test]
async fn a_freeze_that_is_cancelled_half_way_is_given_up_and_thawed() {
    let applications = Applications::new([Act::Hangs], []);
    let freeze_timeout = Duration::from_secs(60);
    let (coordinator, dir) = coordinator(&applications, Settings { freeze_timeout, ..settings() });
    let begun = async {
        while applications.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let parked = parked();
    tokio::select! {
        frozen = coordinator.freeze("nightly", &parked) => panic!("it hangs: {frozen:?}"),
        () = begun => {}
    }
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Dropped);
    assert_eq!((applications.calls(), left_frozen(&dir)), (vec!["freeze", "thaw"], None));
}

#[tokio::test]
async fn a_freeze_that_does_not_work_is_thawed_before_it_is_said() {
    for (act, why) in [
        (Act::Fails, "freeze does not work"),
        (Act::Hangs, "the freeze took longer than 100 ms"),
        (Act::Panics, "the controller's freeze panicked"),
    ] {
        let applications = Applications::new([act], []);
        let (coordinator, dir) = coordinator(&applications, settings());
        let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
        let QuiesceError::Failed { step: Step::Freeze, source } = error else { panic!("{error:?}") };
        assert_eq!(source.to_string(), why);
        let report = coordinator.last_report().unwrap();
        assert_eq!((report.ended_by, report.failures), (EndedBy::FreezeFailed, vec![why.to_owned()]));
        assert_eq!((applications.calls(), left_frozen(&dir)), (vec!["freeze", "thaw"], None));
    }
}

#[tokio::test]
async fn a_thaw_is_tried_until_it_works() {
    let applications = Applications::new([], [Act::Fails, Act::Hangs, Act::Panics]);
    let (coordinator, dir) = coordinator(&applications, settings());
    let report = coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    let failures = ["thaw does not work", "the thaw took longer than 100 ms", "the controller's thaw panicked"];
    assert_eq!((report.attempts, report.failures), (4, failures.map(String::from).to_vec()));
    assert_eq!((report.ended_by, left_frozen(&dir)), (EndedBy::Thaw, None));
    assert_eq!(applications.calls(), ["freeze", "thaw", "thaw", "thaw", "thaw"]);
}

#[tokio::test]
async fn a_thaw_that_never_works_is_said_and_tried_on() {
    let applications = Applications::never_thawed([]);
    let thaw_wait = Duration::from_millis(100);
    let (coordinator, dir) = coordinator(&applications, Settings { thaw_wait, ..settings() });
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    for _ in 0..2 {
        let error = lease.thaw().await.unwrap_err();
        let QuiesceError::Failed { step: Step::Thaw, source } = error else { panic!("{error:?}") };
        assert_eq!(source.to_string(), "thaw does not work");
    }
    let before = coordinator.status().unwrap();
    assert!(before.stage == Stage::Thawing && before.attempts > 2, "{before:?}");
    let busy = coordinator.freeze("hourly", &parked()).await.unwrap_err();
    assert_eq!(busy.to_string(), "nightly holds the freeze: its applications are being thawed");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(coordinator.status().unwrap().attempts > before.attempts);
    assert_eq!(left_frozen(&dir).as_deref(), Some("nightly"));
}

#[tokio::test]
async fn a_freeze_that_fails_and_cannot_be_thawed_says_both() {
    let applications = Applications::never_thawed([Act::Fails]);
    let (coordinator, _dir) =
        coordinator(&applications, Settings { thaw_wait: Duration::from_millis(50), ..settings() });
    let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
    assert!(matches!(error, QuiesceError::Failed { step: Step::FreezeThenThaw, .. }), "{error:?}");
}

#[tokio::test]
async fn what_the_journal_says_is_frozen_is_thawed_before_anything_else() {
    let applications = Applications::new([], [Act::Fails, Act::Hangs]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(journal(&dir), "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"nightly\"}\n").unwrap();
    let coordinator = open(&applications, settings(), &dir);
    let busy = coordinator.freeze("hourly", &parked()).await.unwrap_err();
    assert_eq!(busy.to_string(), "nightly holds the freeze: its applications are being thawed");
    let report = idle(&coordinator).await;
    assert_eq!((report.holder.as_str(), report.ended_by, report.attempts), ("nightly", EndedBy::Recovered, 3));
    assert!(report.frozen > Duration::from_secs(3600), "{report:?}");
    assert!(std::fs::read_to_string(journal(&dir)).unwrap().contains(r#""event":"recovered""#));
    coordinator.freeze("hourly", &parked()).await.unwrap().thaw().await.unwrap();
    assert_eq!(applications.calls(), ["thaw", "thaw", "thaw", "freeze", "thaw"]);
}

#[tokio::test]
async fn without_a_journal_nothing_is_frozen() {
    let applications = Applications::new([], []);
    let dir = tempfile::tempdir().unwrap();
    let opened = Coordinator::open("/dev/null", applications.clone(), settings());
    assert!(matches!(opened, Err(JournalError::Unusable { .. })), "{opened:?}");

    let coordinator = open(&applications, settings(), &dir);
    *lock(&coordinator.shared().journal) = Some(Journal::read_only(&journal(&dir)));
    for _ in 0..2 {
        let error = coordinator.freeze("nightly", &parked()).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing was frozen: the journal cannot be written");
    }
    assert_eq!((applications.calls(), coordinator.status()), (vec![], None));
}

#[tokio::test]
async fn an_end_that_cannot_be_journalled_is_reported_and_holds_nobody_up() {
    let applications = Applications::new([], []);
    let (coordinator, dir) = coordinator(&applications, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    *lock(&coordinator.shared().journal) = Some(Journal::read_only(&journal(&dir)));
    let report = lease.thaw().await.unwrap();
    assert!(report.failures[0].starts_with("the end is not in the journal: "), "{report:?}");
    assert_eq!(coordinator.status(), None);
}

#[tokio::test]
async fn a_run_freezes_and_thaws_in_turn() {
    let applications = Applications::new([], []);
    let lease = Duration::from_millis(200);
    let (coordinator, _dir) = coordinator(&applications, Settings { lease, ..settings() });
    let mut run = coordinator.run("nightly");
    assert!(matches!(run.thaw().await, Err(QuiesceError::NotFrozen(NotFrozen::Never))));
    run.freeze(&parked()).await.unwrap();
    assert!(matches!(run.freeze(&parked()).await, Err(QuiesceError::AlreadyFrozen)));
    let report = run.thaw().await.unwrap();
    assert_eq!(run.report(), Some(report));
    assert!(matches!(run.thaw().await, Err(QuiesceError::NotFrozen(NotFrozen::Thawed))));

    run.freeze(&parked()).await.unwrap();
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::LeaseEnded);
    assert_eq!(run.thaw().await.unwrap().ended_by, EndedBy::LeaseEnded, "told once how it ended");
    assert!(matches!(run.thaw().await, Err(QuiesceError::NotFrozen(NotFrozen::Thawed))));
    run.freeze(&parked()).await.unwrap();
    drop(run);
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Dropped);
    assert_eq!(applications.calls(), ["freeze", "thaw", "freeze", "thaw", "freeze", "thaw"]);
}

#[test]
fn a_coordinator_needs_no_runtime_to_thaw() {
    let applications = Applications::new([], []);
    let dir = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let coordinator = open(&applications, settings(), &dir);
    let first = runtime();
    let mut lease = first.block_on(coordinator.freeze("nightly", &parked())).unwrap();
    drop(first);
    let report = runtime().block_on(lease.thaw()).unwrap();
    assert_eq!((report.ended_by, left_frozen(&dir)), (EndedBy::Thaw, None));
    assert_eq!(applications.calls(), ["freeze", "thaw"]);
}
