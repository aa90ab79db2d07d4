mod shown;
mod waited;

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::clock::VirtualClock;

use super::Coordinator;
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, Table};

fn clock() -> VirtualClock {
    VirtualClock::new("2026-11-27T10:00:00Z".parse().unwrap())
}

fn coordinator(bus: &MemoryBus, clock: &VirtualClock, name: &str) -> Coordinator {
    Coordinator::new(Arc::new(bus.clone()), Arc::new(clock.clone()), name)
}

#[tokio::test]
async fn one_of_several_plans_and_another_follows_it() {
    let clock = clock();
    let bus = MemoryBus::new(Arc::new(clock.clone()));
    let (mut a, mut b) = (coordinator(&bus, &clock, "a"), coordinator(&bus, &clock, "b"));
    assert!(a.look().await.unwrap());
    assert!(!b.look().await.unwrap());
    // As long as the first one looks, the other does not plan.
    for _ in 0..20 {
        clock.advance(Duration::from_secs(5));
        assert!(a.look().await.unwrap() && !b.look().await.unwrap());
    }
    // It is paused for a minute.
    clock.advance(Duration::from_secs(31));
    assert!(b.look().await.unwrap());
    clock.advance(Duration::from_secs(29));
    assert!(!a.may_plan(), "it knows by its own clock");
    assert!(!a.look().await.unwrap(), "and finds that another one has the lease");
    a.end().await;
    assert!(bus.get(Table::Lease, super::KEY).await.unwrap().is_some(), "it takes nothing from the other");
    b.end().await;
    let mut c = coordinator(&bus, &clock, "c");
    assert!(c.look().await.unwrap(), "what was given back is taken at once");
}

#[tokio::test]
async fn a_bus_that_does_not_answer_ends_the_planning_before_another_can_begin() {
    let clock = clock();
    let bus = MemoryBus::new(Arc::new(clock.clone()));
    let mut a = coordinator(&bus, &clock, "a");
    assert!(a.look().await.unwrap());
    bus.set_down(true);
    clock.advance(Duration::from_secs(19));
    assert!(a.look().await.is_err() && a.may_plan());
    clock.advance(Duration::from_secs(1));
    assert!(!a.may_plan(), "ten seconds before the bus forgets the lease");
    bus.set_down(false);
    assert!(a.look().await.unwrap() && a.may_plan());
}
