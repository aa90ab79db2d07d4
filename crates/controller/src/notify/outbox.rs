//! Decides who is to be told of what, and tells them until they have taken it.
//!
//! There is no queue: what is to be told is the difference between what holds and what each receiver was told. So a restart
//! goes on where it was, a receiver that was away for days is told what holds now, and nothing can pile up. The price is
//! that a controller which dies between a delivery and writing it down tells it twice.
//!
//! Each receiver has its own pace, with one delivery at a time, and a slow one holds up no other.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::SignedDuration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::{Clock, LONGEST_SLEEP, Monotonic};
use crate::finding::{Finding, FindingKind};
use crate::notify::{Delivery, Notice, NoticeState, Receiver};
use crate::store::{Backlog, Store, StoreError, Told};
use crate::watcher::Findings;

/// The receivers, as the configuration names them. Replaced whole at a reload.
pub type Receivers = Arc<Vec<Receiver>>;

/// What the outbox reads.
pub struct Sources {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where is kept who was told of what.
    pub store: Store,
    /// The guest's name.
    pub guest: String,
    /// What holds.
    pub findings: watch::Receiver<Findings>,
    /// Who is told.
    pub receivers: watch::Receiver<Receivers>,
}

/// Tells people of findings.
pub struct Outbox {
    sources: Sources,
    backlog: Backlog,
    told: BTreeMap<Key, Told>,
    paces: BTreeMap<String, Pace>,
    ended: mpsc::UnboundedReceiver<Ended>,
    ender: mpsc::UnboundedSender<Ended>,
    deliveries: JoinSet<()>,
}

/// Receiver, kind and subject.
type Key = (String, FindingKind, String);

/// When a receiver may be told the next thing.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    is_busy: bool,
    failures: u32,
    not_before: Monotonic,
}

/// A delivery that has ended.
struct Ended {
    receiver: String,
    state: NoticeState,
    finding: Finding,
    delivery: Delivery,
}

impl Outbox {
    /// Reads who was told of what. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub async fn new(sources: Sources) -> Result<Self, StoreError> {
        let told = sources.store.reader().told().await?;
        let told = told.into_iter().map(|told| (key(&told.receiver, &told.finding), told)).collect();
        let backlog = Backlog::new(Arc::clone(&sources.clock), sources.store.clone());
        let (ender, ended) = mpsc::unbounded_channel();
        let (paces, deliveries) = (BTreeMap::new(), JoinSet::new());
        Ok(Self { sources, backlog, told, paces, ended, ender, deliveries })
    }

    /// Delivers for ever: to be aborted at the end of the process, which ends what is being delivered. The next start tells
    /// what was not.
    pub async fn deliver(mut self) {
        loop {
            self.forget_receivers_that_are_gone();
            let until_next = self.begin_deliveries();
            tokio::select! {
                Some(ended) = self.ended.recv() => self.take(ended),
                is_there = self.sources.findings.changed() => if is_there.is_err() { return },
                Ok(()) = self.sources.receivers.changed() => {}
                () = self.sources.clock.sleep(until_next) => {}
            }
            while self.deliveries.try_join_next().is_some() {}
        }
    }

    /// Says how long until somebody may be told something.
    fn begin_deliveries(&mut self) -> Duration {
        let monotonic = self.sources.clock.monotonic();
        let held = Arc::clone(&self.sources.findings.borrow_and_update());
        let receivers = Arc::clone(&self.sources.receivers.borrow_and_update());
        let mut until_next = LONGEST_SLEEP;
        for receiver in receivers.iter() {
            let pace = self.paces.get(&receiver.name).copied().unwrap_or_default();
            if pace.is_busy {
                continue;
            }
            let Some((state, finding)) = self.next_for(receiver, &held) else { continue };
            let left = pace.not_before.since(monotonic);
            if left.is_zero() {
                self.begin(receiver, state, finding);
            } else {
                until_next = until_next.min(left);
            }
        }
        until_next
    }

    /// What a receiver has not been told: what holds, before what holds no more.
    fn next_for(&self, receiver: &Receiver, held: &[Finding]) -> Option<(NoticeState, Finding)> {
        let now = self.sources.clock.now();
        let raised = held.iter().filter(|finding| finding.severity >= receiver.severity).find(|finding| {
            self.told.get(&key(&receiver.name, finding)).is_none_or(|told| {
                // Either way: a clock that was set back must not keep a finding silent for longer.
                let is_old = now.duration_since(told.at).abs() >= AGAIN_AFTER;
                let is_other = (&told.finding.text, told.finding.severity) != (&finding.text, finding.severity);
                is_other || (is_old && finding.kind.is_repeated())
            })
        });
        if let Some(finding) = raised {
            return Some((NoticeState::Raised, finding.clone()));
        }
        let is_held = |told: &Finding| held.iter().any(|held| held.kind == told.kind && held.subject == told.subject);
        let cleared = self.told.values().find(|told| told.receiver == receiver.name && !is_held(&told.finding));
        cleared.map(|told| (NoticeState::Cleared, told.finding.clone()))
    }

    fn begin(&mut self, receiver: &Receiver, state: NoticeState, finding: Finding) {
        self.paces.entry(receiver.name.clone()).or_default().is_busy = true;
        let notice = Notice::of(&self.sources.guest, state, &finding, self.sources.clock.now());
        let (delivering, ender) = (receiver.notifier.deliver(&notice), self.ender.clone());
        let receiver = receiver.name.clone();
        self.deliveries.spawn(async move {
            // A panic is a delivery that failed: the receiver must not stay busy for ever.
            let delivery = AssertUnwindSafe(delivering).catch_unwind().await;
            let delivery = delivery.unwrap_or_else(|_| Delivery::again("the delivery panicked"));
            // The outbox is gone only when the process ends.
            let _ = ender.send(Ended { receiver, state, finding, delivery });
        });
    }

    fn take(&mut self, ended: Ended) {
        let Ended { receiver, state, finding, delivery } = ended;
        let monotonic = self.sources.clock.monotonic();
        let pace = self.paces.entry(receiver.clone()).or_default();
        pace.is_busy = false;
        match delivery {
            Delivery::Delivered => {
                (pace.failures, pace.not_before) = (0, monotonic + BETWEEN_NOTICES);
                tracing::info!(receiver, kind = %finding.kind, "told of a finding");
            }
            Delivery::TryAgain { why, after } => {
                let pause =
                    after.unwrap_or(FIRST_PAUSE * 2_u32.pow(pace.failures.min(MAX_DOUBLINGS))).min(LONGEST_PAUSE);
                pace.failures = pace.failures.saturating_add(1);
                pace.not_before = monotonic + pause;
                tracing::warn!(receiver, why, pause_s = pause.as_secs(), "not told of a finding yet");
                return;
            }
            // As if told: it would be refused again. After a day, or when it changes, it is tried once more.
            Delivery::Refused { why } => {
                (pace.failures, pace.not_before) = (0, monotonic + BETWEEN_NOTICES);
                tracing::error!(receiver, why, kind = %finding.kind, "a notice was refused");
            }
        }
        self.remember(receiver, state, finding);
    }

    fn remember(&mut self, receiver: String, state: NoticeState, finding: Finding) {
        let key = key(&receiver, &finding);
        if state == NoticeState::Cleared {
            return self.forget(&key);
        }
        let told = Told { receiver, finding, at: self.sources.clock.now() };
        self.told.insert(key, told.clone());
        self.backlog.add(move |tx| tx.told(&told));
    }

    fn forget(&mut self, key: &Key) {
        self.told.remove(key);
        let (receiver, kind, subject) = key.clone();
        self.backlog.add(move |tx| tx.forget_told(&receiver, kind, &subject));
    }

    fn forget_receivers_that_are_gone(&mut self) {
        let receivers = Arc::clone(&self.sources.receivers.borrow());
        let is_there = |name: &str| receivers.iter().any(|receiver| receiver.name == name);
        let gone: Vec<_> = self.told.keys().filter(|(name, ..)| !is_there(name)).cloned().collect();
        gone.iter().for_each(|key| self.forget(key));
        self.paces.retain(|name, pace| pace.is_busy || is_there(name));
    }
}

fn key(receiver: &str, finding: &Finding) -> Key {
    (receiver.to_owned(), finding.kind, finding.subject.clone())
}

/// A finding that still holds is told again after a day.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// After the first delivery that failed; twice as long after each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Beyond that the pause is [`LONGEST_PAUSE`] anyhow.
const MAX_DOUBLINGS: u32 = 10;
/// An hour: whoever is back is told soon enough.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Between two notices to the same receiver: what comes and goes all the time is told six times a minute at most.
const BETWEEN_NOTICES: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
