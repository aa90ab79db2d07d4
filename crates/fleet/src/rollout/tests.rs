use std::sync::Arc;

use agentapi_controller::clock::{Clock, SystemClock};
use bytes::Bytes;
use serde_json::json;

use super::{Rollout, RolloutError, RolloutState, Step};
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, BusError, Expect, Table};
use crate::overview::Overview;
use crate::want::{ExtensionWish, Want, Whose, change};

fn digest() -> String {
    "ab".repeat(32)
}

/// A guest of a ring, with what became of the wish for the extension, as it lies on the bus.
async fn tell(bus: &MemoryBus, guest: &str, ring: u8, state: Option<&str>) {
    let wish = bus.get(Table::Want, &format!("ring.{ring}")).await.unwrap();
    let wish = wish.map(|wish| Want::read(&wish).unwrap()).unwrap_or_default();
    let (seen, since) = (wish.number, wish.extensions.get("watch").and_then(|wish| wish.since));
    let tried = state.map(
        |state| json!({ "name": "watch", "digest": digest(), "since": since, "state": state, "why": "it trapped" }),
    );
    let inventory = json!({
        "version": "0", "host": "pve1", "ring": ring, "may_change": ["watch"], "extensions": Vec::from_iter(tried),
        "seen": { "own": 0, "ring": seen },
        "subjects": [], "findings": [], "approvals": [], "samples": [],
    });
    let value = Bytes::from(inventory.to_string());
    bus.put(Table::Inventory, guest, value, Expect::Anything).await.unwrap();
}

async fn wished(bus: &MemoryBus, ring: u8) -> Option<Option<String>> {
    let entry = bus.get(Table::Want, &format!("ring.{ring}")).await.unwrap()?;
    Want::read(&entry).unwrap().extensions.get("watch").map(|wish| wish.digest.clone())
}

async fn begun() -> (MemoryBus, Rollout) {
    let bus = MemoryBus::new(Arc::new(SystemClock));
    for (guest, ring) in [("canary", 1), ("a", 2), ("b", 2), ("other", 9)] {
        tell(&bus, guest, ring, None).await;
    }
    let rollout = Rollout::begin(&bus, "watch", digest(), vec![1, 2], SystemClock.now()).await.unwrap();
    (bus, rollout)
}

/// Puts it on the bus as it is now, and makes the wishes what they are to be.
async fn apply(bus: &MemoryBus, rollout: &mut Rollout) {
    let mut revision = rollout.write(bus, Expect::Anything).await.unwrap();
    rollout.apply(bus, &Overview::default(), &mut revision).await.unwrap();
}

async fn step(bus: &MemoryBus, rollout: &Rollout) -> Step {
    rollout.step(&Overview::read(bus).await.unwrap())
}

#[tokio::test]
async fn the_next_ring_comes_when_all_of_this_one_have_run_it() {
    let (bus, mut rollout) = begun().await;
    assert_eq!(step(&bus, &rollout).await, Step::Wait(vec!["canary".parse().unwrap()]));
    apply(&bus, &mut rollout).await;
    assert_eq!((wished(&bus, 1).await, wished(&bus, 2).await), (Some(Some(digest())), None));
    tell(&bus, "canary", 1, Some("trying")).await;
    assert!(matches!(step(&bus, &rollout).await, Step::Wait(_)));
    tell(&bus, "canary", 1, Some("good")).await;
    assert_eq!(step(&bus, &rollout).await, Step::Next);
    rollout.reached = 2;
    apply(&bus, &mut rollout).await;
    tell(&bus, "a", 2, Some("good")).await;
    assert_eq!(step(&bus, &rollout).await, Step::Wait(vec!["b".parse().unwrap()]));
    tell(&bus, "b", 2, Some("good")).await;
    assert_eq!(step(&bus, &rollout).await, Step::Done);
}

#[tokio::test]
async fn any_failure_stops_it_in_an_earlier_ring_too() {
    for state in ["failed", "refused"] {
        let (bus, mut rollout) = begun().await;
        rollout.reached = 2;
        apply(&bus, &mut rollout).await;
        for guest in ["a", "b"] {
            tell(&bus, guest, 2, Some("good")).await;
        }
        tell(&bus, "canary", 1, Some(state)).await;
        assert_eq!(step(&bus, &rollout).await, Step::Stop("canary: it trapped".into()));
    }
}

#[tokio::test]
async fn what_was_wished_before_is_wished_again() {
    let (bus, mut rollout) = begun().await;
    rollout.reached = 2;
    apply(&bus, &mut rollout).await;
    rollout = Rollout::set(&bus, "watch", RolloutState::RollingBack).await.unwrap();
    apply(&bus, &mut rollout).await;
    assert_eq!((wished(&bus, 1).await, wished(&bus, 2).await), (Some(None), Some(None)), "the guests' own files");
}

#[tokio::test]
async fn what_a_guest_says_of_the_same_bytes_in_an_earlier_rollout_does_not_count() {
    let (bus, mut rollout) = begun().await;
    for state in ["good", "failed"] {
        apply(&bus, &mut rollout).await;
        tell(&bus, "canary", 1, Some(state)).await;
        assert_ne!(step(&bus, &rollout).await, Step::Wait(vec!["canary".parse().unwrap()]));
        Rollout::set(&bus, "watch", RolloutState::Stopped { why: "a person".into() }).await.unwrap();
        rollout = Rollout::begin(&bus, "watch", digest(), vec![1, 2], SystemClock.now()).await.unwrap();
        assert_eq!(step(&bus, &rollout).await, Step::Wait(vec!["canary".parse().unwrap()]));
        apply(&bus, &mut rollout).await;
        assert_eq!(step(&bus, &rollout).await, Step::Wait(vec!["canary".parse().unwrap()]));
    }
}

#[tokio::test]
async fn a_coordinator_that_stood_still_wishes_nothing_that_was_taken_back() {
    let (bus, mut rollout) = begun().await;
    let mut revision = Rollout::all(&bus).await.unwrap()[0].1;
    let mut stood_still = rollout.clone();
    rollout = Rollout::set(&bus, "watch", RolloutState::RollingBack).await.unwrap();
    apply(&bus, &mut rollout).await;
    let late = stood_still.apply(&bus, &Overview::default(), &mut revision).await.unwrap_err();
    assert!(matches!(late, BusError::Changed { .. }), "{late:?}");
    assert_eq!(wished(&bus, 1).await, Some(None));
}

#[tokio::test]
async fn what_is_on_its_way_when_a_rollout_stops_comes_to_nothing() {
    let (bus, _) = begun().await;
    // Confirmed, and about to be written: the ring has no wish.
    let on_its_way = async |expect| bus.put(Table::Want, "ring.1", Bytes::from_static(b"{}"), expect).await;
    Rollout::set(&bus, "watch", RolloutState::Stopped { why: "a person".into() }).await.unwrap();
    assert!(matches!(on_its_way(Expect::Nothing).await, Err(BusError::Changed { .. })));
    // A coordinator has stopped it, and written no wish: the next one begins with that.
    let revision = bus.get(Table::Want, "ring.1").await.unwrap().unwrap().revision;
    Rollout::begin(&bus, "watch", digest(), vec![1], SystemClock.now()).await.unwrap();
    assert!(matches!(on_its_way(Expect::Revision(revision)).await, Err(BusError::Changed { .. })));
}

#[tokio::test]
async fn there_is_one_of_an_extension_and_somebody_has_to_let_it() {
    let (bus, _) = begun().await;
    let again = Rollout::begin(&bus, "watch", digest(), vec![1], SystemClock.now()).await.unwrap_err();
    assert!(matches!(again, RolloutError::GoesOn(_)));
    let nobody = Rollout::begin(&bus, "other", digest(), vec![1, 3], SystemClock.now()).await.unwrap_err();
    assert_eq!(nobody.to_string(), "expected a guest in ring 1 whose [fleet] extensions names other, found none");
    let one_is_empty = Rollout::begin(&bus, "watch", digest(), vec![1, 3], SystemClock.now()).await.unwrap_err();
    assert!(matches!(one_is_empty, RolloutError::Nobody { ring: 3, .. }));
    let none = Rollout::set(&bus, "other", RolloutState::RollingBack).await.unwrap_err();
    assert!(matches!(none, RolloutError::None(_)));
    Rollout::set(&bus, "watch", RolloutState::Stopped { why: "a person".into() }).await.unwrap();
    Rollout::begin(&bus, "watch", digest(), vec![1], SystemClock.now()).await.unwrap();
}

#[tokio::test]
async fn what_has_failed_is_nothing_to_go_back_to() {
    let (bus, _) = begun().await;
    let wished = |want: &mut Want| {
        drop(want.extensions.insert("watch".into(), ExtensionWish { digest: Some(digest()), since: None }))
    };
    change(&bus, &Whose::Ring(1), 0, wished).await.unwrap();
    Rollout::set(&bus, "watch", RolloutState::Stopped { why: "it trapped".into() }).await.unwrap();
    let next = Rollout::begin(&bus, "watch", "cd".repeat(32), vec![1], SystemClock.now()).await.unwrap();
    assert_eq!(next.before[&1].digest, None);
}

#[tokio::test]
async fn a_ring_whose_guests_have_not_told_of_themselves_again_is_waited_for() {
    let (bus, mut rollout) = begun().await;
    apply(&bus, &mut rollout).await;
    bus.forget();
    assert_eq!(step(&bus, &rollout).await, Step::Wait(Vec::new()));
}

#[tokio::test]
async fn what_has_ended_is_not_stopped() {
    let (bus, mut rollout) = begun().await;
    rollout.state = RolloutState::Done;
    rollout.write(&bus, Expect::Anything).await.unwrap();
    let stop = RolloutState::Stopped { why: "a person".into() };
    let ended = Rollout::set(&bus, "watch", stop.clone()).await.unwrap_err();
    assert!(matches!(ended, RolloutError::Ended(_)), "{ended}");
    Rollout::set(&bus, "watch", RolloutState::RollingBack).await.unwrap();
    assert!(Rollout::set(&bus, "watch", stop).await.is_err(), "half of it would be taken back");
}
