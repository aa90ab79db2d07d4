//! Extensions go through the rings of a real server, to real controllers that run them.

mod extension;

use std::sync::Arc;

use agentapi_controller::clock::{Clock, FastClock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_fleet::bundle::Bundle;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::coordinator::Coordinator;
use agentapi_fleet::guest::{Member, TriedState};
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::overview::Overview;
use agentapi_fleet::rollout::{Rollout, RolloutState, Step};
use agentapi_registry::signature::beside;
use tokio::task::JoinHandle;

use crate::controller::{Machine, Running, wait_until};
use crate::rollout::extension::{Author, Kind};
use crate::server::Server;

const GUESTS: [&str; 2] = ["g1", "g2"];

/// Two guests, each in the ring of its number, with the first version of an extension.
struct Fleet {
    server: Server,
    author: Author,
    machines: Vec<Machine>,
    running: Vec<(Running, JoinHandle<()>)>,
    bus: NatsBus,
}

impl Fleet {
    async fn start() -> Self {
        let server = Server::start(&GUESTS).await;
        let bus = server.coordinator().await;
        let mut fleet = Self { server, author: Author::new(), machines: Vec::new(), running: Vec::new(), bus };
        for name in GUESTS {
            let machine = Machine::named(name).await.with_clock(FastClock::new(10));
            let first = fleet.author.bundle(1, Kind::Good);
            let file = machine.file("watch.wasm");
            std::fs::write(&file, first.wasm).unwrap();
            std::fs::write(beside(&file), first.signature).unwrap();
            fleet.machines.push(machine);
        }
        for guest in 0..GUESTS.len() {
            let running = fleet.run(guest).await;
            fleet.running.push(running);
        }
        fleet
    }

    async fn run(&self, guest: usize) -> (Running, JoinHandle<()>) {
        let (name, ring) = (GUESTS[guest], guest as u8 + 1);
        let more = format!(
            "[[extension]]\nname = \"watch\"\nfile = \"watch.wasm\"\nsigned_by = [\"{}\"]\n[fleet]\nserver = \"a\"\n\
             fingerprints = [\"{}\"]\nkey_file = \"token\"\nhost = \"pve1\"\nring = {ring}\nextensions = [\"watch\"]\n",
            self.author.public,
            "3f".repeat(32),
        );
        let running = self.machines[guest].start_with(&more).await;
        let member = Member {
            ring,
            extensions: vec!["watch".into()],
            ..Member::new(name.parse().unwrap(), "pve1".parse().unwrap())
        };
        let task = running.join(member, self.server.dial_of(name));
        (running, task)
    }

    async fn begin(&self, bundle: &Bundle) -> Rollout {
        let digest = bundle.put(&self.bus).await.unwrap();
        self.begin_with(digest).await
    }

    async fn begin_with(&self, digest: String) -> Rollout {
        let began = async || {
            let told = Overview::read(&self.bus).await.unwrap();
            told.guests().filter(|(_, view)| view.inventory.is_some()).count() == GUESTS.len()
        };
        wait_until("all have told of themselves", began).await;
        Rollout::begin(&self.bus, "watch", digest, vec![1, 2], SystemClock.now()).await.unwrap()
    }

    /// Lets a coordinator plan until the roll-out goes on no more.
    async fn plan(&self) -> Rollout {
        let mut coordinator = Coordinator::new(Arc::new(self.bus.clone()), Arc::new(SystemClock), "test");
        wait_until("it has ended", async || {
            assert!(coordinator.look().await.unwrap());
            !self.rollout().await.is_going_on()
        })
        .await;
        coordinator.end().await;
        self.rollout().await
    }

    async fn rollout(&self) -> Rollout {
        Rollout::all(&self.bus).await.unwrap().remove(0).0
    }

    fn in_use(&self, guest: usize) -> String {
        self.running[guest].0.companion.plan.borrow().subject("watch").unwrap().digest.clone()
    }

    async fn texts(&self, guest: usize, kind: EventKind) -> Vec<String> {
        self.running[guest].0.texts(kind).await
    }

    async fn end(self) {
        for (running, task) in self.running {
            task.abort();
            running.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_to_the_second_ring_after_it_has_run_in_the_first_and_is_taken_back() {
    let mut fleet = Fleet::start().await;
    let (first, second) = (fleet.author.bundle(1, Kind::Good).digest(), fleet.author.bundle(2, Kind::Good));
    fleet.begin(&second).await;
    let ended = fleet.plan().await;
    assert_eq!((ended.state, ended.reached), (RolloutState::Done, 2));
    for guest in 0..2 {
        assert_eq!(fleet.in_use(guest), second.digest());
        let changed = fleet.texts(guest, EventKind::ExtensionChanged).await;
        assert!(changed.len() == 1 && changed[0].contains("its first run was done"), "{changed:?}");
    }
    // A guest that starts without the bus starts with what was chosen last.
    let (running, task) = fleet.running.pop().unwrap();
    task.abort();
    running.end().await;
    fleet.server.kill();
    let again = fleet.run(1).await;
    fleet.running.push(again);
    assert_eq!(fleet.in_use(1), second.digest());
    fleet.server.start_again();
    wait_until("the bus is there again", async || Overview::read(&fleet.bus).await.is_ok()).await;

    Rollout::set(&fleet.bus, "watch", RolloutState::RollingBack).await.unwrap();
    assert_eq!(fleet.plan().await.state, RolloutState::RolledBack);
    wait_until("both are as before", async || (0..2).all(|guest| fleet.in_use(guest) == first)).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_stopped_in_the_first_ring_and_the_guest_is_as_before() {
    let fleet = Fleet::start().await;
    let first = fleet.author.bundle(1, Kind::Good).digest();
    fleet.begin(&fleet.author.bundle(2, Kind::Fails)).await;
    let ended = fleet.plan().await;
    let RolloutState::Stopped { why } = ended.state else { panic!("{:?}", ended.state) };
    assert!(why.starts_with("g1: its first run is failed"), "{why}");
    assert_eq!((ended.reached, fleet.in_use(0), fleet.in_use(1)), (1, first.clone(), first));
    let changed = fleet.texts(0, EventKind::ExtensionChanged).await;
    assert!(changed.len() == 1 && changed[0].starts_with("watch is as before"), "{changed:?}");
    assert!(fleet.running[1].0.runs().await.is_empty(), "the second ring has seen nothing of it");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_signed_or_somebody_has_changed_is_refused_by_name() {
    let fleet = Fleet::start().await;
    let right = fleet.author.bundle(2, Kind::Good);
    // By another author; with no signature at all; other bytes under the digest; none.
    let forged = Bundle { signature: Author::new().bundle(2, Kind::Good).signature, ..right.clone() };
    let unsigned = Bundle { signature: String::new(), ..fleet.author.bundle(3, Kind::Good) };
    let broken = fleet.author.sign(b"(component".to_vec());
    for (bundle, name, part) in [
        (&forged, "not-loaded", "is not trusted"),
        (&unsigned, "not-loaded", "is not trusted"),
        (&broken, "not-loaded", "extension watch is refused"),
    ] {
        fleet.begin(bundle).await;
        refused(&fleet, name, part).await;
    }
    let altered = fleet.author.bundle(4, Kind::Good);
    let digest = altered.put(&fleet.bus).await.unwrap();
    fleet.bus.put(Table::Extension, &format!("{digest}.0"), "(component)".into(), Expect::Anything).await.unwrap();
    fleet.begin_with(digest).await;
    refused(&fleet, "altered", "expected bytes with the SHA-256").await;
    fleet.begin_with("0".repeat(64)).await;
    refused(&fleet, "unusable", "the bus does not have the bytes").await;
    assert!(fleet.running[0].0.runs().await.is_empty());
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_refused_are_tried_again_in_another_rollout() {
    let fleet = Fleet::start().await;
    let right = fleet.author.bundle(2, Kind::Good);
    let forged = Bundle { signature: Author::new().bundle(2, Kind::Good).signature, ..right.clone() };
    fleet.begin(&forged).await;
    refused(&fleet, "not-loaded", "is not trusted").await;
    // The same bytes, signed by whom the guests trust.
    fleet.begin(&right).await;
    assert_eq!(fleet.plan().await.state, RolloutState::Done);
    // And once more with a signature of somebody else: what is in use stays as it is, on the disk too.
    fleet.begin(&forged).await;
    let ended = fleet.plan().await;
    assert_eq!(ended.state, RolloutState::Done, "its own shelf has the bytes, signed rightly");
    let file = fleet.machines[0].file(&format!("state/fleet/{}.wasm", right.digest()));
    assert_eq!(std::fs::read_to_string(beside(&file)).unwrap(), right.signature);
    let left: Vec<_> =
        std::fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("new")), "{left:?}");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_the_bus_has_lost_come_from_the_shelf() {
    let mut fleet = Fleet::start().await;
    let [second, third] = [2, 3].map(|version| fleet.author.bundle(version, Kind::Good));
    for bundle in [&second, &third] {
        fleet.begin(bundle).await;
        assert_eq!(fleet.plan().await.state, RolloutState::Done);
    }
    fleet.server.kill();
    fleet.server.delete_store();
    fleet.server.start_again();
    wait_until("the objects are made", async || fleet.bus.make_objects().await.is_ok()).await;
    fleet.begin_with(second.digest()).await;
    assert_eq!(fleet.plan().await.state, RolloutState::Done);
    assert_eq!(fleet.in_use(0), second.digest());
    fleet.end().await;
}

/// The roll-out is stopped, because the guest has refused it with an event.
async fn refused(fleet: &Fleet, name: &str, part: &str) {
    let ended = fleet.plan().await;
    let RolloutState::Stopped { why } = &ended.state else { panic!("{:?}", ended.state) };
    assert!(why.starts_with("g1: ") && why.contains(part), "{why}");
    let texts = fleet.texts(0, EventKind::ExtensionRefused).await;
    let last = texts.last().unwrap();
    assert!(last.contains(&format!("({name})")) && last.contains(part), "{last}");
    let overview = Overview::read(&fleet.bus).await.unwrap();
    assert!(matches!(ended.step(&overview), Step::Stop(_)));
    let tried = overview.guest(&"g1".parse().unwrap()).unwrap().inventory.clone().unwrap().place.extensions;
    assert_eq!(tried[0].state, TriedState::Refused);
    assert_eq!(fleet.in_use(0), fleet.author.bundle(1, Kind::Good).digest());
}
