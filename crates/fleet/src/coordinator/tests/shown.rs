//! What people see of a fleet, from what is on the bus.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::approval::wipe_digest;
use agentapi_controller::board::{Board, Life, RolloutState};
use agentapi_controller::clock::{Clock, VirtualClock};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::{Coordinator, Showing};
use super::clock;
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, Expect, Table};

/// A coordinator whose board people look at.
struct Fixture {
    clock: VirtualClock,
    bus: MemoryBus,
    board: watch::Receiver<Option<Arc<Board>>>,
    showing: Showing,
    coordinator: Coordinator,
}

impl Fixture {
    fn new() -> Self {
        let clock = clock();
        let bus = MemoryBus::new(Arc::new(clock.clone()));
        let sender = Arc::new(watch::Sender::new(None));
        let showing = Showing::new(Arc::clone(&sender), Arc::new(clock.clone()));
        let coordinator = Coordinator::new(Arc::new(bus.clone()), Arc::new(clock.clone()), "a");
        let coordinator = coordinator.showing(showing.clone());
        Self { clock, bus, board: sender.subscribe(), showing, coordinator }
    }

    fn board(&self) -> Arc<Board> {
        self.board.borrow().clone().unwrap()
    }

    async fn put(&self, table: Table, key: &str, value: Value) {
        self.bus.put(table, key, value.to_string().into(), Expect::Anything).await.unwrap();
    }

    /// A guest with a backup that was due at this hour, and `more` of an inventory.
    async fn guest(&self, name: &str, due: &str, more: Value) {
        let sent = self.clock.now();
        self.put(Table::Heartbeat, name, json!({ "started": sent, "sent": sent, "inventory": "" })).await;
        let backup = json!({
            "name": "backup", "digest": "", "activity": "idle", "is_paused": false, "next_due": due,
            "last_start": null, "last_success": "2026-11-27T03:00:00Z",
        });
        let mut inventory = json!({
            "version": "0.1.0", "host": "pve1", "ring": 1, "slots": "pve1", "subjects": [backup], "findings": [],
            "approvals": [], "samples": [],
        });
        for (key, value) in more.as_object().unwrap() {
            inventory[key] = value.clone();
        }
        self.put(Table::Inventory, name, inventory).await;
    }

    async fn tell(&self, guest: &str, number: i64) {
        let event = json!({
            "state": "s", "number": number, "at": self.clock.now(), "kind": "run-ended", "severity": "info",
            "subject": "backup", "text": number.to_string(),
        });
        let id = format!("{guest}-{number}-{}", self.clock.now());
        self.bus.append(&guest.parse().unwrap(), &id, event.to_string().into()).await.unwrap();
    }

    /// Looks until these are the texts of the events that are shown. Time passes meanwhile.
    async fn until_events(&mut self, expected: &[String]) {
        let mut found = Vec::new();
        for _ in 0..1000 {
            let _ = self.coordinator.look().await;
            found = self.board().events.iter().map(|event| event.text.clone()).collect();
            if found == expected {
                return;
            }
            self.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        panic!("expected {expected:?}, found {found:?}");
    }
}

fn names(board: &Board) -> Vec<&str> {
    board.guests.iter().map(|guest| guest.row.guest.as_str()).collect()
}

fn request() -> Value {
    let mut request = json!({
        "contents": "ext4", "device": "/dev/sdb1", "durable_id": "uuid:0f3c", "extension_sha256": "user 0",
        "fstype": "ext4", "nonce": "00", "role": "user-data", "run": 1, "size_bytes": 1024, "subject": "wipe",
    });
    let digest = wipe_digest(&request);
    (request["digest"], request["id"]) = (digest.into(), 7.into());
    request["expires_at"] = "2026-11-27T10:15:00Z".into();
    request
}

#[tokio::test]
async fn what_is_on_the_bus_is_on_the_board_whether_it_plans_or_not() {
    let mut fixture = Fixture::new();
    assert_eq!(*fixture.board(), Board::default(), "before the first look");
    let other = Coordinator::new(Arc::new(fixture.bus.clone()), Arc::new(fixture.clock.clone()), "other");
    let mut other = other;
    assert!(other.look().await.unwrap());
    let mut altered = request();
    altered["device"] = "/dev/sda".into();
    fixture.guest("well", "2026-11-27T12:00:00Z", json!({ "approvals": [altered, request()] })).await;
    fixture.guest("late", "2026-11-27T09:00:00Z", json!({ "may_change": ["disk-watch"] })).await;
    let place = |guest: &str, priority: u8| json!({ "guest": guest, "since": fixture.clock.now(), "priority": priority, "beat": 1 });
    let waiting = [place("late", 100), place("person", 200)];
    fixture.put(Table::Slot, "pve1", json!({ "max": 1, "holders": [place("well", 100)], "waiting": waiting })).await;
    let rollout = json!({
        "extension": "disk-watch", "digest": "ab", "rings": [1, 9], "reached": 1, "before": {}, "state": { "state": "running" },
        "began": fixture.clock.now(),
    });
    fixture.put(Table::Rollout, "disk-watch", rollout).await;

    assert!(!fixture.coordinator.look().await.unwrap(), "the other one plans");
    let board = fixture.board();
    assert_eq!((board.read_at, &board.lost), (Some(fixture.clock.now()), &None));
    assert_eq!(names(&board), ["late", "well"], "whose backup is overdue first");
    assert!(board.guests[0].row.is_overdue && !board.guests[1].row.is_overdue);
    assert_eq!(board.guests[1].row.approvals, 2);
    let group = &board.groups[0];
    let queue: Vec<_> = group.waiting.iter().map(|place| place.guest.as_str()).collect();
    assert_eq!((group.max, group.holders[0].guest.as_str(), queue), (Some(1), "well", vec!["person", "late"]));
    assert_eq!(board.rollouts[0].state, RolloutState::Running(vec!["late".into()]));
    let [ref wrong, ref right] = board.approvals[..] else { panic!("{:?}", board.approvals) };
    assert!(wrong.request.as_ref().unwrap_err().contains("expected the digest"), "{wrong:?}");
    let right = right.request.as_ref().unwrap();
    assert_eq!((right.id, right.device.as_str(), right.asked_by.as_str()), (7, "/dev/sdb1", "user 0"));
}

#[tokio::test]
async fn while_the_bus_is_gone_the_board_is_as_it_was_and_says_since_when() {
    let mut fixture = Fixture::new();
    fixture.guest("web1", "2026-11-27T12:00:00Z", json!({})).await;
    fixture.coordinator.look().await.unwrap();
    let (known, read_at) = (fixture.board(), fixture.clock.now());
    fixture.bus.set_down(true);
    fixture.clock.advance(Duration::from_secs(60));
    let since = fixture.clock.now();
    for _ in 0..3 {
        assert!(fixture.coordinator.look().await.is_err());
        fixture.clock.advance(Duration::from_secs(600));
    }
    let board = fixture.board();
    let lost = board.lost.as_ref().unwrap();
    assert_eq!((lost.since, board.read_at), (since, Some(read_at)));
    assert!(lost.why.contains("the bus does not answer"), "{}", lost.why);
    assert_eq!(board.guests, known.guests, "who was alive then is not said to be gone now");
    fixture.bus.set_down(false);
    fixture.coordinator.look().await.unwrap();
    let board = fixture.board();
    assert!(board.lost.is_none() && board.guests[0].row.life == Life::Gone, "{board:?}");
}

#[tokio::test]
async fn who_has_a_page_open_is_told_of_what_is_to_see_and_not_of_each_heartbeat() {
    let mut fixture = Fixture::new();
    fixture.guest("web1", "2026-11-27T12:00:00Z", json!({})).await;
    fixture.coordinator.look().await.unwrap();
    let mut board = fixture.board.clone();
    board.mark_unchanged();
    fixture.clock.advance(Duration::from_secs(20));
    fixture.guest("web1", "2026-11-27T12:00:00Z", json!({})).await;
    fixture.coordinator.look().await.unwrap();
    assert!(!board.has_changed().unwrap());
    assert_eq!(fixture.board().guests[0].row.heard, Some(fixture.clock.now()), "it is shown to whoever asks");
    fixture.clock.advance(Duration::from_secs(90));
    fixture.coordinator.look().await.unwrap();
    assert!(board.has_changed().unwrap(), "it is late");
}

#[tokio::test]
async fn the_latest_events_are_shown_each_once_the_newest_first() {
    let mut fixture = Fixture::new();
    for number in 1..=250 {
        fixture.tell("web1", number).await;
    }
    let (showing, bus) = (fixture.showing.clone(), fixture.bus.clone());
    let following = tokio::spawn(async move { showing.follow(&bus).await });
    let newest_first = |from: i64| (from - 199..=from).rev().map(|number| number.to_string()).collect::<Vec<_>>();
    fixture.until_events(&newest_first(250)).await;
    // The bus is gone, has lost its store, and is told the last ones anew.
    fixture.bus.set_down(true);
    tokio::task::yield_now().await;
    fixture.bus.forget();
    fixture.bus.set_down(false);
    for number in [249, 250, 251] {
        fixture.tell("web1", number).await;
    }
    fixture.until_events(&newest_first(251)).await;
    following.abort();
}
