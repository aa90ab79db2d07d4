//! What a controller knows of the ones before it.

use super::{Clock, EventKind, Fixture, HOUR, RunState, Store, VirtualClock, subject};

#[tokio::test]
async fn what_an_earlier_controller_left_open_gets_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let now = VirtualClock::new("2026-11-26T09:00:00Z".parse().unwrap()).now();
    let run = store.writer().write(move |tx| {
        let run = tx.queue_run(now, "quick", "ab", "it was due")?;
        tx.begin_run(now, run)?;
        Ok(run)
    });
    let run = run.await.unwrap();
    let mut fixture = Fixture::with(store, folder, [subject("quick", None)]).await;
    assert_eq!(fixture.ended(run).await, RunState::Stopped);
    assert_eq!(fixture.store.reader().run(run).await.unwrap().end_reason, "quick was open");
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_after_the_run_that_an_earlier_controller_left_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let then = "2026-11-26T07:30:00Z".parse().unwrap();
    let run = store.writer().write(move |tx| {
        tx.dealt_with("quick", then)?;
        let run = tx.queue_run(then, "quick", "ab", "it was due")?;
        tx.begin_run(then, run)
    });
    run.await.unwrap();
    let mut fixture = Fixture::with(store, folder, [subject("quick", Some(HOUR))]).await;
    // The feed may still bring what was written above: a change is answered when it is committed, and told a moment later.
    while fixture.next_event().await.0 != EventKind::RunEnded {}
    let (kind, text) = fixture.next_event().await;
    assert!(kind == EventKind::RunQueued && text.contains("2 due times were missed"), "{kind}: {text}");
}

#[tokio::test]
async fn a_schedule_is_remembered_before_its_first_due_time() {
    let fixture = Fixture::new([subject("quick", Some(HOUR)), subject("by-hand", None)]).await;
    let first_seen = fixture.clock.now();
    fixture.clock.run_for(HOUR / 2).await;
    // Whatever was to be written before is written by now.
    fixture.store.writer().write(|_| Ok(())).await.unwrap();
    let schedules = fixture.store.reader().schedules().await.unwrap();
    assert_eq!(schedules.get("quick").and_then(|state| state.last_due_at), Some(first_seen));
    assert!(!schedules.contains_key("by-hand"), "it is never due");
}
