//! A night of backups on a bus in memory, by a clock that a test moves: many guests, several hosts, four slots for each.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands; clippy allows this in test functions only, not in helpers"
)]

mod night;

use std::time::Duration;

use agentapi_fleet::slots::WithoutBus;

use crate::night::{HOSTS, MAX, Night};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn five_hundred_guests_back_up_and_never_more_than_four_of_a_host() {
    let mut night = Night::begin(500, WithoutBus::Run).await;
    night.run_for(3 * HOUR).await;
    let seen = night.seen();
    assert_eq!(seen.done, 500, "nobody is left out");
    assert_eq!(seen.most_at_once, MAX, "as many as may, and never more");
    // Twenty guests of a host, four at a time, ten minutes each, and at most two turns between them.
    let slowest = 20 / 4 * (10 * MINUTE + Duration::from_secs(25));
    assert!(seen.longest_wait <= slowest, "{:?} waited", seen.longest_wait);
    assert!(seen.in_their_order, "who came first was let in first");
}

#[tokio::test]
async fn a_bus_that_forgets_everything_at_midnight_costs_nobody_a_backup() {
    let mut night = Night::begin(200, WithoutBus::Run).await;
    night.run_for(15 * MINUTE).await;
    night.bus.forget();
    night.run_for(3 * HOUR).await;
    let seen = night.seen();
    assert_eq!(seen.done, 200);
    assert_eq!(seen.most_at_once, MAX, "the guests remember how many may, and those that back up say so in time");
}

#[tokio::test]
async fn a_bus_that_is_gone_costs_nobody_a_backup() {
    for (choice, at_once) in [(WithoutBus::Run, true), (WithoutBus::Wait, false)] {
        let mut night = Night::begin(200, choice).await;
        night.run_for(5 * MINUTE).await;
        night.bus.set_down(true);
        night.run_for(30 * MINUTE).await;
        let seen = night.seen();
        println!("{choice:?}: {} of 200 done, at most {} at once", seen.done, seen.most_at_once);
        assert_eq!(seen.done == 200, at_once, "{choice:?}: {} are done", seen.done);
        night.bus.set_down(false);
        night.run_for(8 * HOUR).await;
        assert_eq!(night.seen().done, 200, "{choice:?}");
    }
}

#[tokio::test]
async fn a_guest_that_dies_gives_its_slot_back_within_two_minutes() {
    let mut night = Night::begin(HOSTS * 5, WithoutBus::Wait).await;
    night.run_for(MINUTE).await;
    let running = night.running();
    assert_eq!(running.len(), HOSTS * 4);
    for guest in &running[..10] {
        night.kill(guest);
    }
    night.run_for(2 * MINUTE).await;
    assert_eq!(night.running().len(), HOSTS * 4 - 10 + night.waited_for(&running[..10]), "others have their slots");
    night.run_for(HOUR).await;
    assert_eq!(night.seen().done, HOSTS * 5 - 10);
}
