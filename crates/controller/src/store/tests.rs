use std::fs;
use std::time::Duration;

use jiff::Timestamp;

use super::{RunFilter, Store, StoreError};
use crate::event::EventKind;
use crate::run::{LineLevel, LogLine, RunEnd, RunId, RunState};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn line(text: &str) -> LogLine {
    LogLine { number: 1, at: at(2), level: LineLevel::Warn, text: text.into() }
}

async fn queue(store: &Store, subject: &'static str) -> RunId {
    store.writer().write(move |tx| tx.queue_run(at(0), subject, "ab", "it is due")).await.unwrap()
}

#[tokio::test]
async fn a_run_is_kept_with_its_steps_as_events_and_read_back_whole_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut feed = store.follow();
    let run = queue(&store, "backup").await;
    store.writer().write(move |tx| tx.begin_run(at(1), run)).await.unwrap();
    store.writer().write(move |tx| tx.add_line(run, &line("frozen"))).await.unwrap();
    let end = RunEnd {
        job_id: Some("bk-1".into()),
        consistency: Some("application".into()),
        ..RunEnd::new(RunState::Done, "")
    };
    store.writer().write(move |tx| tx.end_run(at(3), run, &end)).await.unwrap();
    for kind in [EventKind::RunQueued, EventKind::RunStarted, EventKind::RunEnded] {
        assert_eq!(feed.recv().await.unwrap().kind, kind);
    }
    drop(store);

    let store = reopened(folder.path()).await;
    let read = store.reader().run(run).await.unwrap();
    assert_eq!((read.state, read.started_at, read.ended_at), (RunState::Done, Some(at(1)), Some(at(3))));
    assert_eq!((read.job_id.as_deref(), read.consistency.as_deref()), (Some("bk-1"), Some("application")));
    assert_eq!(store.reader().lines(run, LineLevel::Trace, 0, 10).await.unwrap(), [line("frozen")]);
    assert_eq!(store.reader().schedules().await.unwrap()["backup"].last_success_at, Some(at(3)));
    let events = store.reader().events_after(1, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [2, 3]);
}

/// The lock of a store that was dropped goes with its thread, a moment later.
async fn reopened(folder: &std::path::Path) -> Store {
    for _ in 0..500 {
        match Store::open(folder) {
            Err(StoreError::InUse(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => return opened.unwrap(),
        }
    }
    panic!("still in use");
}

#[tokio::test]
async fn a_change_that_fails_is_undone_as_a_whole_and_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut feed = store.follow();
    let failed = store.writer().write(|tx| {
        let run = tx.queue_run(at(0), "backup", "ab", "it is due")?;
        tx.end_run(at(1), run, &RunEnd::new(RunState::Done, ""))
    });
    assert!(matches!(failed.await, Err(StoreError::Impossible(_))));
    assert_eq!(store.reader().runs(RunFilter::default(), None, 10).await.unwrap().items, []);
    assert!(feed.try_recv().is_err());
}

#[tokio::test]
async fn runs_are_listed_in_pages_the_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for subject in ["backup", "disk-watch", "backup", "disk-watch", "backup"] {
        queue(&store, subject).await;
    }
    let ids = |page: &super::Page<crate::run::Run>| page.items.iter().map(|run| run.id.0).collect::<Vec<_>>();
    let first = store.reader().runs(RunFilter::default(), None, 2).await.unwrap();
    assert_eq!((ids(&first), first.next), (vec![5, 4], Some(4)));
    let last = store.reader().runs(RunFilter::default(), Some(2), 2).await.unwrap();
    assert_eq!((ids(&last), last.next), (vec![1], None));
    let filter = RunFilter { subject: Some("backup".into()), ..RunFilter::default() };
    assert_eq!(ids(&store.reader().runs(filter, None, 10).await.unwrap()), [5, 3, 1]);
}

#[tokio::test]
async fn while_it_is_parked_changes_wait_and_questions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let parked = store.park();
    let waiting = tokio::spawn({
        let writer = store.writer().clone();
        async move { writer.write(|tx| tx.queue_run(at(0), "backup", "ab", "it is due")).await }
    });
    assert!(matches!(store.reader().run(RunId(1)).await, Err(StoreError::Parked(_))));
    assert!(!waiting.is_finished());
    drop(parked);
    let run = waiting.await.unwrap().unwrap();
    assert_eq!(store.reader().run(run).await.unwrap().state, RunState::Queued);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let written = store.reader().read(|connection| Ok(connection.execute("DELETE FROM run", [])?)).await;
    let Err(StoreError::Sqlite(why)) = written else { panic!("{written:?}") };
    assert_eq!(why.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
}

#[tokio::test]
async fn a_question_without_end_is_ended_and_keeps_nobody_else_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    // As many as there are threads for questions.
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let reader = store.reader().clone();
            tokio::spawn(async move {
                reader.read(move |connection| Ok(connection.query_row(endless, [], |row| row.get::<_, i64>(0))?)).await
            })
        })
        .collect();
    for question in asked {
        let answer = question.await.unwrap();
        assert!(matches!(answer, Err(StoreError::Busy | StoreError::Sqlite(_))), "{answer:?}");
    }
    // Parking waits for those inside, so that none may be left.
    let parked = store.park();
    drop(parked);
    store.reader().schedules().await.unwrap();
}

#[tokio::test]
async fn a_second_controller_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let _store = Store::open(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::InUse(_))));
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_a_new_one_is_begun() {
    for damage in ["not a database at all".repeat(100).into_bytes(), damaged_page()] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("controller.db"), &damage).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let aside = store.set_aside().unwrap();
        // But for the file's head, into which SQLite writes the mode before the check.
        assert!(fs::read(aside).unwrap()[100..] == damage[100..]);
        queue(&store, "backup").await;
    }
}

/// A file with a page in the middle that is overwritten.
fn damaged_page() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("controller.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("CREATE TABLE filler (text TEXT)").unwrap();
    for _ in 0..100 {
        connection.execute("INSERT INTO filler VALUES (?1)", ["x".repeat(1000)]).unwrap();
    }
    drop(connection);
    let mut bytes = fs::read(file).unwrap();
    bytes[8192..12288].fill(0xa5);
    bytes
}

#[tokio::test]
async fn on_a_full_disk_a_change_fails_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let set_pages =
        |pages: i64| store.writer().write(move |tx| Ok(tx.savepoint.pragma_update(None, "max_page_count", pages)?));
    let run = queue(&store, "backup").await;
    set_pages(1).await.unwrap();
    let long = "x".repeat(100_000);
    let text = long.clone();
    let full = store.writer().write(move |tx| tx.add_line(run, &line(&text))).await;
    let Err(StoreError::Sqlite(why)) = full else { panic!("{full:?}") };
    assert_eq!(why.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    set_pages(1_000_000).await.unwrap();
    store.writer().write(move |tx| tx.add_line(run, &line(&long))).await.unwrap();
}
