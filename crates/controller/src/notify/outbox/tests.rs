use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Outbox, Receivers, Sources};
use crate::clock::{Clock, VirtualClock};
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::notify::{Delivering, Delivery, Notice, NoticeState, Notifier, Receiver};
use crate::store::Store;
use crate::watcher::Findings;

/// Answers as the script says, and then always that it was delivered.
#[derive(Clone, Default)]
struct Script {
    told: Arc<Mutex<Vec<(NoticeState, String)>>>,
    answers: Arc<Mutex<VecDeque<Delivery>>>,
    never_ends: bool,
}

impl Notifier for Script {
    fn deliver(&self, notice: &Notice) -> Delivering {
        self.told.lock().unwrap().push((notice.state, notice.text.clone()));
        if self.never_ends {
            return Box::pin(std::future::pending());
        }
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Delivery::Delivered);
        Box::pin(async move {
            match answer {
                Delivery::Refused { why } if why == "panic" => panic!("out of paper"),
                answer => answer,
            }
        })
    }
}

struct Fixture {
    clock: VirtualClock,
    store: Store,
    script: Script,
    findings: watch::Sender<Findings>,
    receivers: watch::Sender<Receivers>,
    delivering: JoinHandle<()>,
    _folder: Arc<tempfile::TempDir>,
}

fn receiver(name: &str, severity: Severity, script: &Script) -> Receiver {
    Receiver { name: name.into(), severity, notifier: Arc::new(script.clone()) }
}

fn finding(text: &str) -> Finding {
    let (kind, severity) = (FindingKind::NoSuccess, Severity::Warning);
    let since = "2026-11-26T10:00:00Z".parse().unwrap();
    Finding { kind, subject: "backup".into(), severity, since, text: text.into() }
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let script = Script::default();
        let receivers = Arc::new(vec![receiver("ops", Severity::Warning, &script)]);
        Self::start(clock, store, script, receivers, Arc::default(), Arc::new(folder)).await
    }

    async fn start(
        clock: VirtualClock,
        store: Store,
        script: Script,
        receivers: Receivers,
        findings: Findings,
        folder: Arc<tempfile::TempDir>,
    ) -> Self {
        let (findings, held) = watch::channel(findings);
        let (receivers, told) = watch::channel(receivers);
        let outbox = Outbox::new(Sources {
            clock: Arc::new(clock.clone()),
            store: store.clone(),
            guest: "guest".into(),
            findings: held,
            receivers: told,
        });
        let delivering = tokio::spawn(outbox.await.unwrap().deliver());
        Self { clock, store, script, findings, receivers, delivering, _folder: folder }
    }

    /// After what is being written down is.
    async fn restart(self) -> Self {
        self.settle().await;
        self.delivering.abort();
        let (receivers, findings) = (self.receivers.borrow().clone(), self.findings.borrow().clone());
        Self::start(self.clock, self.store, self.script, receivers, findings, self._folder).await
    }

    /// Until a change that was asked for after all others is made, and whoever waited for those has been polled.
    async fn settle(&self) {
        for _ in 0..10 {
            self.run_for(0).await;
            self.store.writer().write(|_| Ok(())).await.unwrap();
        }
    }

    async fn run_for(&self, seconds: u64) {
        self.clock.run_for(Duration::from_secs(seconds)).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    async fn hold(&self, findings: &[Finding]) {
        self.findings.send_replace(Arc::new(findings.to_vec()));
        self.run_for(11).await;
    }

    fn take(&self) -> Vec<(NoticeState, String)> {
        std::mem::take(&mut self.script.told.lock().unwrap())
    }

    fn answer(&self, answers: impl IntoIterator<Item = Delivery>) {
        self.script.answers.lock().unwrap().extend(answers);
    }
}

fn again(after: Option<u64>) -> Delivery {
    Delivery::TryAgain { why: "away".into(), after: after.map(Duration::from_secs) }
}

const RAISED: NoticeState = NoticeState::Raised;
const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_finding_is_told_once_then_daily_and_when_it_changes_is_cleared_and_comes_again() {
    let fixture = Fixture::new().await;
    fixture.hold(&[finding("a")]).await;
    assert_eq!(fixture.take(), [(RAISED, "a".into())]);
    fixture.run_for(DAY - 100).await;
    assert_eq!(fixture.take(), []);
    fixture.run_for(200).await;
    assert_eq!(fixture.take(), [(RAISED, "a".into())]);
    fixture.hold(&[finding("b")]).await;
    assert_eq!(fixture.take(), [(RAISED, "b".into())]);
    fixture.hold(&[]).await;
    assert_eq!(fixture.take(), [(NoticeState::Cleared, "no more: b".into())]);
    fixture.run_for(3 * DAY).await;
    assert_eq!(fixture.take(), []);
    fixture.hold(&[finding("b")]).await;
    assert_eq!(fixture.take(), [(RAISED, "b".into())]);
}

#[tokio::test]
async fn who_was_told_is_not_told_again_after_a_restart_and_hears_of_the_end() {
    let fixture = Fixture::new().await;
    fixture.hold(&[finding("a")]).await;
    let fixture = fixture.restart().await;
    fixture.run_for(3600).await;
    assert_eq!(fixture.take(), [(RAISED, "a".into())]);
    fixture.settle().await;
    fixture.findings.send_replace(Arc::default());
    let fixture = fixture.restart().await;
    fixture.run_for(3600).await;
    assert_eq!(fixture.take(), [(NoticeState::Cleared, "no more: a".into())]);
    fixture.settle().await;
    assert_eq!(fixture.store.reader().told().await.unwrap(), []);
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_ever_later_and_after_a_restart_and_delivered_once() {
    let fixture = Fixture::new().await;
    fixture.answer([again(None), again(None), again(Some(600)), Delivery::Refused { why: "panic".into() }]);
    fixture.hold(&[finding("a")]).await;
    assert_eq!(fixture.take().len(), 1);
    fixture.run_for(4).await;
    assert_eq!(fixture.take().len(), 1, "after 15 s");
    fixture.run_for(29).await;
    assert_eq!(fixture.take().len(), 0);
    fixture.run_for(1).await;
    assert_eq!(fixture.take().len(), 1, "after 30 s");
    fixture.run_for(599).await;
    assert_eq!(fixture.take().len(), 0, "as the receiver asked");
    fixture.run_for(1).await;
    assert_eq!(fixture.take().len(), 1);
    let fixture = fixture.restart().await;
    fixture.run_for(3600).await;
    assert_eq!(fixture.take(), [(RAISED, "a".into())]);
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again_before_it_changes() {
    let fixture = Fixture::new().await;
    fixture.answer([Delivery::Refused { why: "gone".into() }]);
    fixture.hold(&[finding("a")]).await;
    fixture.run_for(DAY / 2).await;
    assert_eq!(fixture.take().len(), 1);
    fixture.hold(&[finding("b")]).await;
    assert_eq!(fixture.take(), [(RAISED, "b".into())]);
}

#[tokio::test]
async fn a_receiver_that_hangs_and_a_store_that_is_parked_hold_up_no_other() {
    let fixture = Fixture::new().await;
    let hanging = Script { never_ends: true, ..Script::default() };
    let strict = Script::default();
    let receivers = [
        receiver("hangs", Severity::Info, &hanging),
        receiver("ops", Severity::Warning, &fixture.script),
        receiver("strict", Severity::Critical, &strict),
    ];
    fixture.receivers.send_replace(Arc::new(receivers.into()));
    let _parked = fixture.store.park();
    fixture.hold(&[finding("a")]).await;
    fixture.hold(&[finding("b")]).await;
    assert_eq!(fixture.take(), [(RAISED, "a".into()), (RAISED, "b".into())]);
    assert_eq!(hanging.told.lock().unwrap().len(), 1, "one at a time");
    assert_eq!(*strict.told.lock().unwrap(), [], "it is told of what is critical only");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_finding_silent() {
    let fixture = Fixture::new().await;
    fixture.hold(&[finding("a")]).await;
    assert_eq!(fixture.take().len(), 1);
    fixture.clock.jump(SignedDuration::from_hours(-24 * 365));
    fixture.run_for(61).await;
    assert_eq!(fixture.take().len(), 1);
    assert!(fixture.clock.now() < finding("a").since);
}

#[tokio::test]
async fn who_is_no_longer_in_the_configuration_is_forgotten() {
    let fixture = Fixture::new().await;
    fixture.hold(&[finding("a")]).await;
    fixture.settle().await;
    assert_eq!(fixture.store.reader().told().await.unwrap().len(), 1);
    fixture.receivers.send_replace(Arc::default());
    fixture.settle().await;
    assert_eq!(fixture.store.reader().told().await.unwrap(), []);
}
