use std::sync::Arc;

use agentapi_controller::clock::{Clock, SystemClock};
use bytes::Bytes;
use serde_json::json;

use super::{Rollout, RolloutError, RolloutState, Step};
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, Expect, Table};
use crate::overview::Overview;
use crate::want::Want;

fn digest() -> String {
    "ab".repeat(32)
}

/// A guest of a ring, with what became of the wish for the extension.
async fn tell(bus: &MemoryBus, guest: &str, ring: u8, state: Option<&str>) {
    let tried = state.map(|state| json!({ "name": "watch", "digest": digest(), "state": state, "why": "it trapped" }));
    let inventory = json!({
        "version": "0", "host": "pve1", "ring": ring, "may_change": ["watch"], "extensions": Vec::from_iter(tried),
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

async fn step(bus: &MemoryBus, rollout: &Rollout) -> Step {
    rollout.step(&Overview::read(bus).await.unwrap())
}

#[tokio::test]
async fn the_next_ring_comes_when_all_of_this_one_have_run_it() {
    let (bus, mut rollout) = begun().await;
    assert_eq!(step(&bus, &rollout).await, Step::Wait(vec!["canary".parse().unwrap()]));
    rollout.apply(&bus, &Overview::default()).await.unwrap();
    assert_eq!((wished(&bus, 1).await, wished(&bus, 2).await), (Some(Some(digest())), None));
    tell(&bus, "canary", 1, Some("trying")).await;
    assert!(matches!(step(&bus, &rollout).await, Step::Wait(_)));
    tell(&bus, "canary", 1, Some("good")).await;
    assert_eq!(step(&bus, &rollout).await, Step::Next);
    rollout.reached = 2;
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
    rollout.apply(&bus, &Overview::default()).await.unwrap();
    rollout.state = RolloutState::RollingBack;
    rollout.apply(&bus, &Overview::default()).await.unwrap();
    assert_eq!((wished(&bus, 1).await, wished(&bus, 2).await), (Some(None), Some(None)), "the guests' own files");
}

#[tokio::test]
async fn there_is_one_of_an_extension_and_somebody_has_to_let_it() {
    let (bus, _) = begun().await;
    let again = Rollout::begin(&bus, "watch", digest(), vec![1], SystemClock.now()).await.unwrap_err();
    assert!(matches!(again, RolloutError::GoesOn(_)));
    let nobody = Rollout::begin(&bus, "other", digest(), vec![1, 3], SystemClock.now()).await.unwrap_err();
    assert_eq!(nobody.to_string(), "expected a guest in ring 1, 3 whose [fleet] extensions names other, found none");
    let none = Rollout::set(&bus, "other", RolloutState::RollingBack).await.unwrap_err();
    assert!(matches!(none, RolloutError::None(_)));
    Rollout::set(&bus, "watch", RolloutState::Stopped { why: "a person".into() }).await.unwrap();
    Rollout::begin(&bus, "watch", digest(), vec![1], SystemClock.now()).await.unwrap();
}
