//! What a bus promises, on both: every test here runs on NATS and in memory.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::clock::SystemClock;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, BusError, Expect, Start, Table};
use agentapi_fleet::nats::objects::Made;
use agentapi_host::error_chain;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::controller::wait_until;
use crate::server::Server;

const SOON: Duration = Duration::from_secs(30);

/// Runs a check on both buses.
async fn on_both<F: Future<Output = ()>>(check: impl Fn(Arc<dyn Bus>) -> F) {
    check(Arc::new(MemoryBus::new(Arc::new(SystemClock)))).await;
    let server = Server::start(&[]).await;
    check(Arc::new(server.coordinator().await)).await;
}

fn is_changed<T: std::fmt::Debug>(outcome: &Result<T, BusError>) -> bool {
    matches!(outcome, Err(BusError::Changed { key }) if key == "g1")
}

#[tokio::test]
async fn a_key_is_set_only_where_it_is_as_expected() {
    on_both(async |bus| {
        assert_eq!(bus.get(Table::Order, "g1").await.unwrap(), None);
        let first = bus.put(Table::Order, "g1", "a".into(), Expect::Nothing).await.unwrap();
        assert!(is_changed(&bus.put(Table::Order, "g1", "b".into(), Expect::Nothing).await), "it is there");
        let second = bus.put(Table::Order, "g1", "c".into(), Expect::Revision(first)).await.unwrap();
        assert!(second > first);
        assert!(is_changed(&bus.put(Table::Order, "g1", "d".into(), Expect::Revision(first)).await), "it has changed");
        assert!(is_changed(&bus.delete(Table::Order, "g1", first).await));
        let entry = bus.get(Table::Order, "g1").await.unwrap().unwrap();
        assert_eq!((entry.value.as_deref(), entry.revision), (Some(&b"c"[..]), second));
        bus.delete(Table::Order, "g1", second).await.unwrap();
        assert_eq!(bus.get(Table::Order, "g1").await.unwrap(), None);
        bus.put(Table::Order, "g1", "e".into(), Expect::Nothing).await.unwrap();
        bus.put(Table::Order, "g1", "f".into(), Expect::Anything).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn whoever_watches_sees_what_there_is_and_what_changes() {
    on_both(async |bus| {
        assert_eq!(bus.watch(Table::Vote).await.unwrap().entries, []);
        for (key, value) in [("all", "1"), ("ring.1", "2"), ("guest.g1", "3"), ("all", "4")] {
            bus.put(Table::Vote, key, value.into(), Expect::Anything).await.unwrap();
        }
        let gone = bus.put(Table::Vote, "guest.g2", "5".into(), Expect::Anything).await.unwrap();
        bus.delete(Table::Vote, "guest.g2", gone).await.unwrap();
        let mut watch = bus.watch(Table::Vote).await.unwrap();
        let mut keys: Vec<_> =
            watch.entries.iter().map(|entry| (&*entry.key, entry.value.as_deref().unwrap())).collect();
        keys.sort_unstable();
        assert_eq!(keys, [("all", &b"4"[..]), ("guest.g1", b"3"), ("ring.1", b"2")]);

        let revision = bus.put(Table::Vote, "all", "6".into(), Expect::Anything).await.unwrap();
        bus.delete(Table::Vote, "all", revision).await.unwrap();
        // Of a key that changes twice, only the newest state need be seen.
        let newest = loop {
            let change = timeout(SOON, watch.changes.next()).await.unwrap().unwrap().unwrap();
            if change.revision > revision {
                break change;
            }
        };
        assert_eq!((&*newest.key, newest.value), ("all", None));
    })
    .await;
}

#[tokio::test]
async fn events_come_in_their_order_once_and_from_where_a_reader_left() {
    on_both(async |bus| {
        let (one, two) = ("g1".parse().unwrap(), "g2".parse().unwrap());
        for (guest, id, payload) in [(&one, "1", "a"), (&two, "2", "b"), (&one, "1", "a"), (&one, "3", "c")] {
            bus.append(guest, id, payload.into()).await.unwrap();
        }
        let mut records = bus.follow(Start::After(0)).await.unwrap();
        let mut found = Vec::new();
        for _ in 0..3 {
            found.push(timeout(SOON, records.next()).await.unwrap().unwrap().unwrap());
        }
        let shown: Vec<_> = found.iter().map(|record| (record.guest.as_str(), &record.payload[..])).collect();
        assert_eq!(shown, [("g1", &b"a"[..]), ("g2", b"b"), ("g1", b"c")]);

        for (records, place) in [(2, 1), (9, 0)] {
            let mut latest = bus.follow(Start::Latest(records)).await.unwrap();
            assert_eq!(timeout(SOON, latest.next()).await.unwrap().unwrap().unwrap(), found[place], "of {records}");
        }
        let mut later = bus.follow(Start::After(found[1].sequence)).await.unwrap();
        assert_eq!(timeout(SOON, later.next()).await.unwrap().unwrap().unwrap(), found[2]);
        let mut new = bus.follow(Start::New).await.unwrap();
        bus.append(&two, "4", "d".into()).await.unwrap();
        for stream in [&mut records, &mut later, &mut new] {
            assert_eq!(&timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap().payload[..], b"d");
        }
    })
    .await;
}

#[tokio::test]
async fn objects_are_made_once_and_checked_after_that() {
    let server = Server::without_objects(&[]);
    let bus = server.coordinator().await;
    let missing = bus.put(Table::Inventory, "g1", "a".into(), Expect::Anything).await.unwrap_err();
    assert!(matches!(missing, BusError::Missing { .. }), "{missing:?}");
    let missing = bus.get(Table::Inventory, "g1").await.unwrap_err();
    assert!(matches!(missing, BusError::Missing { .. }), "{missing:?}");
    let made = bus.make_objects().await.unwrap();
    assert_eq!(made.len(), Table::ALL.len() + 1);
    assert!(made.iter().all(|(_, made)| *made == Made::New), "{made:?}");
    let again = bus.make_objects().await.unwrap();
    assert!(again.iter().all(|(_, made)| *made == Made::AlreadySo), "{again:?}");
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again_with_what_it_had() {
    let mut server = Server::start(&[]).await;
    let bus = server.coordinator().await;
    bus.put(Table::Inventory, "g1", "a".into(), Expect::Anything).await.unwrap();
    server.kill();
    let gone = bus.put(Table::Inventory, "g1", "b".into(), Expect::Anything).await.unwrap_err();
    assert!(matches!(gone, BusError::Unreachable(_)), "{gone:?}");
    wait_until("it is found to be gone", async || {
        let why = bus.get(Table::Inventory, "g1").await.unwrap_err();
        error_chain(&why).contains("not connected")
    })
    .await;
    bus.put(Table::Inventory, "g2", "c".into(), Expect::Anything).await.unwrap_err();
    server.start_again();
    let started = std::time::Instant::now();
    let entry = loop {
        match bus.get(Table::Inventory, "g1").await {
            Ok(entry) => break entry,
            Err(why) => assert!(started.elapsed() < SOON, "{why:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(entry.is_some());
    // The connection sends in order: what it had kept from before would have come first.
    assert_eq!(bus.get(Table::Inventory, "g2").await.unwrap(), None, "nobody waits for it any more");

    server.kill();
    server.delete_store();
    server.start_again();
    let started = std::time::Instant::now();
    loop {
        match bus.get(Table::Inventory, "g1").await {
            Err(BusError::Missing { .. }) => break,
            other => assert!(started.elapsed() < SOON, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bus.make_objects().await.unwrap();
    assert_eq!(bus.get(Table::Inventory, "g1").await.unwrap(), None);
}
