use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{BETWEEN, forget};
use crate::clock::{Clock, VirtualClock};
use crate::config::places::Retention;
use crate::event::{EventKind, NewEvent, Severity};
use crate::run::{LineLevel, LogLine, RunEnd, RunId, RunState};
use crate::store::{RunFilter, Store};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A run of these lines that ended at this time.
async fn run(store: &Store, subject: &'static str, at: Timestamp, lines: i64) -> RunId {
    let written = store.writer().write(move |tx| {
        let run = tx.queue_run(at, subject, "ab", "it is due")?;
        tx.begin_run(at, run)?;
        for number in 1..=lines {
            tx.add_line(run, &LogLine { number, at, level: LineLevel::Info, text: "x".repeat(1000) })?;
        }
        tx.end_run(at, run, &RunEnd::new(RunState::Done, ""))?;
        Ok(run)
    });
    written.await.unwrap()
}

async fn kept(store: &Store) -> Vec<i64> {
    let runs = store.reader().runs(RunFilter::default(), None, 10_000).await.unwrap().items;
    runs.iter().rev().map(|run| run.id.0).collect()
}

/// Forgets until there is nothing left to forget now.
async fn let_forget(clock: &VirtualClock, store: &Store, retention: &watch::Sender<Retention>) {
    let clock_of_task = Arc::new(clock.clone());
    let forgetting = tokio::spawn(forget(clock_of_task, store.clone(), retention.subscribe()));
    loop {
        tokio::task::yield_now().await;
        match clock.until_next_wake() {
            // It sleeps until the next hour.
            Some(left) if left > BETWEEN / 2 => break,
            Some(left) => clock.run_for(left).await,
            // It waits for the writer, which is a thread.
            None => store.writer().write(|_| Ok(())).await.unwrap(),
        }
    }
    forgetting.abort();
    assert!(forgetting.await.unwrap_err().is_cancelled());
}

fn retention(keep_for: Duration, keep_runs: u64) -> watch::Sender<Retention> {
    watch::channel(Retention { keep_for, keep_runs }).0
}

fn open() -> (VirtualClock, Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap()), store, folder)
}

#[tokio::test]
async fn what_is_too_old_goes_with_its_lines_and_events_but_the_latest_of_each_subject() {
    let (clock, store, _folder) = open();
    let old = clock.now();
    for subject in ["seldom", "backup", "backup"] {
        run(&store, subject, old, 2).await;
    }
    let open = store.writer().write(move |tx| tx.queue_run(old, "backup", "ab", "it waits")).await.unwrap();
    clock.run_for(91 * DAY).await;
    let new = run(&store, "backup", clock.now(), 2).await;
    let_forget(&clock, &store, &retention(90 * DAY, 10_000)).await;
    assert_eq!(
        kept(&store).await,
        [1, open.0, new.0],
        "the only one of its subject, one that has not ended, and a new one"
    );
    assert_eq!(store.reader().lines(RunId(2), LineLevel::Trace, 0, 10).await.unwrap(), []);
    assert_eq!(store.reader().lines(new, LineLevel::Trace, 0, 10).await.unwrap().len(), 2);
    let events = store.reader().events_after(0, 100).await.unwrap();
    assert!(events.len() == 3 && events.iter().all(|event| event.run == Some(new)), "{events:?}");
}

#[tokio::test]
async fn what_is_too_much_goes_the_oldest_first_and_a_reload_changes_how_much_that_is() {
    let (clock, store, _folder) = open();
    for _ in 0..100 {
        run(&store, "backup", clock.now(), 0).await;
    }
    let retention = retention(90 * DAY, 30);
    let_forget(&clock, &store, &retention).await;
    assert_eq!(kept(&store).await, (71..=100).collect::<Vec<_>>());
    assert_eq!(store.reader().event_numbers().await.unwrap(), Some((1, 300)), "ten events for each run that is kept");
    retention.send_replace(Retention { keep_for: 90 * DAY, keep_runs: 5 });
    let_forget(&clock, &store, &retention).await;
    assert_eq!(kept(&store).await, (96..=100).collect::<Vec<_>>());
    assert_eq!(store.reader().event_numbers().await.unwrap(), Some((251, 300)));
}

#[tokio::test]
async fn the_number_of_the_latest_event_is_not_forgotten() {
    let (clock, store, _folder) = open();
    let at = clock.now();
    for text in ["a", "b"] {
        let (kind, severity) = (EventKind::Started, Severity::Info);
        let event = NewEvent { kind, severity, subject: "controller".into(), run: None, text: text.into() };
        store.writer().write(move |tx| tx.event(at, event)).await.unwrap();
    }
    clock.run_for(1000 * DAY).await;
    let_forget(&clock, &store, &retention(DAY, 10)).await;
    assert_eq!(store.reader().event_numbers().await.unwrap(), Some((2, 2)));
}

#[tokio::test]
async fn it_is_done_again_every_hour() {
    let (clock, store, _folder) = open();
    run(&store, "backup", clock.now(), 0).await;
    run(&store, "backup", clock.now(), 0).await;
    let forgetting = tokio::spawn(forget(Arc::new(clock.clone()), store.clone(), retention(DAY, 10).subscribe()));
    clock.run_for(DAY).await;
    assert_eq!(kept(&store).await, [1, 2]);
    for _ in 0..1000 {
        if kept(&store).await == [2] {
            break;
        }
        clock.run_for(BETWEEN).await;
    }
    assert_eq!(kept(&store).await, [2]);
    forgetting.abort();
}

/// Bytes of the file that ends so.
fn size(folder: &Path, name: &str) -> u64 {
    fs::metadata(folder.join(name)).map_or(0, |file| file.len())
}

#[tokio::test]
async fn the_file_and_its_log_stay_small_however_much_comes_and_goes() {
    let (clock, store, folder) = open();
    let retention = retention(90 * DAY, 20);
    let mut sizes = Vec::new();
    for _ in 0..6 {
        for _ in 0..60 {
            run(&store, "backup", clock.now(), 100).await;
        }
        let_forget(&clock, &store, &retention).await;
        sizes.push((size(folder.path(), "controller.db"), size(folder.path(), "controller.db-wal")));
    }
    let (first, last) = (sizes[0], sizes[5]);
    assert!(last.0 <= first.0 * 3 / 2, "the space of what is forgotten is used again: {sizes:?}");
    assert!(sizes.iter().all(|(_, log)| *log < 16 * 1024 * 1024), "{sizes:?}");
}
