use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::{Findings, Sources, Watcher};
use crate::approval::{Approval, ApprovalId, ApprovalState, Waiting, Wipe, sample};
use crate::calls::Identity;
use crate::clock::{Clock, VirtualClock};
use crate::event::{Event, EventKind};
use crate::finding::FindingKind;
use crate::link::Link;
use crate::messages::Messages;
use crate::owner::{Activity, Status, StatusReader, SubjectStatus};
use crate::plan::{Plan, Subject};
use crate::store::Store;

const HOUR: Duration = Duration::from_secs(3600);

struct Fixture {
    clock: VirtualClock,
    store: Store,
    feed: broadcast::Receiver<Arc<Event>>,
    status: watch::Sender<Arc<Status>>,
    plan: watch::Sender<Arc<Plan>>,
    identity: watch::Sender<Identity>,
    approvals: watch::Sender<Waiting>,
    link: watch::Sender<Link>,
    probes: Arc<AtomicUsize>,
    findings: watch::Receiver<Findings>,
    watching: JoinHandle<()>,
}

fn plan(alarm_after: Option<Duration>) -> Arc<Plan> {
    let (name, digest) = ("backup".to_owned(), String::new());
    Arc::new(Plan { subjects: vec![Subject { name, digest, schedule: None, may_freeze: false, alarm_after }] })
}

fn status(last_success: Option<Timestamp>) -> Arc<Status> {
    let (name, activity, is_paused) = ("backup".to_owned(), Activity::Idle, false);
    let subject = SubjectStatus { name, activity, is_paused, next_due: None, last_start: None, last_success };
    Arc::new(Status { subjects: vec![subject] })
}

impl Fixture {
    async fn start(store: Store, clock: VirtualClock, last_success: Option<Timestamp>) -> Self {
        let (status, statuses) = watch::channel(status(last_success));
        let (plan, plans) = watch::channel(plan(Some(26 * HOUR)));
        let (identity, identities) = watch::channel(Identity::Unknown);
        let (approvals, waiting) = watch::channel(Arc::default());
        let link = watch::Sender::new(Link::Unused);
        let probes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&probes);
        let feed = store.follow();
        let sources = Sources {
            clock: Arc::new(clock.clone()),
            store: store.clone(),
            plan: plans,
            status: StatusReader::new(statuses),
            identity: identities,
            approvals: waiting,
            messages: Messages::new(Arc::new(clock.clone()), store.clone()).await.unwrap(),
            link: link.subscribe(),
            // The first time nobody answers.
            probe: Box::new(move || {
                let count = counted.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move { (count > 0).then(|| "expected AA, presented BB".to_owned()) })
            }),
        };
        let (watcher, findings) = Watcher::new(sources).await.unwrap();
        let watching = tokio::spawn(watcher.watch());
        Self { clock, store, feed, status, plan, identity, approvals, link, probes, findings, watching }
    }

    async fn new(last_success: Option<Timestamp>) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (Self::start(store, clock(), last_success).await, folder)
    }

    async fn event(&mut self) -> (EventKind, String) {
        let event = tokio::time::timeout(Duration::from_secs(60), self.feed.recv()).await.unwrap().unwrap();
        (event.kind, event.text.clone())
    }

    fn kinds(&self) -> Vec<FindingKind> {
        self.findings.borrow().iter().map(|finding| finding.kind).collect()
    }
}

fn clock() -> VirtualClock {
    VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn no_success_is_raised_once_to_the_minute_and_cleared_by_the_next_success() {
    let (mut fixture, _folder) = Fixture::new(Some("2026-11-26T02:30:00Z".parse().unwrap())).await;
    fixture.clock.run_for(18 * HOUR + HOUR / 2 - Duration::from_secs(1)).await;
    assert_eq!(fixture.kinds(), []);
    fixture.clock.run_for(Duration::from_secs(1)).await;
    assert_eq!(fixture.kinds(), [FindingKind::NoSuccess]);
    fixture.clock.run_for(48 * HOUR).await;
    let text = "no success of backup for longer than 1d 2h: the last one was at 2026-11-26T02:30:00Z";
    assert_eq!(fixture.event().await, (EventKind::FindingRaised, text.to_owned()));
    fixture.status.send_replace(status(Some(fixture.clock.now())));
    let (kind, found) = fixture.event().await;
    assert!(kind == EventKind::FindingCleared && found.starts_with("no more: no success of backup"), "{kind} {found}");
    assert_eq!(fixture.kinds(), []);
    assert_eq!(fixture.store.reader().findings().await.unwrap(), []);
}

#[tokio::test]
async fn what_became_too_old_while_no_controller_ran_is_said_at_the_start_and_not_again_after_a_restart() {
    let (mut fixture, _folder) = Fixture::new(Some("2026-11-20T02:30:00Z".parse().unwrap())).await;
    assert_eq!(fixture.event().await.0, EventKind::FindingRaised);
    fixture.watching.abort();
    let Fixture { store, clock, .. } = fixture;
    clock.run_for(HOUR).await;
    let mut fixture = Fixture::start(store, clock, Some("2026-11-20T02:30:00Z".parse().unwrap())).await;
    assert_eq!(fixture.kinds(), [FindingKind::NoSuccess]);
    fixture.clock.run_for(HOUR).await;
    fixture.plan.send_replace(plan(None));
    assert_eq!(fixture.event().await.0, EventKind::FindingCleared, "nothing was raised again before");
}

#[tokio::test]
async fn where_there_never_was_a_success_the_time_counts_from_the_first_start_over_restarts() {
    let (mut fixture, _folder) = Fixture::new(None).await;
    for _ in 0..3 {
        fixture.clock.run_for(8 * HOUR).await;
        assert_eq!(fixture.kinds(), []);
        // Written down before the restart.
        while fixture.store.reader().first_seen().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        fixture.watching.abort();
        let Fixture { store, clock, .. } = fixture;
        fixture = Fixture::start(store, clock, None).await;
    }
    fixture.clock.run_for(2 * HOUR).await;
    assert_eq!(fixture.kinds(), [FindingKind::NoSuccess]);
    assert!(fixture.event().await.1.contains("there was none since 2026-11-26T10:00:00Z"));
}

#[tokio::test]
async fn a_clock_that_is_set_back_hides_no_absence() {
    let (fixture, _folder) = Fixture::new(Some("2026-11-26T09:00:00Z".parse().unwrap())).await;
    fixture.clock.jump(SignedDuration::from_hours(-24 * 365));
    fixture.clock.run_for(25 * HOUR).await;
    assert_eq!(fixture.kinds(), []);
    fixture.clock.run_for(HOUR).await;
    assert_eq!(fixture.kinds(), [FindingKind::NoSuccess]);
}

#[tokio::test]
async fn another_agent_is_raised_with_both_fingerprints_and_cleared_when_the_pinned_one_answers() {
    let (mut fixture, _folder) = Fixture::new(Some(clock().now())).await;
    fixture.clock.run_for(Duration::from_secs(1)).await;
    fixture.identity.send_replace(Identity::Other);
    fixture.clock.run_for(Duration::from_secs(1)).await;
    assert_eq!((fixture.kinds(), fixture.probes.load(Ordering::SeqCst)), (vec![], 1));
    fixture.clock.run_for(10 * HOUR).await;
    assert_eq!(fixture.event().await, (EventKind::FindingRaised, "expected AA, presented BB".into()));
    assert_eq!(fixture.probes.load(Ordering::SeqCst), 2, "it is asked again until it is known, and no longer");
    fixture.identity.send_replace(Identity::Pinned);
    assert_eq!(fixture.event().await.0, EventKind::FindingCleared);
}

#[tokio::test]
async fn a_full_disk_is_found_told_from_memory_and_written_down_once_there_is_space() {
    let (mut fixture, _folder) = Fixture::new(Some(clock().now())).await;
    // What the watcher writes at its start is small enough for a full disk, and would show that there is space again.
    while fixture.store.reader().first_seen().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let set_pages = async |store: &Store, pages: i64| {
        let set = store.writer().write(move |tx| Ok(tx.savepoint.pragma_update(None, "max_page_count", pages)?));
        set.await.unwrap();
    };
    set_pages(&fixture.store, 1).await;
    let long = "x".repeat(100_000);
    let full = fixture.store.writer().write(move |tx| tx.first_seen(Timestamp::UNIX_EPOCH, &long));
    assert!(full.await.is_err());
    tokio::time::timeout(Duration::from_secs(60), fixture.findings.wait_for(|held| !held.is_empty()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(fixture.kinds(), [FindingKind::StateNotWritten]);
    set_pages(&fixture.store, 1_000_000).await;
    assert_eq!(fixture.event().await.0, EventKind::FindingRaised);
    assert_eq!(fixture.event().await.0, EventKind::FindingCleared);
    assert_eq!(fixture.kinds(), []);
}

fn waiting(id: i64, asked_at: Timestamp, wipe: Wipe) -> Approval {
    Approval {
        id: ApprovalId(id),
        digest: wipe.digest(),
        wipe,
        state: ApprovalState::Waiting,
        asked_at,
        expires_at: asked_at,
        decided_at: None,
        decided_by: String::new(),
        reason: String::new(),
    }
}

#[tokio::test]
async fn two_wipes_that_users_ask_for_are_two_findings_which_name_them() {
    let (mut fixture, _folder) = Fixture::new(Some("2026-11-26T02:30:00Z".parse().unwrap())).await;
    let wipes = ["/dev/sdb1", "/dev/sdc1"].map(|device| {
        let (subject, extension_sha256) = ("wipe".to_owned(), "user 1000 (process 7)".to_owned());
        Wipe { subject, extension_sha256, device: device.to_owned(), ..sample() }
    });
    let [first, second] = wipes.map(|wipe| waiting(7, fixture.clock.now(), wipe));
    fixture.approvals.send_replace(Arc::new(vec![first, second.clone()]));
    for device in ["/dev/sdb1", "/dev/sdc1"] {
        let (kind, text) = fixture.event().await;
        let expected = format!("user 1000 (process 7) asks whether {device} ");
        assert!(kind == EventKind::FindingRaised && text.starts_with(&expected), "{kind}: {text}");
    }
    fixture.approvals.send_replace(Arc::new(vec![second]));
    assert_eq!(fixture.event().await.0, EventKind::FindingCleared);
    assert_eq!(fixture.kinds(), [FindingKind::ApprovalWaiting]);
}

#[tokio::test]
async fn a_wipe_that_waits_is_found_with_what_to_do_until_it_is_decided() {
    let (mut fixture, _folder) = Fixture::new(Some("2026-11-26T02:30:00Z".parse().unwrap())).await;
    let asked_at = fixture.clock.now();
    fixture.approvals.send_replace(Arc::new(vec![waiting(7, asked_at, sample())]));
    let (kind, text) = fixture.event().await;
    assert_eq!((kind, fixture.kinds()), (EventKind::FindingRaised, vec![FindingKind::ApprovalWaiting]));
    assert!(text.contains("/dev/sdb1 (uuid:0f3c)") && text.contains("agentapi approvals show 7"), "{text}");
    assert!(text.ends_with(&format!("decide until {asked_at:.0}")), "{text}");
    fixture.approvals.send_replace(Arc::default());
    assert_eq!((fixture.event().await.0, fixture.kinds()), (EventKind::FindingCleared, vec![]));
}

#[tokio::test]
async fn a_bus_that_is_gone_is_told_after_some_minutes_and_cleared_when_it_answers() {
    let (mut fixture, _folder) = Fixture::new(Some(clock().now())).await;
    let minute = Duration::from_secs(60);
    let lost = Link::Lost { since: fixture.clock.now(), why: "connection refused".into() };
    fixture.link.send_replace(lost.clone());
    fixture.clock.run_for(4 * minute).await;
    fixture.link.send_replace(Link::Connected { since: fixture.clock.now() });
    fixture.clock.run_for(4 * minute).await;
    assert_eq!(fixture.kinds(), [], "a server that was started anew");

    fixture.link.send_replace(Link::Lost { since: fixture.clock.now(), why: "connection refused".into() });
    fixture.clock.run_for(5 * minute).await;
    assert_eq!(fixture.kinds(), [FindingKind::BusUnreachable]);
    let text =
        "the fleet's bus has not answered since 2026-11-26T10:08:00Z: connection refused; what is planned here goes on";
    assert_eq!(fixture.event().await, (EventKind::FindingRaised, text.to_owned()));
    fixture.link.send_replace(Link::Connected { since: fixture.clock.now() });
    assert_eq!(fixture.event().await.0, EventKind::FindingCleared);
    assert_eq!(fixture.kinds(), []);
}
