//! A guest's part beside a real controller, with a mock agent and a bus in memory.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands; clippy allows this in test functions only, not in helpers"
)]

mod fixture;
mod wishes;

use std::time::Duration;

use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::link::Link;
use agentapi_controller::store::Store;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, BusError, Start};
use agentapi_fleet::guest::{LEFT_OUT, MAX_BEHIND, ToldEvent};
use agentapi_fleet::heartbeat::{Heartbeat, Life};
use agentapi_fleet::overview::Overview;
use futures_util::StreamExt;

use crate::fixture::{Fixture, clock, wait_until};

/// Events of a guest whose bus was gone for long: more than three times as many as are told in full.
const MANY: i64 = 3 * MAX_BEHIND + 300;

fn bus() -> MemoryBus {
    MemoryBus::new(clock())
}

async fn told(bus: &MemoryBus) -> Vec<ToldEvent> {
    let mut records = bus.follow(Start::After(0)).await.unwrap();
    let mut told = Vec::new();
    while let Ok(Some(record)) = tokio::time::timeout(Duration::from_millis(50), records.next()).await {
        told.push(serde_json::from_slice(&record.unwrap().payload).unwrap());
    }
    told
}

#[tokio::test]
async fn a_guest_tells_that_it_lives_what_it_is_and_what_happens() {
    let bus = bus();
    let fixture = Fixture::start(&bus).await;
    let name = "guest".parse().unwrap();
    wait_until("it is there", async || {
        Overview::read(&bus).await.unwrap().guest(&name).is_some_and(|view| view.heard.is_some())
    })
    .await;
    let overview = Overview::read(&bus).await.unwrap();
    let view = overview.guest(&name).unwrap();
    assert_eq!(view.life(clock().now()), Life::Alive);
    assert!(view.clock_ahead().unwrap().abs().as_secs() < 30);
    let inventory = view.inventory.as_ref().unwrap();
    assert_eq!(inventory.digest(), view.heartbeat.as_ref().unwrap().inventory);
    assert_eq!((inventory.place.host.as_str(), inventory.subjects[0].name.as_str()), ("pve1", "backup"));
    assert_eq!((inventory.subjects[0].digest.len(), view.last_backup()), (64, None));
    assert!(matches!(fixture.link(), Link::Connected { .. }));
    wait_until("its start is told", async || told(&bus).await.iter().any(|event| event.kind == "started")).await;

    fixture.run_backup().await;
    wait_until("the run is told", async || told(&bus).await.iter().any(|event| event.kind == "run-ended")).await;
    let numbers: Vec<_> = told(&bus).await.iter().map(|event| event.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    fixture.end().await;
}

#[tokio::test]
async fn what_happens_while_the_bus_is_gone_is_told_when_it_is_back() {
    let bus = bus();
    bus.set_down(true);
    let fixture = Fixture::start(&bus).await;
    wait_until("it says so", async || matches!(fixture.link(), Link::Lost { .. })).await;
    fixture.run_backup().await;
    wait_until("the backup is made", async || fixture.has_backup()).await;
    bus.set_down(false);
    wait_until("it is told", async || told(&bus).await.iter().any(|event| event.kind == "run-ended")).await;
    // With the next heartbeat.
    wait_until("it says so", async || matches!(fixture.link(), Link::Connected { .. })).await;
    fixture.end().await;
}

#[tokio::test]
async fn a_bus_that_has_forgotten_everything_between_two_heartbeats_is_told_all_of_it_anew() {
    let bus = bus();
    let fixture = Fixture::start(&bus).await;
    let name = "guest".parse().unwrap();
    let view = async || Overview::read(&bus).await.unwrap().guest(&name).cloned().unwrap_or_default();
    wait_until("it is there", async || view().await.heartbeat.is_some()).await;
    let forgotten = clock().now();
    bus.forget();
    let is_later = |heartbeat: Heartbeat| heartbeat.sent > forgotten;
    wait_until("it is there again", async || view().await.heartbeat.is_some_and(is_later)).await;
    assert!(view().await.inventory.is_some(), "it goes before the heartbeat");
    fixture.end().await;
}

#[tokio::test]
async fn of_many_events_the_old_ones_that_only_inform_are_left_out_and_counted() {
    let bus = bus();
    let folder = Fixture::folder();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let write = move |tx: &mut agentapi_controller::store::Tx<'_>| {
        for number in 0..MANY {
            let severity = if number % 100 == 0 { Severity::Warning } else { Severity::Info };
            let (kind, subject, text) = (EventKind::Paused, "backup".to_owned(), format!("event {number}"));
            tx.event(clock().now(), NewEvent { kind, severity, subject, run: None, text })?;
        }
        Ok(())
    };
    store.writer().write(write).await.unwrap();
    drop(store);
    // Its thread gives the folder back a moment later.
    let lock = std::fs::File::open(folder.path().join("state/controller.lock")).unwrap();
    wait_until("the folder is free", async || lock.try_lock().is_ok()).await;
    drop(lock);
    let fixture = Fixture::in_folder(folder, &bus).await;
    wait_until("the newest is told", async || told(&bus).await.iter().any(|event| event.kind == "started")).await;
    let told = told(&bus).await;
    let in_full: Vec<_> = told.iter().filter(|event| event.kind != LEFT_OUT).collect();
    let left_out: i64 = told
        .iter()
        .filter(|event| event.kind == LEFT_OUT)
        .map(|event| event.text.split(' ').next().unwrap().parse::<i64>().unwrap())
        .sum();
    let newest = in_full.last().unwrap().number;
    assert_eq!(in_full.len() as i64 + left_out, newest, "each is told or counted");
    let is_told = |number: i64| in_full.iter().any(|event| event.number == number);
    assert!((newest - MAX_BEHIND + 1..=newest).all(is_told), "the newest are told in full");
    let warnings = in_full.iter().filter(|event| event.severity == Severity::Warning).count();
    assert!(warnings as i64 >= MANY / 100, "{warnings} of what matters");
    assert!(left_out > MAX_BEHIND, "{left_out}");
    let numbers: Vec<_> = told.iter().map(|event| event.number).collect();
    assert!(numbers.is_sorted());
    fixture.end().await;
}

#[tokio::test]
async fn a_bus_that_refuses_is_dialled_again() {
    let bus = bus();
    let refused = || Err(BusError::Denied { what: "the key of guest to connect".into() });
    let fixture = Fixture::dialling(Fixture::folder(), &bus, "pve1", 1, refused).await;
    wait_until("it is there in the end", async || matches!(fixture.link(), Link::Connected { .. })).await;
    fixture.end().await;
}
