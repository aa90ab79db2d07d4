//! Votes on wipes that wait on a real controller, signed by the real `ssh-keygen`.

mod malice;

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::action::{Action, Outcome};
use agentapi_controller::actor::Actor;
use agentapi_controller::approval::{Approval, ApprovalState, WipeOrder};
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_controller::run::RunId;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::guest::Source;
use agentapi_fleet::guest::votes::Votes;
use agentapi_fleet::inventory::Inventory;
use agentapi_fleet::signed::{Signed, put};
use agentapi_fleet::vote::{Decision, RequestError, Vote, WipeRequest};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::controller::{Machine, Running, wait_until};
use crate::server::Server;
use crate::signer::Signer;

const GUEST: &str = "g1";
const ALICE: &str = "alice@example.org";
const DEVICE: &str = "/dev/sdc1";
const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const OTHER: &str = "/dev/sdd1";
const OTHER_ID: &str = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";

/// A bus, a machine whose controller runs, a file with Alice in it, and her key.
struct Fixture {
    bus: Arc<dyn Bus>,
    machine: Machine,
    alice: Signer,
    running: Running,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(Arc::new(MemoryBus::new(Arc::new(SystemClock)))).await
    }

    async fn on(bus: Arc<dyn Bus>) -> Self {
        let (machine, alice) = (Machine::new().await, Signer::new());
        machine.write("signers", &alice.line(ALICE, ""));
        let running = machine.start().await;
        Self { bus, machine, alice, running }
    }

    fn votes(&self) -> Votes {
        self.votes_by(Arc::clone(&self.bus))
    }

    fn votes_by(&self, bus: Arc<dyn Bus>) -> Votes {
        Votes::new(Source {
            companion: self.running.companion.clone(),
            bus,
            name: GUEST.parse().unwrap(),
            allowed_signers: Some(self.machine.file("signers")),
        })
    }

    /// Asks for a wipe, and returns the run and the request as the guest's inventory shows it.
    async fn ask(&self, device: &str, durable_id: &str) -> (RunId, WipeRequest) {
        let (waits, asked) = oneshot::channel();
        let order = WipeOrder { device: device.into(), durable_id: durable_id.into(), fstype: "ext4".into(), waits };
        let outcome = self.running.companion.actions.ask(Action::Wipe(order), Actor::Controller).await.unwrap();
        let Outcome::Run(run) = outcome else { panic!("{outcome:?}") };
        let id = asked.await.unwrap();
        let shown = || self.shown().into_iter().find(|shown| shown["id"] == id.0);
        wait_until("the request is shown", async || shown().is_some()).await;
        (run, WipeRequest::read(GUEST.parse().unwrap(), &shown().unwrap()).unwrap())
    }

    /// The requests in the guest's inventory.
    fn shown(&self) -> Vec<Value> {
        Inventory::of(&self.running.companion, &agentapi_fleet::inventory::PlaceView::default()).approvals
    }

    async fn put(&self, signed: &Signed) {
        put::<Vote>(self.bus.as_ref(), &GUEST.parse().unwrap(), signed, SystemClock.now()).await.unwrap();
    }

    /// Puts these there and nothing else, as who has the bus can.
    async fn replace(&self, list: &[Signed]) {
        let value = serde_json::to_vec(list).unwrap();
        self.bus.put(Table::Vote, GUEST, value.into(), Expect::Anything).await.unwrap();
    }

    async fn approval(&self, request: &WipeRequest) -> Approval {
        self.running.companion.store.reader().approval(request.id).await.unwrap()
    }

    /// The devices that the agent was told to wipe.
    fn wiped(&self) -> Vec<String> {
        let requests = self.machine.agent.requests();
        let formats = requests.iter().filter(|request| request.path == "/disks/format");
        formats.map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }
}

fn yes(request: &WipeRequest) -> Vote {
    Vote::on(request, Decision::Approve, ALICE, "", SystemClock.now())
}

#[tokio::test]
async fn a_signed_yes_wipes_the_disk_that_was_shown_once() {
    let fixture = Fixture::new().await;
    let (run, request) = fixture.ask(DEVICE, ID).await;
    let mut votes = fixture.votes();
    votes.look().await.unwrap();
    assert!(fixture.wiped().is_empty());

    fixture.put(&fixture.alice.sign(&yes(&request))).await;
    for _ in 0..3 {
        votes.look().await.unwrap();
        fixture.running.be_idle().await;
    }
    let wiped = fixture.wiped();
    assert!(wiped.len() == 1 && wiped[0].contains(DEVICE), "{wiped:?}");
    let approval = fixture.approval(&request).await;
    assert_eq!(approval.state, ApprovalState::Used);
    assert!(approval.decided_by.starts_with("alice@example.org (key SHA256:"), "{}", approval.decided_by);
    assert_eq!(fixture.running.runs().await.iter().find(|found| found.id == run).unwrap().state.name(), "done");
    assert!(fixture.running.texts(EventKind::VoteRefused).await.is_empty());
    let decided = fixture.running.texts(EventKind::ApprovalDecided).await;
    assert!(
        decided[0].starts_with("approval 1 of /dev/sdc1 is approved by alice@example.org (key SHA256:"),
        "{decided:?}"
    );
    fixture.running.end().await;
}

#[tokio::test]
async fn a_signed_no_refuses_it_with_its_reason() {
    let fixture = Fixture::new().await;
    let (_, request) = fixture.ask(DEVICE, ID).await;
    let no = Vote::on(&request, Decision::Refuse, ALICE, "it is the archive", SystemClock.now());
    fixture.put(&fixture.alice.sign(&no)).await;
    fixture.votes().look().await.unwrap();
    fixture.running.be_idle().await;
    let approval = fixture.approval(&request).await;
    assert_eq!((approval.state, approval.reason.as_str()), (ApprovalState::Refused, "it is the archive"));
    assert!(fixture.wiped().is_empty());
    fixture.running.end().await;
}

#[tokio::test]
async fn a_disk_that_is_another_by_then_is_not_wiped_whoever_has_signed() {
    let fixture = Fixture::new().await;
    let (_, request) = fixture.ask(DEVICE, ID).await;
    fixture.machine.agent.change(|state| {
        let disk = state.disks.iter_mut().find(|disk| disk.durable_id == ID);
        disk.expect("it is there").total_bytes += 1;
    });
    fixture.put(&fixture.alice.sign(&yes(&request))).await;
    fixture.votes().look().await.unwrap();
    fixture.running.be_idle().await;
    assert_eq!(fixture.approval(&request).await.state, ApprovalState::Withdrawn);
    assert!(fixture.wiped().is_empty());
    fixture.running.end().await;
}

#[tokio::test]
async fn a_vote_comes_by_a_real_server() {
    let server = Server::start(&[GUEST]).await;
    let fixture = Fixture::on(Arc::new(server.coordinator().await)).await;
    let (_, request) = fixture.ask(DEVICE, ID).await;
    fixture.put(&fixture.alice.sign(&yes(&request))).await;
    fixture.votes_by(Arc::new(server.guest(GUEST).await)).look().await.unwrap();
    fixture.running.be_idle().await;
    assert_eq!((fixture.wiped().len(), fixture.approval(&request).await.state), (1, ApprovalState::Used));
    fixture.running.end().await;
}

#[tokio::test]
async fn a_request_that_shows_other_than_its_digest_is_not_signed() {
    let fixture = Fixture::new().await;
    let (_, request) = fixture.ask(DEVICE, ID).await;
    let shown = fixture.shown().remove(0);
    let read = |value: &Value| WipeRequest::read(GUEST.parse().unwrap(), value);
    assert_eq!(read(&shown).unwrap(), request);
    assert_eq!(request.digest, fixture.approval(&request).await.digest);
    // Whatever a person reads is bound.
    let others = ["contents", "device", "durable_id", "extension_sha256", "fstype", "nonce", "role", "subject"];
    let others =
        others.map(|key| (key, json!("other"))).into_iter().chain([("run", json!(7)), ("size_bytes", json!(7))]);
    for (key, other) in others {
        let mut changed = shown.clone();
        changed[key] = other;
        assert!(matches!(read(&changed), Err(RequestError::OtherDigest { .. })), "{key}");
        changed.as_object_mut().unwrap().remove(key);
        assert!(matches!(read(&changed), Err(RequestError::Missing(_))), "{key}");
    }
    fixture.running.end().await;
}

/// Waits long enough for a run that wipes to have told the agent, had it been let.
const A_WHILE: Duration = Duration::from_millis(200);
