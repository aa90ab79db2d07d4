use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agentapi_host::quiesce::Parked;
use agentapi_host::{CallSummary, Host, Observer, Target};
use agentapi_mock::{Fault, MockAgent, Repeat, Route};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::actor::Actor;
use crate::approval::{ApprovalId, ApprovalState, Desk, Verdict, WipeOrder};
use crate::clock::{Clock, VirtualClock};
use crate::messages::Messages;
use crate::run::host::{HostRunner, KeptState, Parking, WIPE, Work};
use crate::run::{AskedWipe, Run, RunContext, RunEnd, RunId, RunState, Runner};
use crate::store::Store;

const DEVICE: &str = "/dev/sdc1";
const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const RUN: RunId = RunId(1);
const APPROVAL: ApprovalId = ApprovalId(1);
const USER: Actor = Actor::Peer { uid: 1000, pid: Some(7) };

/// Counts the answers about disks.
#[derive(Default)]
struct Looks(AtomicUsize);

impl Observer for Looks {
    fn call_ended(&self, call: &CallSummary) {
        if call.route == Some(Route::Disks) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A run that has asked a person.
struct Fixture {
    clock: VirtualClock,
    runner: HostRunner,
    agent: MockAgent,
    looks: Arc<Looks>,
    stop: CancellationToken,
    running: JoinHandle<RunEnd>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agent = MockAgent::start().await.unwrap();
        let target = Target::parse(&agent.endpoint(), agent.token(), [agent.fingerprint().to_string()]).unwrap();
        let looks = Arc::new(Looks::default());
        let host = Host::builder().cache_dir(folder.path().join("cache")).observer(looks.clone()).build().unwrap();
        let work = Work { agent: host.agent(target).unwrap(), backup: None, extensions: [].into() };
        let store = Store::open(&folder.path().join("state")).unwrap();
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let runner = HostRunner {
            store: store.clone(),
            clock: Arc::new(clock.clone()),
            work: watch::channel(Arc::new(work)).1,
            coordinator: None,
            desk: Desk::new(Arc::new(clock.clone()), store.clone()),
            state: KeptState::new(store.clone()),
            messages: Messages::new(Arc::new(clock.clone()), store.clone()).await.unwrap(),
            audit: None,
            parking: Arc::new(Parking::new(store.clone(), None, Parked::nothing_to_park, Arc::default())),
        };
        let at = clock.now();
        let begun = store.writer().write(move |tx| {
            let run = tx.queue_run(at, WIPE, &USER.to_string(), "asked for")?;
            tx.begin_run(at, run)
        });
        begun.await.unwrap();
        let (waits, number) = oneshot::channel();
        let order = WipeOrder { device: DEVICE.into(), durable_id: ID.into(), fstype: "ext4".into(), waits };
        let (stop, wipe) = (CancellationToken::new(), Some(AskedWipe { order, asked_by: USER }));
        let context = RunContext { run: RUN, subject: WIPE.into(), reason: String::new(), stop: stop.clone(), wipe };
        let running = tokio::spawn(runner.run(context));
        assert_eq!(number.await.unwrap(), APPROVAL);
        Self { clock, runner, agent, looks, stop, running, _folder: folder }
    }

    async fn approve(&self) {
        let verdict = Verdict::Approve { durable_id: ID.into() };
        self.runner.desk.decide(APPROVAL, verdict, Actor::Controller).await.unwrap();
    }

    async fn approval(&self) -> ApprovalState {
        self.runner.store.reader().approval(APPROVAL).await.unwrap().state
    }

    /// What the next controller makes of the run.
    /// How the next controller ends the run, which is the same for one of an extension.
    async fn reconcile(&self) -> RunState {
        let run = self.runner.store.reader().run(RUN).await.unwrap();
        let of_extension = Run { subject: "wiper".into(), ..run.clone() };
        let [own, of_extension] = [run, of_extension].map(|run| self.runner.reconcile(run, CancellationToken::new()));
        let (own, of_extension) = (own.await.state, of_extension.await.state);
        assert_eq!(own, of_extension);
        own
    }

    /// How often the agent was told to format.
    fn formats(&self) -> usize {
        self.agent.requests().iter().filter(|request| request.path == "/disks/format").count()
    }
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_nothing_is_wiped() {
    let fixture = Fixture::new().await;
    fixture.clock.run_for(Duration::from_secs(15 * 60 - 1)).await;
    assert_eq!(fixture.approval().await, ApprovalState::Waiting);
    fixture.clock.run_for(Duration::from_secs(1)).await;
    let (store, formats) = (fixture.runner.store.clone(), fixture.formats());
    let end = tokio::time::timeout(Duration::from_secs(30), fixture.running).await.expect("it still waits").unwrap();
    assert_eq!((end.state, end.reason.as_str()), (RunState::Failed, "nothing was wiped: nobody has decided in time"));
    let state = store.reader().approval(APPROVAL).await.unwrap().state;
    assert_eq!((state, formats), (ApprovalState::Expired, 0));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_it_unknown_and_one_that_refuses_does_not() {
    let fixture = Fixture::new().await;
    fixture.agent.inject(Route::FormatDisk, Fault::CloseBeforeAnswer, Repeat::Always);
    fixture.approve().await;
    let formats = fixture.agent;
    let end = fixture.running.await.unwrap();
    assert!(end.state == RunState::Unknown && end.reason.contains("not known whether"), "{end:?}");
    let sent = formats.requests().iter().filter(|request| request.path == "/disks/format").count();
    assert_eq!(sent, 1, "an order is sent once");

    let fixture = Fixture::new().await;
    fixture.agent.inject(Route::FormatDisk, Fault::Status(hyper::StatusCode::LOCKED), Repeat::Always);
    fixture.approve().await;
    let end = fixture.running.await.unwrap();
    assert!(end.state == RunState::Failed && end.reason.starts_with("nothing was wiped: "), "{end:?}");
}

#[tokio::test]
async fn a_freeze_between_the_look_and_the_wipe_is_followed_by_another_look() {
    for becomes_another in [false, true] {
        let fixture = Fixture::new().await;
        // The last look has begun when the freeze comes. Nothing else runs between the two: there is one thread.
        let looks = fixture.looks.0.load(Ordering::Relaxed);
        fixture.agent.take_requests();
        fixture.agent.inject(Route::Disks, Fault::Latency(Duration::from_millis(100)), Repeat::Times(1));
        fixture.approve().await;
        while fixture.agent.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let parked = fixture.runner.store.park();
        // The answer describes the disk as it was. That it is used cannot be written down before the thaw.
        while fixture.looks.0.load(Ordering::Relaxed) == looks {
            tokio::task::yield_now().await;
        }
        fixture.clock.advance(Duration::from_secs(3600));
        if becomes_another {
            fixture.agent.change(|state| state.disks.iter_mut().for_each(|disk| disk.total_bytes += 1));
        }
        drop(parked);
        let agent = fixture.agent;
        let end = fixture.running.await.unwrap();
        let formats = agent.requests().iter().filter(|request| request.path == "/disks/format").count();
        match becomes_another {
            true => assert_eq!((end.state, formats), (RunState::Failed, 0), "{end:?}"),
            false => assert_eq!((end.state, formats), (RunState::Done, 1), "{end:?}"),
        }
    }
}

#[tokio::test]
async fn a_stop_ends_the_waiting_and_not_the_wiping() {
    let fixture = Fixture::new().await;
    fixture.stop.cancel();
    let formats = fixture.formats();
    assert_eq!((fixture.running.await.unwrap().state, formats), (RunState::Stopped, 0));

    let fixture = Fixture::new().await;
    fixture.agent.inject(Route::FormatDisk, Fault::Latency(Duration::from_millis(200)), Repeat::Always);
    fixture.approve().await;
    while fixture.formats() == 0 {
        tokio::task::yield_now().await;
    }
    fixture.stop.cancel();
    assert_eq!(fixture.running.await.unwrap().state, RunState::Done);
}

#[tokio::test]
async fn the_next_controller_knows_by_the_approval_whether_the_disk_may_be_wiped() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.reconcile().await, RunState::Stopped, "while it waits");
    // As a crash leaves it that comes when the decision is written down and the run has not heard of it.
    fixture.running.abort();
    let at = fixture.clock.now();
    let approved = fixture.runner.store.writer().write(move |tx| {
        let (state, by) = (ApprovalState::Approved, "somebody".into());
        tx.decide_approval(at, APPROVAL, &crate::store::Decided { state, by, reason: String::new() })
    });
    approved.await.unwrap();
    assert_eq!(fixture.reconcile().await, RunState::Stopped, "approved, and not used");
    fixture.runner.store.writer().write(move |tx| tx.use_approval(at, APPROVAL)).await.unwrap();
    assert_eq!(fixture.reconcile().await, RunState::Unknown, "used: it may have been sent");
    assert_eq!(fixture.formats(), 0, "nothing is sent again");
}
