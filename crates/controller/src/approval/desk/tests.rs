use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Asked, Desk, LONGEST_TIME_TO_DECIDE, Verdict, VerdictError};
use crate::actor::Actor;
use crate::approval::{Approval, ApprovalId, ApprovalState, Wipe, sample};
use crate::clock::{Clock, VirtualClock};
use crate::event::EventKind;
use crate::run::{RunEnd, RunId, RunState};
use crate::store::{Store, StoreError};

struct Fixture {
    clock: VirtualClock,
    store: Store,
    desk: Desk,
    _folder: tempfile::TempDir,
}

const ROOT: Actor = Actor::Peer { uid: 0, pid: Some(42) };
const FIRST: ApprovalId = ApprovalId(1);

fn yes() -> Verdict {
    Verdict::Approve { durable_id: sample().durable_id }
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let desk = Desk::new(Arc::new(clock.clone()), store.clone());
        Self { clock, store, desk, _folder: folder }
    }

    /// A run that has begun and asks.
    async fn ask(&self) -> Asked {
        self.ask_for(Duration::MAX).await
    }

    async fn ask_for(&self, patience: Duration) -> Asked {
        let at = self.clock.now();
        let run = self.store.writer().write(move |tx| {
            let run = tx.queue_run(at, "wiper", "ab", "due")?;
            tx.begin_run(at, run)?;
            Ok(run)
        });
        let wipe = Wipe { run: run.await.unwrap(), nonce: Desk::nonce().unwrap(), ..sample() };
        self.desk.ask(wipe, patience).await.unwrap()
    }

    async fn state(&self, run: i64) -> RunState {
        self.store.reader().run(RunId(run)).await.unwrap().state
    }

    async fn approval(&self) -> Approval {
        self.store.reader().approval(FIRST).await.unwrap()
    }

    async fn end_run(&self, at: Timestamp) {
        let end = RunEnd::new(RunState::Done, "");
        self.store.writer().write(move |tx| tx.end_run(at, RunId(1), &end)).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_approved_is_used_once_and_the_run_waits_meanwhile() {
    let fixture = Fixture::new();
    let mut asked = fixture.ask().await;
    assert_eq!(fixture.state(1).await, RunState::WaitingForApproval);
    let waiting = fixture.desk.waiting().borrow().clone();
    assert_eq!((waiting.len(), &waiting[0]), (1, &fixture.approval().await));
    assert!(asked.take().await.is_err(), "nobody has agreed");

    fixture.desk.decide(FIRST, yes(), ROOT).await.unwrap();
    let decided = asked.decision().await;
    assert_eq!((decided.state, decided.by.as_str()), (ApprovalState::Approved, "user 0 (process 42)"));
    assert_eq!(fixture.state(1).await, RunState::Running);
    assert!(fixture.desk.waiting().borrow().is_empty());
    asked.take().await.unwrap();
    let again = asked.take().await.unwrap_err();
    assert!(matches!(again, StoreError::Decided { state: ApprovalState::Used, .. }), "{again}");
    fixture.end_run(fixture.clock.now()).await;
    assert_eq!(fixture.approval().await.state, ApprovalState::Used, "the end of the run does not change that");
}

#[tokio::test]
async fn only_the_durable_id_of_that_disk_agrees() {
    let fixture = Fixture::new();
    let _asked = fixture.ask().await;
    for other in ["", "uuid:0f3", "UUID:0F3C", " uuid:0f3c"] {
        let verdict = Verdict::Approve { durable_id: other.into() };
        let refused = fixture.desk.decide(FIRST, verdict, ROOT).await.unwrap_err();
        assert!(matches!(refused, VerdictError::OtherDisk { .. }), "{other}: {refused}");
    }
    assert_eq!(fixture.approval().await.state, ApprovalState::Waiting);
}

async fn try_wrong(fixture: &Fixture, id: ApprovalId) -> VerdictError {
    let verdict = Verdict::Approve { durable_id: "uuid:other".into() };
    fixture.desk.decide(id, verdict, ROOT).await.unwrap_err()
}

#[tokio::test]
async fn after_five_wrong_ids_in_a_minute_none_is_taken_for_a_minute() {
    let fixture = Fixture::new();
    let (_asked, _other) = (fixture.ask().await, fixture.ask().await);
    for _ in 0..5 {
        let refused = try_wrong(&fixture, FIRST).await;
        assert!(matches!(refused, VerdictError::OtherDisk { .. }), "{refused}");
    }
    fixture.clock.run_for(Duration::from_secs(59)).await;
    for verdict in [yes(), Verdict::Approve { durable_id: String::new() }] {
        let refused = fixture.desk.decide(FIRST, verdict, ROOT).await.unwrap_err();
        assert!(
            matches!(refused, VerdictError::TooManyTries { pause } if pause == Duration::from_secs(1)),
            "{refused}"
        );
        let expected = "expected fewer than 5 wrong durable ids in 60 s, found as many: none is taken for 1 s";
        assert_eq!(refused.to_string(), expected);
    }
    let other = try_wrong(&fixture, ApprovalId(2)).await;
    assert!(matches!(other, VerdictError::OtherDisk { .. }), "each request counts for itself: {other}");
    fixture.clock.run_for(Duration::from_secs(1)).await;
    fixture.desk.decide(FIRST, yes(), ROOT).await.unwrap();
}

#[tokio::test]
async fn wrong_ids_far_apart_are_only_wrong_and_a_no_is_always_taken() {
    let fixture = Fixture::new();
    let _asked = fixture.ask().await;
    for _ in 0..9 {
        let refused = try_wrong(&fixture, FIRST).await;
        assert!(matches!(refused, VerdictError::OtherDisk { .. }), "{refused}");
        fixture.clock.run_for(Duration::from_secs(15)).await;
    }
    for _ in 0..5 {
        try_wrong(&fixture, FIRST).await;
    }
    let refused = try_wrong(&fixture, FIRST).await;
    assert!(matches!(refused, VerdictError::TooManyTries { .. }), "{refused}");
    fixture.desk.decide(FIRST, Verdict::Refuse { reason: String::new() }, ROOT).await.unwrap();
    assert_eq!(fixture.approval().await.state, ApprovalState::Refused);
}

#[tokio::test]
async fn of_two_that_decide_at_once_one_does() {
    let fixture = Fixture::new();
    for number in 1..=20 {
        let mut asked = fixture.ask().await;
        let id = ApprovalId(number);
        let no = Verdict::Refuse { reason: "not that one".into() };
        let (approved, refused) = tokio::join!(
            fixture.desk.decide(id, yes(), ROOT),
            fixture.desk.decide(id, no, Actor::Peer { uid: 7, pid: None })
        );
        assert_ne!(approved.is_ok(), refused.is_ok());
        let expected = if approved.is_ok() { ApprovalState::Approved } else { ApprovalState::Refused };
        assert_eq!(asked.decision().await.state, expected);
        let late = fixture.desk.decide(id, yes(), ROOT).await.unwrap_err();
        assert!(matches!(late, VerdictError::Store(StoreError::Decided { .. })), "{late}");
    }
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_it_is_too_late() {
    let fixture = Fixture::new();
    let mut asked = fixture.ask().await;
    let clock = fixture.clock.clone();
    let (decided, ()) = tokio::join!(asked.decision(), clock.run_for(LONGEST_TIME_TO_DECIDE));
    assert_eq!(decided.state, ApprovalState::Expired);
    assert!(fixture.desk.decide(FIRST, yes(), ROOT).await.is_err());
    assert_eq!((fixture.approval().await.state, fixture.state(1).await), (ApprovalState::Expired, RunState::Running));
    assert!(asked.take().await.is_err());
}

#[tokio::test]
async fn a_run_that_ends_sooner_asks_for_no_longer_than_it_lasts() {
    let fixture = Fixture::new();
    let patience = Duration::from_secs(40);
    let mut asked = fixture.ask_for(patience).await;
    let approval = fixture.approval().await;
    assert_eq!(approval.expires_at.duration_since(approval.asked_at), jiff::SignedDuration::from_secs(40));
    let clock = fixture.clock.clone();
    let (decided, ()) = tokio::join!(asked.decision(), clock.run_for(patience));
    assert_eq!(decided.state, ApprovalState::Expired);
}

#[tokio::test]
async fn each_step_is_told_as_an_event() {
    let fixture = Fixture::new();
    let used = fixture.ask().await;
    fixture.desk.decide(FIRST, yes(), ROOT).await.unwrap();
    used.take().await.unwrap();
    fixture.end_run(fixture.clock.now()).await;
    let another_disk = fixture.ask().await;
    fixture.desk.decide(ApprovalId(2), yes(), ROOT).await.unwrap();
    another_disk.withdraw("another disk".into()).await.unwrap();
    let _waits = fixture.ask().await;
    let (at, end) = (fixture.clock.now(), RunEnd::new(RunState::Stopped, "it was stopped"));
    fixture.store.writer().write(move |tx| tx.end_run(at, RunId(3), &end)).await.unwrap();
    let events = fixture.store.reader().events_after(0, 100).await.unwrap();
    let told: Vec<_> = events.iter().filter(|event| event.kind == EventKind::ApprovalDecided).collect();
    let texts: Vec<_> = told.iter().map(|event| event.text.as_str()).collect();
    let expected = [
        "approval 1 of /dev/sdb1 is approved by user 0 (process 42)",
        "approval 1 is used: the agent is told now to wipe /dev/sdb1",
        "approval 2 of /dev/sdb1 is approved by user 0 (process 42)",
        "approval 2 of /dev/sdb1 is withdrawn: another disk",
        "approval 3 of /dev/sdb1 is withdrawn: the run ended",
    ];
    assert_eq!(texts, expected);
    let runs: Vec<_> = told.iter().map(|event| event.run.unwrap().0).collect();
    assert_eq!(runs, [1, 1, 2, 2, 3]);
}

#[tokio::test]
async fn a_clock_that_was_set_forward_ends_it_as_well() {
    let fixture = Fixture::new();
    let _asked = fixture.ask().await;
    fixture.clock.jump(jiff::SignedDuration::from_mins(16));
    let late = fixture.desk.decide(FIRST, yes(), ROOT).await.unwrap_err();
    let VerdictError::Store(StoreError::Decided { state: ApprovalState::Expired, .. }) = late else { panic!("{late}") };
}

#[tokio::test]
async fn a_run_that_is_gone_takes_its_request_with_it() {
    let fixture = Fixture::new();
    drop(fixture.ask().await);
    assert!(fixture.desk.waiting().borrow().is_empty());
    let unheard = fixture.desk.decide(FIRST, yes(), ROOT).await.unwrap_err();
    assert!(matches!(unheard, VerdictError::Store(StoreError::Busy)), "nobody would hear it: {unheard}");
    fixture.end_run(fixture.clock.now()).await;
    let approval = fixture.approval().await;
    assert_eq!((approval.state, approval.reason.as_str()), (ApprovalState::Withdrawn, "the run ended"));

    // Between the decision and its use: the end of the run, which a restart writes, makes it useless.
    let mut asked = fixture.ask().await;
    let second = ApprovalId(2);
    fixture.desk.decide(second, yes(), ROOT).await.unwrap();
    assert_eq!(asked.decision().await.state, ApprovalState::Approved);
    let (at, end) = (fixture.clock.now(), RunEnd::new(RunState::Stopped, "the controller ended while it ran"));
    fixture.store.writer().write(move |tx| tx.end_run(at, RunId(2), &end)).await.unwrap();
    let late = asked.take().await.unwrap_err();
    assert!(matches!(late, StoreError::Decided { state: ApprovalState::Withdrawn, .. }), "{late}");
}

#[tokio::test]
async fn while_the_store_is_parked_nobody_is_told_of_what_is_not_written_down() {
    let fixture = Fixture::new();
    let mut asked = fixture.ask().await;
    let parked = fixture.store.park();
    let desk = fixture.desk.clone();
    let deciding = tokio::spawn(async move { desk.decide(FIRST, yes(), ROOT).await });
    let heard = tokio::time::timeout(Duration::from_millis(50), asked.decision()).await;
    assert!(heard.is_err() && !deciding.is_finished(), "{heard:?}");
    drop(parked);
    deciding.await.unwrap().unwrap();
    assert_eq!(asked.decision().await.state, ApprovalState::Approved);
}
