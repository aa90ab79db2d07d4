//! A process that dies while it holds a freeze, and the next one.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_quiesce::{
    Application, Applications, Coordinator, EndedBy, JournalError, Programs, Quiesce, QuiesceError, QuiesceFailure,
    Quiescing, Settings, Step, ThawError, thaw_left_frozen,
};
use rustix::process::Signal;

use crate::held::Held;
use crate::support::{Fixture, LONG, eventually, idle, is_running, parked, settings};

#[tokio::test]
async fn what_a_killed_process_left_frozen_is_thawed_by_the_next_and_journalled() {
    let fixture = Fixture::new();
    let (freeze, thaw) = ("touch frozen; echo +a >> done", "echo -a >> done; rm -f frozen");
    let holder = Held::start(&fixture, &[&fixture.line(freeze), &fixture.line(thaw)]);

    // While it lives, nobody thaws what it holds.
    let programs = || Programs::parse(&[fixture.line(freeze)], &[fixture.line(thaw)]).unwrap();
    let opened = Coordinator::open(fixture.path("journal.jsonl"), programs(), settings());
    assert!(
        matches!(&opened, Err(JournalError::InUse { holder, .. }) if holder.as_deref() == Some("hold_freeze")),
        "{opened:?}"
    );

    drop(holder);
    assert!(fixture.path("frozen").exists());
    assert_eq!((fixture.done(), fixture.journal().lines().count()), (vec!["-a".to_owned(), "+a".to_owned()], 2));

    let coordinator = fixture.open(&[(freeze, thaw)], LONG, settings());
    let busy = coordinator.freeze("nightly", &parked()).await.unwrap_err();
    assert_eq!(busy.to_string(), "hold_freeze holds the freeze: its applications are being thawed");
    let report = idle(&coordinator).await;
    assert_eq!((report.holder.as_str(), report.ended_by), ("hold_freeze", EndedBy::Recovered));
    assert_eq!(report.consistency().to_string(), "crash-consistent: its process was gone");
    assert!(!fixture.path("frozen").exists());
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"recovered","holder":"hold_freeze""#));
    // The trial of the first process, its freeze, and what the second thawed: at once, and when no process of the freeze was
    // left, for which a busy machine takes more than one look.
    let done = fixture.done();
    assert_eq!(done[..2], ["-a", "+a"]);
    assert!(done.len() >= 4 && done[2..].iter().all(|line| line == "-a"), "{done:?}");

    coordinator.freeze("nightly", &parked()).await.unwrap().thaw().await.unwrap();
    drop(coordinator);
    let coordinator = fixture.open(&[(freeze, thaw)], LONG, settings());
    assert_eq!((coordinator.status(), coordinator.last_report()), (None, None));
}

/// Thaws what the journal says, and nothing that is configured now.
fn recover(fixture: &Fixture) -> Option<agentapi_quiesce::Report> {
    thaw_left_frozen(fixture.path("journal.jsonl"), Applications::none(), &settings()).unwrap()
}

#[tokio::test]
async fn a_freeze_program_whose_parent_was_killed_freezes_nothing_after_the_recovery() {
    for slow in [
        "touch begun; sleep 1; touch frozen",
        // What dies with the parent is the program alone. What it started is found by its mark.
        "(touch begun; sleep 1; touch frozen) & wait",
        "setsid sh -c 'touch begun; sleep 1; touch frozen' & wait",
        "(setsid sh -c 'touch begun; sleep 1; touch frozen' &) ; sleep 5",
    ] {
        let fixture = Fixture::new();
        let (freeze, thaw) = (fixture.line(slow), fixture.line("rm -f frozen"));
        let held = Held::begin(&fixture, &["--timeout-ms", "700", &freeze, &thaw]);
        eventually("the freeze", || fixture.path("begun").exists()).await;
        held.signal(Signal::KILL);
        drop(held);
        let report = recover(&fixture).unwrap();
        assert_eq!(report.ended_by, EndedBy::Recovered);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(!fixture.path("frozen").exists(), "frozen by an orphan: {slow}");
    }
}

#[tokio::test]
async fn a_freeze_program_dies_with_its_parent_and_a_thaw_program_does_not() {
    let fixture = Fixture::new();
    let freeze = fixture.line("echo $$ > freezing; exec sleep 600");
    let thaw = fixture.line("test -e frozen || exit 0; echo $$ > thawing; exec sleep 600");
    let held = Held::begin(&fixture, &[&freeze, &thaw]);
    eventually("the freeze", || fs::read(fixture.path("freezing")).is_ok_and(|text| !text.is_empty())).await;
    drop(held);
    eventually("its end", || !is_running(&fixture.path("freezing"))).await;

    let fixture = Fixture::new();
    let thaw = fixture.line("test -e frozen || exit 0; echo $$ > thawing; exec sleep 600");
    let held = Held::start(&fixture, &["--lease-ms", "1", &fixture.line("touch frozen"), &thaw]);
    eventually("the thaw", || fs::read(fixture.path("thawing")).is_ok_and(|text| !text.is_empty())).await;
    drop(held);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(is_running(&fixture.path("thawing")));
    let pid = fs::read_to_string(fixture.path("thawing")).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), Signal::KILL)
        .unwrap();
}

#[tokio::test]
async fn what_the_journal_recorded_is_thawed_and_not_what_is_configured_now() {
    let fixture = Fixture::new();
    drop(Held::start(&fixture, &[&fixture.line("touch first"), &fixture.line("rm -f first; echo -first >> done")]));
    assert!(fixture.path("first").exists());
    let coordinator = fixture.open(&[("touch second", "echo -second >> done")], LONG, settings());
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Recovered);
    assert!(!fixture.path("first").exists());
    assert!(fixture.done().iter().all(|line| line == "-first"), "{:?}", fixture.done());
}

#[tokio::test]
async fn a_journal_of_an_older_version_is_thawed_with_what_is_configured_now() {
    let fixture = Fixture::new();
    let line = "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"backup-loop\"}\n";
    fs::write(fixture.path("journal.jsonl"), line).unwrap();
    let programs = Programs::parse(&["false"], &[fixture.line("echo - >> done")]).unwrap();
    let report = thaw_left_frozen(fixture.path("journal.jsonl"), programs, &settings()).unwrap().unwrap();
    assert_eq!((report.holder.as_str(), report.ended_by), ("backup-loop", EndedBy::Recovered));
    assert!(!fixture.done().is_empty());
    assert_eq!(fixture.journal().lines().count(), 2);
}

#[tokio::test]
async fn what_cannot_be_thawed_for_want_of_its_application_is_never_called_recovered() {
    let fixture = Fixture::new();
    let journal = fixture.path("journal.jsonl");
    let older = "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"backup-loop\"}\n";
    let damaged = "{\"at_unix_s\":1790000000,\"event\":\"thawed\",\"holder\":\"n\"}\n{\"event\":\"melted\"}\n";
    let of_older = "says that backup-loop has frozen, and to thaw that it takes the freeze and thaw programs that were \
                    used (a journal of an older version does not record them)";
    let of_damaged = "says that unknown has frozen, and to thaw that it takes the applications that were frozen (its \
                      last line is not understood)";
    let file_system = Applications::new([Application::file_system("/nonexistent")]).unwrap();
    for (text, given, told) in [
        (older, Applications::none(), of_older),
        // An older version froze none: one that is frozen now is somebody else's.
        (older, file_system, of_older),
        (damaged, Applications::none(), of_damaged),
    ] {
        fs::write(&journal, text).unwrap();
        let told = format!("the journal {} {told}", journal.display());
        let thawed = thaw_left_frozen(&journal, given.clone(), &settings()).unwrap_err();
        assert!(matches!(thawed, ThawError::Journal(JournalError::NotGiven { .. })), "{thawed:?}");
        let opened = Coordinator::open(&journal, given, settings()).unwrap_err();
        assert_eq!((thawed.to_string(), opened.to_string(), fixture.journal()), (told.clone(), told, text.into()));
    }
}

#[tokio::test]
async fn without_the_own_code_that_froze_the_rest_is_thawed_and_the_journal_stays_at_frozen() {
    let fixture = Fixture::new();
    let journal = fixture.path("journal.jsonl");
    drop(Held::start(&fixture, &[&fixture.line("touch frozen"), &fixture.line("rm -f frozen")]));
    let with_own = fixture.journal().replace("\"what\":[", "\"what\":[{\"kind\":\"own\",\"name\":\"ledger\"},");
    assert_ne!(with_own, fixture.journal());
    fs::write(&journal, &with_own).unwrap();
    let named = |name| Applications::new([Application::own(name, Arc::new(Ledger(fixture.path("ledger"))))]).unwrap();

    for given in [Applications::none(), named("another")] {
        fs::write(fixture.path("frozen"), "").unwrap();
        let thawed = thaw_left_frozen(&journal, given.clone(), &settings()).unwrap_err();
        assert!(!fixture.path("frozen").exists());
        let told = "says that hold_freeze has frozen, and to thaw that it takes the own code named \"ledger\"";
        assert!(thawed.to_string().ends_with(told), "{thawed}");
        fs::write(fixture.path("frozen"), "").unwrap();
        let opened = Coordinator::open(&journal, given, settings()).unwrap_err();
        assert!(opened.to_string().ends_with(told) && !fixture.path("frozen").exists(), "{opened}");
        assert_eq!((fixture.journal(), fixture.path("ledger").exists()), (with_own.clone(), false));
    }
    let report = thaw_left_frozen(&journal, named("ledger"), &settings()).unwrap().unwrap();
    assert_eq!(report.ended_by, EndedBy::Recovered);
    assert!(fixture.path("ledger").exists());
    assert!(fixture.journal().lines().last().unwrap().contains("recovered"));
}

/// Leaves a file when it thaws.
struct Ledger(std::path::PathBuf);

impl Quiesce for Ledger {
    fn freeze(&self) -> Quiescing<'_> {
        Box::pin(async { Ok(()) })
    }

    fn thaw(&self) -> Quiescing<'_> {
        Box::pin(async { fs::write(&self.0, "").map_err(QuiesceFailure::new) })
    }
}

#[tokio::test]
async fn a_file_that_is_no_journal_is_refused_and_left_as_it_is() {
    let fixture = Fixture::new();
    let long: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    for text in [long.as_str(), "[backup]\ndue = true\n", "no line end", "{\"event\":\"frozen\"}\n", "\n"] {
        fs::write(fixture.path("journal.jsonl"), text).unwrap();
        let programs = || Programs::parse(&["true"], &["true"]).unwrap();
        let opened = Coordinator::open(fixture.path("journal.jsonl"), programs(), settings());
        assert!(matches!(opened, Err(JournalError::NotAJournal { .. })), "{opened:?}");
        let thawed = thaw_left_frozen(fixture.path("journal.jsonl"), programs(), &settings());
        assert!(matches!(thawed, Err(ThawError::Journal(JournalError::NotAJournal { .. }))), "{thawed:?}");
        assert_eq!(fixture.journal(), text);
    }
}

#[tokio::test]
async fn a_journal_that_was_deleted_or_replaced_is_noticed() {
    let fixture = Fixture::new();
    let coordinator = fixture.open(&[("echo + >> done", "echo - >> done")], LONG, settings());
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    fs::remove_file(fixture.path("journal.jsonl")).unwrap();
    let report = lease.thaw().await.unwrap();
    assert!(report.failures[0].ends_with("journal.jsonl has been deleted"), "{report:?}");
    let failure = |error| match error {
        QuiesceError::Failed { step: Step::Journal, source } => source.to_string(),
        other => panic!("{other:?}"),
    };
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err());
    assert!(why.ends_with("journal.jsonl has been deleted"), "{why}");
    fs::write(fixture.path("journal.jsonl"), "").unwrap();
    let why = failure(coordinator.freeze("nightly", &parked()).await.unwrap_err());
    assert!(why.ends_with("journal.jsonl has been replaced by another file"), "{why}");
    assert_eq!(fixture.done(), ["+", "-"]);
}

#[tokio::test]
async fn a_thaw_that_cannot_be_started_for_a_while_is_tried_until_it_can() {
    let fixture = Fixture::new();
    let (freeze, thaw) = (fixture.line("touch frozen"), fixture.line("rm -f frozen"));
    let locks = fixture.path("locks");
    let arguments =
        ["--locks", locks.to_str().unwrap(), "--lease-ms", "200", "--no-process-ms", "1500", &freeze, &thaw];
    let mut held = Held::begin_as_nobody(&fixture, &arguments);
    assert_eq!(held.line(), "frozen");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(fixture.path("frozen").exists() && held.is_running());
    let told = held.line();
    let why = "thawed: the lease ended; [\"thaw program 1 (sh) cannot be started: Resource temporarily unavailable";
    assert!(told.starts_with(why), "{told}");
    assert!(!fixture.path("frozen").exists());
}

#[tokio::test]
async fn a_recovery_that_does_not_work_is_given_up_and_the_journal_stays_at_frozen() {
    let fixture = Fixture::new();
    let thaw = fixture.line("test -e frozen && exit 1; exit 0");
    drop(Held::start(&fixture, &[&fixture.line("touch frozen"), &thaw]));
    let begun = Instant::now();
    let settings = Settings { give_up: Some(Duration::from_millis(500)), ..settings() };
    let given_up = thaw_left_frozen(fixture.path("journal.jsonl"), Applications::none(), &settings).unwrap_err();
    assert!(matches!(given_up, ThawError::StillFrozen(_)) && begun.elapsed() < LONG, "{given_up:?}");
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"frozen""#));
    fs::remove_file(fixture.path("frozen")).unwrap();
    eventually("the thaw goes on", || fixture.journal().lines().last().unwrap().contains("recovered")).await;
}

#[tokio::test]
async fn a_recovery_does_not_thaw_what_another_journal_has_frozen_meanwhile() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let (freeze, thaw) = (fixture.line("touch frozen"), fixture.line("rm -f frozen; echo - >> done"));
    drop(Held::start(&fixture, &[&freeze, &thaw]));
    let programs = Programs::parse(&[&freeze], &[&thaw]).unwrap();
    let second = Coordinator::open(other.path("journal.jsonl"), programs, settings()).unwrap();
    let mut lease = second.freeze("hourly", &parked()).await.unwrap();
    let before = fixture.done().len();

    let recovery = std::thread::spawn({
        let journal = fixture.path("journal.jsonl");
        move || thaw_left_frozen(journal, Applications::none(), &settings()).unwrap().unwrap()
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(fixture.path("frozen").exists() && fixture.done().len() == before);
    lease.thaw().await.unwrap();
    assert_eq!(recovery.join().unwrap().ended_by, EndedBy::Recovered);
}
