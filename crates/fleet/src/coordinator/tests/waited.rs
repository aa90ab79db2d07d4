//! What whoever waits for a roll-out is told, and how it ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_controller::clock::{Clock, VirtualClock};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{clock, coordinator};
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, Expect, Table};
use crate::coordinator::{WaitError, WaitNotice};
use crate::rollout::{Rollout, RolloutState};

struct Waiting {
    clock: VirtualClock,
    bus: MemoryBus,
    told: Arc<Mutex<Vec<&'static str>>>,
    task: JoinHandle<Result<Rollout, WaitError>>,
}

impl Waiting {
    /// A roll-out to one guest, which has not said anything of it, and somebody who waits for its end.
    async fn begin(is_led_by_another: bool) -> Self {
        let clock = clock();
        let bus = MemoryBus::new(Arc::new(clock.clone()));
        let inventory = json!({
            "version": "0", "host": "pve1", "ring": 1, "may_change": ["watch"],
            "subjects": [], "findings": [], "approvals": [], "samples": [],
        });
        bus.put(Table::Inventory, "web1", inventory.to_string().into(), Expect::Anything).await.unwrap();
        if is_led_by_another {
            coordinator(&bus, &clock, "another").look().await.unwrap();
        }
        let rollout = Rollout::begin(&bus, "watch", "ab".repeat(32), vec![1], clock.now()).await.unwrap();
        let mut here = coordinator(&bus, &clock, "here");
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let told = Arc::clone(&told);
            move |notice| told.lock().unwrap().push(name(&notice))
        };
        let task = tokio::spawn(async move { here.wait_for(rollout, tell).await });
        Self { clock, bus, told, task }
    }

    async fn pass(&self, seconds: u64) {
        self.clock.run_for(Duration::from_secs(seconds)).await;
    }

    fn told(&self) -> Vec<&'static str> {
        self.told.lock().unwrap().clone()
    }

    async fn end(self) -> Result<Rollout, WaitError> {
        self.pass(10).await;
        assert!(self.task.is_finished(), "it waits still");
        self.task.await.unwrap()
    }
}

fn name(notice: &WaitNotice) -> &'static str {
    match notice {
        WaitNotice::OtherPlans => "another plans",
        WaitNotice::Plans => "plans",
        WaitNotice::BusFails(_) => "the bus fails",
        WaitNotice::BusAnswers => "the bus answers",
    }
}

fn stopped() -> RolloutState {
    RolloutState::Stopped { why: "a person".into() }
}

#[tokio::test]
async fn a_bus_that_is_gone_for_some_minutes_does_not_end_the_waiting() {
    let waiting = Waiting::begin(false).await;
    waiting.pass(10).await;
    waiting.bus.set_down(true);
    waiting.pass(280).await;
    assert_eq!(waiting.told(), ["the bus fails"], "once, and not at each attempt");
    waiting.bus.set_down(false);
    waiting.pass(10).await;
    assert_eq!(waiting.told()[..2], ["the bus fails", "the bus answers"]);
    Rollout::set(&waiting.bus, "watch", stopped()).await.unwrap();
    assert_eq!(waiting.end().await.unwrap().state, stopped());
}

#[tokio::test]
async fn a_bus_that_stays_gone_ends_the_waiting_after_five_minutes() {
    let waiting = Waiting::begin(false).await;
    waiting.bus.set_down(true);
    waiting.pass(295).await;
    assert!(!waiting.task.is_finished());
    let why = waiting.end().await.unwrap_err();
    assert_eq!(why.to_string(), "expected an answer of the bus within 300 s, found none");
}

#[tokio::test]
async fn the_rollout_is_waited_for_while_another_plans_and_planned_when_that_one_has_ended() {
    let waiting = Waiting::begin(true).await;
    waiting.pass(10).await;
    assert_eq!(waiting.told(), ["another plans"]);
    assert!(waiting.bus.get(Table::Want, "ring.1").await.unwrap().is_none());
    // The lease of one that looks no more is kept for half a minute.
    waiting.pass(30).await;
    assert_eq!(waiting.told(), ["another plans", "plans"]);
    assert!(waiting.bus.get(Table::Want, "ring.1").await.unwrap().is_some(), "it is wished");
}

#[tokio::test]
async fn a_lease_that_is_lost_while_it_waits_is_told_and_the_other_is_waited_for() {
    let waiting = Waiting::begin(false).await;
    waiting.pass(10).await;
    waiting.bus.put(Table::Lease, super::super::KEY, "another".into(), Expect::Anything).await.unwrap();
    waiting.pass(10).await;
    assert_eq!(waiting.told(), ["another plans"]);
    Rollout::set(&waiting.bus, "watch", RolloutState::RollingBack).await.unwrap();
    waiting.pass(60).await;
    assert_eq!(waiting.end().await.unwrap().state, RolloutState::RolledBack);
}

#[tokio::test]
async fn what_the_bus_has_forgotten_or_has_another_of_is_not_waited_for() {
    let waiting = Waiting::begin(false).await;
    waiting.pass(10).await;
    waiting.bus.forget();
    assert!(matches!(waiting.end().await, Err(WaitError::Forgotten(_))));

    let waiting = Waiting::begin(false).await;
    waiting.pass(1).await;
    Rollout::set(&waiting.bus, "watch", stopped()).await.unwrap();
    Rollout::begin(&waiting.bus, "watch", "cd".repeat(32), vec![1], waiting.clock.now()).await.unwrap();
    assert!(matches!(waiting.end().await, Err(WaitError::Replaced(_))));
}
