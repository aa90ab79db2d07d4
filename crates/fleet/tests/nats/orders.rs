//! Orders, signed by the real `ssh-keygen`, for a real controller.

mod malice;
mod restart;

use std::sync::Arc;

use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::guest::orders::Orders;
use agentapi_fleet::guest::{Member, Source};
use agentapi_fleet::order::{Op, Order};
use agentapi_fleet::signed::{MAX_LISTED, PutError, Signed, listed, put};
use jiff::{SignedDuration, Timestamp};

use crate::controller::{Machine, Running, wait_until};
use crate::server::Server;
use crate::signer::Signer;

const GUEST: &str = "g1";

fn order_of(issued_by: &str) -> Order {
    let hour = SignedDuration::from_hours(1);
    Order::new(GUEST.parse().unwrap(), Op::Backup, issued_by, SystemClock.now(), hour)
}

/// A bus, a machine, a file with Alice in it, and her key.
struct Fixture {
    bus: MemoryBus,
    machine: Machine,
    alice: Signer,
}

impl Fixture {
    async fn new() -> Self {
        let fixture =
            Self { bus: MemoryBus::new(Arc::new(SystemClock)), machine: Machine::new().await, alice: Signer::new() };
        fixture.machine.write("signers", &fixture.alice.line("alice@example.org", ""));
        fixture
    }

    fn orders(&self, running: &Running) -> Orders {
        Orders::new(Source {
            companion: running.companion.clone(),
            bus: Arc::new(self.bus.clone()),
            name: GUEST.parse().unwrap(),
            allowed_signers: Some(self.machine.file("signers")),
        })
    }

    async fn put(&self, signed: &Signed) {
        put::<Order>(&self.bus, &GUEST.parse().unwrap(), signed, SystemClock.now()).await.unwrap();
    }

    /// Puts these there and nothing else, as who has the bus can.
    async fn replace(&self, list: &[Signed]) {
        let value = serde_json::to_vec(list).unwrap();
        self.bus.put(Table::Order, GUEST, value.into(), Expect::Anything).await.unwrap();
    }

    fn started(&self) -> u64 {
        self.machine.agent.change(|state| state.backup.started())
    }
}

#[tokio::test]
async fn an_order_is_obeyed_once_and_says_who_has_given_it() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    orders.look().await.unwrap();
    assert!(running.runs().await.is_empty());

    let order = order_of("alice@example.org");
    fixture.put(&fixture.alice.sign(&order)).await;
    for _ in 0..3 {
        orders.look().await.unwrap();
        running.be_idle().await;
    }
    let runs = running.runs().await;
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0].reason, format!("asked for by alice@example.org (order {})", order.id));
    assert_eq!((runs[0].subject.as_str(), runs[0].state.name(), fixture.started()), ("backup", "done", 1));
    let accepted = running.texts(EventKind::OrderAccepted).await;
    assert_eq!(accepted, [format!("order {} of alice@example.org is accepted: a backup now", order.id)]);
    assert!(running.texts(EventKind::OrderRefused).await.is_empty());

    // Another one is another backup.
    fixture.put(&fixture.alice.sign(&order_of("alice@example.org"))).await;
    orders.look().await.unwrap();
    running.be_idle().await;
    assert_eq!((running.runs().await.len(), fixture.started()), (2, 2));
    running.end().await;
}

#[tokio::test]
async fn keys_of_each_kind_that_needs_no_hardware_sign() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let bob = Signer::with_key("ecdsa");
    let signers =
        format!("# Those on call.\n\n{}", bob.line("bob,carol", "namespaces=\"agentapi-*\",valid-after=\"20200101Z\""));
    fixture.machine.write("signers", &signers);
    fixture.put(&bob.sign(&order_of("carol"))).await;
    fixture.orders(&running).look().await.unwrap();
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    assert!(running.texts(EventKind::OrderRefused).await.is_empty());
    running.end().await;
}

#[tokio::test]
async fn an_order_that_is_early_is_obeyed_when_its_time_has_come() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    let not_before = SystemClock.now() + SignedDuration::from_secs(2);
    fixture.put(&fixture.alice.sign(&Order { not_before, ..order_of("alice@example.org") })).await;
    wait_until("it is obeyed", async || {
        let now: Timestamp = SystemClock.now();
        orders.look().await.unwrap();
        let accepted = running.texts(EventKind::OrderAccepted).await.len();
        assert!(accepted == 0 || SystemClock.now() >= not_before, "{now}");
        accepted == 1
    })
    .await;
    running.end().await;
}

#[tokio::test]
async fn signers_share_a_list_that_stays_short() {
    let fixture = Fixture::new().await;
    let guest = GUEST.parse().unwrap();
    let signed: Vec<_> = (0..MAX_LISTED).map(|_| fixture.alice.sign(&order_of("alice@example.org"))).collect();
    let putting = signed.iter().map(|signed| fixture.put(signed));
    futures_util::future::join_all(putting).await;
    let entry = fixture.bus.get(Table::Order, GUEST).await.unwrap().unwrap();
    let list = listed(&entry).unwrap();
    assert!(list.len() == MAX_LISTED && signed.iter().all(|signed| list.contains(signed)));
    let one_more = fixture.alice.sign(&order_of("alice@example.org"));
    let full = put::<Order>(&fixture.bus, &guest, &one_more, SystemClock.now()).await.unwrap_err();
    assert_eq!(full.to_string(), "expected fewer than 8 for g1 that have not expired, found as many");
    assert!(matches!(full, PutError::Full { .. }));

    // When they have expired, there is room again.
    let later = SystemClock.now() + SignedDuration::from_hours(2);
    put::<Order>(&fixture.bus, &guest, &one_more, later).await.unwrap();
    let entry = fixture.bus.get(Table::Order, GUEST).await.unwrap().unwrap();
    assert_eq!(listed(&entry).unwrap(), [one_more]);
}

#[tokio::test]
async fn an_order_comes_by_a_real_server_and_its_acceptance_goes_back() {
    let server = Server::start(&[GUEST]).await;
    let (machine, alice) = (Machine::new().await, Signer::new());
    let signers = machine.write("signers", &alice.line("alice@example.org", ""));
    let running = machine.start().await;
    let coordinator = server.coordinator().await;
    let order = order_of("alice@example.org");
    put::<Order>(&coordinator, &GUEST.parse().unwrap(), &alice.sign(&order), SystemClock.now()).await.unwrap();

    let member =
        Member { allowed_signers: Some(signers), ..Member::new(GUEST.parse().unwrap(), "pve1".parse().unwrap()) };
    let guest = running.join(member, server.dial_of(GUEST));
    let reason = format!("asked for by alice@example.org (order {})", order.id);
    wait_until("it is obeyed", async || running.runs().await.iter().any(|run| run.reason == reason)).await;
    running.be_idle().await;
    assert_eq!(machine.agent.change(|state| state.backup.started()), 1);

    let mut records = coordinator.follow(agentapi_fleet::bus::Start::After(0)).await.unwrap();
    loop {
        let record = futures_util::StreamExt::next(&mut records).await.unwrap().unwrap();
        let told: agentapi_fleet::guest::ToldEvent = serde_json::from_slice(&record.payload).unwrap();
        if told.kind == "order-accepted" {
            assert!(told.text.contains(&order.id), "{told:?}");
            break;
        }
    }
    guest.abort();
    running.end().await;
}
