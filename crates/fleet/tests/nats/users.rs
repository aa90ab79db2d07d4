//! Who may do what on the server: the account that `fleet init` prints is held against it.

use agentapi_contract::Pins;
use agentapi_fleet::bus::{Bus, BusError, Expect, Start, Table};
use agentapi_fleet::nats::NatsBus;

use crate::server::Server;

fn is_denied<T: std::fmt::Debug>(outcome: &Result<T, BusError>) -> bool {
    matches!(outcome, Err(BusError::Denied { .. }))
}

#[tokio::test]
async fn a_guest_writes_what_is_its_own_and_reads_what_is_meant_for_it() {
    let server = Server::start(&["g1", "g2"]).await;
    let (coordinator, guest) = (server.coordinator().await, server.guest("g1").await);
    for table in [Table::Order, Table::Vote] {
        assert_eq!(guest.get(table, "g1").await.unwrap(), None);
        coordinator.put(table, "g1", "x".into(), Expect::Anything).await.unwrap();
        assert!(guest.get(table, "g1").await.unwrap().is_some(), "{}", table.name());
    }
    for (table, key) in [(Table::Heartbeat, "g1"), (Table::Inventory, "g1"), (Table::Slot, "pve1")] {
        guest.put(table, key, "x".into(), Expect::Anything).await.unwrap();
    }
    for (table, key) in
        [(Table::Want, "g1"), (Table::Want, "ring.3"), (Table::Slot, "pve1"), (Table::Extension, "ab.0")]
    {
        coordinator.put(table, key, "x".into(), Expect::Anything).await.unwrap();
        assert!(guest.get(table, key).await.unwrap().is_some(), "{} {key}", table.name());
    }
    guest.append(&"g1".parse().unwrap(), "1", "x".into()).await.unwrap();
}

#[tokio::test]
async fn a_guest_neither_reads_nor_writes_what_is_anothers() {
    let server = Server::start(&["g1", "g2"]).await;
    let coordinator = server.coordinator().await;
    for (table, key) in [(Table::Order, "g2"), (Table::Vote, "g2"), (Table::Inventory, "g2")] {
        coordinator.put(table, key, "x".into(), Expect::Anything).await.unwrap();
    }
    let guest = server.guest("g1").await;
    let mut writes = Vec::new();
    let others = [(Table::Heartbeat, "g2"), (Table::Inventory, "g2"), (Table::Order, "g1"), (Table::Vote, "g1")];
    // What is wished of it, and what the coordinator plans, is not its to write either.
    let plans = [(Table::Want, "g1"), (Table::Want, "ring.1"), (Table::Extension, "ab"), (Table::Lease, "coordinator")];
    for (table, key) in others.into_iter().chain(plans).chain([(Table::Slot, "pve2"), (Table::Rollout, "watch")]) {
        let guest = guest.clone();
        writes.push(tokio::spawn(async move {
            let outcome = guest.put(table, key, "mine".into(), Expect::Anything).await;
            assert!(is_denied(&outcome), "{} {key}: {outcome:?}", table.name());
        }));
    }
    let others = [(Table::Order, "g2"), (Table::Vote, "g2"), (Table::Inventory, "g2"), (Table::Heartbeat, "g2")];
    for (table, key) in
        others.into_iter().chain([(Table::Want, "g2"), (Table::Slot, "pve2"), (Table::Rollout, "watch")])
    {
        let guest = guest.clone();
        writes.push(tokio::spawn(async move {
            let outcome = guest.get(table, key).await;
            assert!(is_denied(&outcome), "{} {key}: {outcome:?}", table.name());
        }));
    }
    for write in writes {
        write.await.unwrap();
    }
    let forged = guest.append(&"g2".parse().unwrap(), "1", "x".into()).await;
    assert!(is_denied(&forged), "{forged:?}");
    assert!(guest.watch(Table::Inventory).await.is_err());
    assert!(guest.follow(Start::After(0)).await.is_err());
    assert!(guest.make_objects().await.is_err());
    let kept = coordinator.get(Table::Order, "g2").await.unwrap().unwrap();
    assert_eq!(kept.value.as_deref(), Some(&b"x"[..]));
}

#[tokio::test]
async fn a_server_with_another_certificate_and_a_key_that_it_does_not_know_are_refused() {
    let server = Server::start(&["g1"]).await;
    let other = Server::without_objects(&["g1"]);
    let mut access = server.access_of("g1");
    access.pins = Pins::from(agentapi_contract::Fingerprint::from_bytes([7; 32]));
    let refused = NatsBus::connect(&access).await.unwrap_err();
    assert!(matches!(refused, BusError::Unreachable(_)), "{refused:?}");

    let mut access = server.access_of("g1");
    access.seed = other.access_of("g1").seed;
    let refused = NatsBus::connect(&access).await.unwrap_err();
    assert!(matches!(refused, BusError::Denied { .. }), "{refused:?}");
    assert!(!format!("{access:?}").contains(&access.seed));
}
