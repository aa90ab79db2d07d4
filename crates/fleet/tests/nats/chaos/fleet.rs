//! The server, the guests and the coordinators, and what goes wrong with them.

mod check;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_controller::action::Action;
use agentapi_controller::actor::Actor;
use agentapi_controller::approval::WipeOrder;
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_fleet::bus::{Bus, Expect, Start, Table};
use agentapi_fleet::coordinator::Coordinator;
use agentapi_fleet::guest::Member;
use agentapi_fleet::heartbeat::Life;
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::order::{Op, Order};
use agentapi_fleet::overview::Overview;
use agentapi_fleet::rollout::Rollout;
use agentapi_fleet::signed::{Signed, put};
use agentapi_fleet::slots::set_max;
use fastrand::Rng;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::chaos::pausing::Pausing;
use crate::chaos::truth::{Failure, Wrong};
use crate::controller::{Machine, Running, wait_until};
use crate::server::Server;
use crate::signer::Signer;

const GUESTS: [&str; 5] = ["g0", "g1", "g2", "g3", "g4"];
const ALICE: &str = "alice@example.org";
/// Of the host of all of them.
const MAX: usize = 2;
/// After the bus is back, guests find it, and those that back up say so.
const FINDS_BACK: SignedDuration = SignedDuration::from_secs(45);

pub(crate) struct Fleet {
    random: Rng,
    server: Server,
    bus: NatsBus,
    guests: Vec<One>,
    alice: Signer,
    mallory: Signer,
    coordinators: Vec<(Arc<Pausing>, JoinHandle<()>)>,
    /// Lists of orders as they lay on the bus at some time.
    lists: Vec<Vec<Signed>>,
    signed: Vec<(usize, Signed)>,
    failures: Vec<Failure>,
    kills: usize,
    deleted: usize,
    /// How often a roll-out was looked at.
    rollouts_seen: usize,
}

struct One {
    machine: Machine,
    ahead: SignedDuration,
    running: Running,
    task: JoinHandle<()>,
}

impl Fleet {
    pub(crate) async fn begin(mut random: Rng) -> Self {
        let server = Server::start(&GUESTS).await;
        let bus = server.coordinator().await;
        set_max(&bus, &"pve1".parse().unwrap(), Some(MAX as u32)).await.unwrap();
        let (alice, mallory) = (Signer::new(), Signer::new());
        let mut guests = Vec::new();
        for (number, name) in GUESTS.iter().enumerate() {
            let ahead = SignedDuration::from_secs(if random.bool() { random.i64(-180..=20) } else { 0 });
            let machine = Machine::named(name).await.with_clock(Wrong { ahead });
            machine.agent.change(|state| state.backup.set_duration(Duration::from_secs(random.u64(3..=12))));
            let running = machine.start_with_freezes().await;
            let member = Member {
                ring: if number == 0 { 1 } else { 9 },
                // No configuration has it: what is wished of it is refused.
                extensions: vec!["watch".into()],
                allowed_signers: Some(machine.write("signers", &alice.line(ALICE, ""))),
                ..Member::new(name.parse().unwrap(), "pve1".parse().unwrap())
            };
            let task = running.join(member, server.dial_of(name));
            guests.push(One { machine, ahead, running, task });
        }
        let mut coordinators = Vec::new();
        for name in ["one", "other"] {
            let way = Pausing::new(Arc::new(server.coordinator().await));
            let coordinator = Coordinator::new(Arc::clone(&way) as Arc<dyn Bus>, Arc::new(SystemClock), name);
            coordinators.push((way, tokio::spawn(coordinator.work())));
        }
        let (lists, signed, failures) = (Vec::new(), Vec::new(), Vec::new());
        let fleet = Self {
            random,
            server,
            bus,
            guests,
            alice,
            mallory,
            coordinators,
            lists,
            signed,
            failures,
            kills: 0,
            deleted: 0,
            rollouts_seen: 0,
        };
        wait_until("all have told of themselves", async || fleet.wrong_in_overview().await.is_none()).await;
        Rollout::begin(&fleet.bus, "watch", "ab".repeat(32), vec![1, 9], SystemClock.now()).await.unwrap();
        fleet.ask_for_wipes().await;
        fleet
    }

    /// Two disks wait for a person, and nobody whose word counts signs anything about them.
    async fn ask_for_wipes(&self) {
        for guest in &self.guests[..2] {
            let (waits, asked) = oneshot::channel();
            let order = WipeOrder {
                device: "/dev/sdc1".into(),
                durable_id: "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10".into(),
                fstype: "ext4".into(),
                waits,
            };
            guest.running.companion.actions.ask(Action::Wipe(order), Actor::Controller).await.unwrap();
            asked.await.unwrap();
        }
    }

    pub(crate) async fn go_wrong_for(&mut self, time: Duration) {
        let started = Instant::now();
        let mut deletes_at = time / 2;
        while started.elapsed() < time {
            match self.random.u8(0..100) {
                0..40 => self.order().await,
                40..65 => self.replay().await,
                65..75 => self.lie().await,
                75..80 => self.repeat_an_event().await,
                80..90 => self.pause_a_coordinator(),
                90..93 => self.lose_server(false).await,
                _ if started.elapsed() > deletes_at => {
                    self.lose_server(true).await;
                    deletes_at = time;
                }
                _ => {}
            }
            let pause = Duration::from_millis(self.random.u64(100..1500));
            tokio::time::sleep(pause).await;
        }
        // Backups run, or wait: from here on it is measured how long it takes until the overview is right.
        self.lose_server(true).await;
        for (way, _) in &self.coordinators {
            way.is_paused.send_replace(false);
        }
    }

    /// A person orders a backup. The bus may be gone, or its list full.
    async fn order(&mut self) {
        let guest = self.random.usize(0..GUESTS.len());
        let name = GUESTS[guest].parse().unwrap();
        let order = Order::new(name, Op::Backup, ALICE, SystemClock.now(), SignedDuration::from_hours(1));
        let signed = self.alice.sign(&order);
        if put::<Order>(&self.bus, &order.guest, &signed, SystemClock.now()).await.is_ok() {
            self.signed.push((guest, signed));
        }
        if let Ok(Some(entry)) = self.bus.get(Table::Order, GUESTS[guest]).await {
            self.lists.extend(agentapi_fleet::signed::listed(&entry));
        }
    }

    /// An old list lies there again, in another order, for its guest or another one.
    async fn replay(&mut self) {
        let Some(mut list) = self.random.choice(&self.lists).cloned() else { return };
        self.random.shuffle(&mut list);
        let guest = GUESTS[self.random.usize(0..GUESTS.len())];
        let table = if self.random.u8(0..5) == 0 { Table::Vote } else { Table::Order };
        let value = serde_json::to_vec(&list).unwrap();
        let _ = self.bus.put(table, guest, value.into(), Expect::Anything).await;
    }

    /// What somebody else has signed.
    async fn lie(&mut self) {
        let guest = GUESTS[self.random.usize(0..GUESTS.len())];
        let order =
            Order::new(guest.parse().unwrap(), Op::Backup, ALICE, SystemClock.now(), SignedDuration::from_hours(1));
        let value = serde_json::to_vec(&[self.mallory.sign(&order)]).unwrap();
        let _ = self.bus.put(Table::Order, guest, value.into(), Expect::Anything).await;
    }

    async fn repeat_an_event(&self) {
        let Ok(mut records) = self.bus.follow(Start::After(0)).await else { return };
        let first = tokio::time::timeout(Duration::from_secs(2), records.next()).await;
        let Ok(Some(Ok(record))) = first else { return };
        let access = self.server.access_of(record.guest.as_str());
        if let Ok(guest) = NatsBus::connect(&access).await {
            let _ = guest.append(&record.guest, "again", record.payload).await;
        }
    }

    /// For longer than the lease is good for, or until the end.
    fn pause_a_coordinator(&mut self) {
        let way = Arc::clone(&self.coordinators[self.random.usize(0..2)].0);
        let time = Duration::from_secs(self.random.u64(5..45));
        way.is_paused.send_replace(true);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            way.is_paused.send_replace(false);
        });
    }

    async fn lose_server(&mut self, with_store: bool) {
        if with_store {
            self.check_rollouts().await;
        }
        let from = SystemClock.now();
        self.server.kill();
        self.kills += 1;
        tokio::time::sleep(Duration::from_millis(self.random.u64(100..10_000))).await;
        if with_store {
            self.server.delete_store();
            self.deleted += 1;
        }
        self.server.start_again();
        if with_store {
            wait_until("the objects are there again", async || self.bus.make_objects().await.is_ok()).await;
        }
        self.failures.push((from, SystemClock.now() + FINDS_BACK));
    }

    /// How long it took until the overview was right, after the server was there and nothing went wrong any more.
    pub(crate) async fn be_right_again(&mut self, limit: Duration) -> Duration {
        let started = Instant::now();
        while let Some(what) = self.wrong_in_overview().await {
            assert!(started.elapsed() < limit, "after {limit:?}: {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        started.elapsed()
    }

    /// Each guest is alive, and says of its backups what its history says; else what is wrong.
    async fn wrong_in_overview(&self) -> Option<String> {
        let overview = match Overview::read(&self.bus).await {
            Ok(overview) => overview,
            Err(why) => return Some(why.to_string()),
        };
        let now: Timestamp = SystemClock.now();
        self.guests.iter().zip(GUESTS).find_map(|(guest, name)| {
            let Some(view) = overview.guest(&name.parse().unwrap()) else { return Some(format!("{name} is missing")) };
            let status = guest.running.companion.status.get();
            let truth = status.subjects.iter().find(|subject| subject.name == "backup").unwrap();
            let Some(told) = view.inventory.as_ref().and_then(|inventory| inventory.subject("backup")) else {
                return Some(format!("{name} has told nothing of itself: {:?}", view.heartbeat));
            };
            let is_right = view.life(now) == Life::Alive
                && (told.last_start, told.last_success) == (truth.last_start, truth.last_success);
            (!is_right).then(|| format!("{name} is {:?} with {told:?}, and not {truth:?}", view.life(now)))
        })
    }

    pub(crate) async fn end(self) {
        self.coordinators.iter().for_each(|(_, task)| task.abort());
        for guest in self.guests {
            guest.task.abort();
            guest.running.end().await;
        }
    }
}
