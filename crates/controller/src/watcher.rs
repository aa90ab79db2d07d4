//! The task that knows which conditions hold. It reads what others publish and the clock, waits for nobody, and publishes
//! what it finds. That is written down by a task beside it, for as long as that takes.
//!
//! What it finds is computed from the state each time, so that a start and a wake-up take the same path: a controller that
//! was not running when the last success became too old says so when it starts.

mod absence;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::approval::{Approval, Waiting, Wipe};
use crate::calls::Identity;
use crate::clock::{Clock, LONGEST_SLEEP};
use crate::config::extension::WIPE;
use crate::finding::{Finding, FindingKind};
use crate::link::Link;
use crate::messages::Messages;
use crate::owner::StatusReader;
use crate::plan::Plan;
use crate::store::{Backlog, Store, StoreError};

use absence::Absence;

/// What the watcher reads.
pub struct Sources {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What is kept over restarts.
    pub store: Store,
    /// How long there may be no success.
    pub plan: watch::Receiver<Arc<Plan>>,
    /// When there was one.
    pub status: StatusReader,
    /// Whom the agent has shown to be.
    pub identity: watch::Receiver<Identity>,
    /// The wipes that wait for a person.
    pub approvals: watch::Receiver<Waiting>,
    /// What extensions have raised, which looks after its own store.
    pub messages: Messages,
    /// How it is with the fleet's bus.
    pub link: watch::Receiver<Link>,
    /// Asks the agent again.
    pub probe: Probe,
}

/// Asks an agent that was another one than the pinned one again: the text of the mismatch with both fingerprints, or none
/// if there is none, or no answer.
pub type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// Knows which conditions hold.
pub struct Watcher {
    sources: Sources,
    failure: watch::Receiver<Option<String>>,
    messages: watch::Receiver<Findings>,
    held: BTreeMap<Key, Finding>,
    absences: BTreeMap<String, Absence>,
    first_seen: BTreeMap<String, Timestamp>,
    published: watch::Sender<Findings>,
    backlog: Backlog,
}

/// What holds, the oldest kind first. Read without waiting.
pub type Findings = Arc<Vec<Finding>>;

type Key = (FindingKind, String);

impl Watcher {
    /// Reads what held when an earlier controller ended, and returns where findings are published. Must be called within a
    /// runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub async fn new(sources: Sources) -> Result<(Self, watch::Receiver<Findings>), StoreError> {
        let reader = sources.store.reader();
        let findings = reader.findings().await?;
        let first_seen = reader.first_seen().await?;
        let own = findings.into_iter().filter(|finding| finding.kind != FindingKind::ExtensionNotice);
        let held = own.map(|finding| ((finding.kind, finding.subject.clone()), finding)).collect();
        let (published, reader) = watch::channel(Arc::default());
        let backlog = Backlog::new(Arc::clone(&sources.clock), sources.store.clone());
        let failure = sources.store.write_failure();
        let messages = sources.messages.raised();
        let mut watcher =
            Self { sources, failure, messages, held, absences: BTreeMap::new(), first_seen, published, backlog };
        watcher.publish();
        Ok((watcher, reader))
    }

    /// Watches for ever: to be aborted at the end of the process. What it has not written down is found again at the next
    /// start.
    pub async fn watch(mut self) {
        loop {
            let until_next = self.look_for_absences().min(self.look_at_the_bus());
            self.look_at_the_state();
            self.look_at_approvals();
            self.look_at_messages();
            // Before the agent is asked, which may take its time.
            self.publish();
            self.look_at_the_agent().await;
            self.publish();
            tokio::select! {
                is_there = self.sources.status.changed() => if !is_there { return },
                Ok(()) = self.sources.plan.changed() => {}
                Ok(()) = self.failure.changed() => {}
                Ok(()) = self.sources.identity.changed() => {}
                Ok(()) = self.sources.approvals.changed() => {}
                Ok(()) = self.messages.changed() => {}
                Ok(()) = self.sources.link.changed() => {}
                () = self.sources.clock.sleep(until_next) => {}
            }
        }
    }

    /// Says how long until one may begin.
    fn look_for_absences(&mut self) -> Duration {
        let (now, monotonic) = (self.sources.clock.now(), self.sources.clock.monotonic());
        let plan = Arc::clone(&self.sources.plan.borrow_and_update());
        let status = self.sources.status.get();
        let mut until_next = LONGEST_SLEEP;
        for subject in &plan.subjects {
            // Not there before the owner has looked at a new plan for the first time.
            let status = status.subjects.iter().find(|status| status.name == subject.name);
            let (Some(alarm_after), Some(status)) = (subject.alarm_after, status) else { continue };
            let first_seen = *self.first_seen.entry(subject.name.clone()).or_insert_with(|| {
                let name = subject.name.clone();
                self.backlog.add(move |tx| tx.first_seen(now, &name));
                now
            });
            let new = Absence::new(status.last_success, monotonic);
            let absence = self.absences.entry(subject.name.clone()).or_insert(new);
            absence.update(status.last_success, monotonic);
            let absence = *absence;
            let left = alarm_after.saturating_sub(absence.length(first_seen, now, monotonic));
            let key = (FindingKind::NoSuccess, subject.name.clone());
            if left.is_zero() {
                self.raise(key, absence.text(&subject.name, alarm_after, first_seen, status.is_paused));
            } else {
                self.clear(&key);
                until_next = until_next.min(left);
            }
        }
        let is_watched = |name: &str| plan.subject(name).is_some_and(|subject| subject.alarm_after.is_some());
        self.clear_those(|(kind, name)| *kind == FindingKind::NoSuccess && !is_watched(name));
        until_next
    }

    /// Says how long until it may be to be told. A server that is started anew is nothing to wake somebody for.
    fn look_at_the_bus(&mut self) -> Duration {
        let key = (FindingKind::BusUnreachable, CONTROLLER.to_owned());
        let link = self.sources.link.borrow_and_update().clone();
        let Link::Lost { since, why } = link else {
            self.clear(&key);
            return LONGEST_SLEEP;
        };
        let left = BUS_PATIENCE.saturating_sub(self.sources.clock.now().duration_since(since).unsigned_abs());
        if left.is_zero() {
            self.raise(
                key,
                format!("the fleet's bus has not answered since {since:.0}: {why}; what is planned here goes on"),
            );
            return LONGEST_SLEEP;
        }
        left
    }

    fn look_at_the_state(&mut self) {
        let key = (FindingKind::StateNotWritten, CONTROLLER.to_owned());
        let failure = self.failure.borrow_and_update().clone();
        match failure {
            Some(why) => self.raise(key, format!("what happens cannot be written down: {why}")),
            None => self.clear(&key),
        }
    }

    fn look_at_approvals(&mut self) {
        let waiting = Arc::clone(&self.sources.approvals.borrow_and_update());
        // An extension has one run at a time, and a run one request. Users of the API may ask for one wipe of each device.
        let subject_of = |wipe: &Wipe| if wipe.subject == WIPE { wipe.device.clone() } else { wipe.subject.clone() };
        for Approval { id, wipe, expires_at, .. } in waiting.iter() {
            let (Wipe { device, durable_id, .. }, asked_by) = (wipe, wipe.asked_by());
            let text = format!(
                "{asked_by} asks whether {device} ({durable_id}) may be wiped: look with agentapi approvals show {id}, and decide \
                 until {expires_at:.0}"
            );
            self.raise((FindingKind::ApprovalWaiting, subject_of(wipe)), text);
        }
        let waits = |subject: &str| waiting.iter().any(|approval| subject_of(&approval.wipe) == subject);
        self.clear_those(|(kind, subject)| *kind == FindingKind::ApprovalWaiting && !waits(subject));
    }

    /// An extension that is no longer configured can clear nothing.
    fn look_at_messages(&mut self) {
        let plan = Arc::clone(&self.sources.plan.borrow());
        self.sources.messages.clear_those_of_others(|extension| plan.subject(extension).is_some());
        self.messages.mark_unchanged();
    }

    async fn look_at_the_agent(&mut self) {
        let key = (FindingKind::PinMismatch, AGENT.to_owned());
        let identity = *self.sources.identity.borrow_and_update();
        match identity {
            // What held before a restart holds until a call has shown otherwise.
            Identity::Unknown => {}
            Identity::Pinned => self.clear(&key),
            Identity::Other if self.held.contains_key(&key) => {}
            // The summary of a call does not hold the fingerprints. Where there is no answer now, it is asked again with the
            // next look, a minute later at most.
            Identity::Other => {
                if let Some(text) = (self.sources.probe)().await {
                    self.raise(key, text);
                }
            }
        }
    }

    fn raise(&mut self, key: Key, text: String) {
        let known = self.held.get(&key);
        if known.is_some_and(|known| known.text == text) {
            return;
        }
        let at = self.sources.clock.now();
        let since = known.map_or(at, |known| known.since);
        let finding = Finding { kind: key.0, subject: key.1.clone(), severity: key.0.severity(), since, text };
        tracing::warn!(kind = %finding.kind, subject = finding.subject, text = finding.text, "a finding is raised");
        self.held.insert(key, finding.clone());
        self.backlog.add(move |tx| tx.raise(at, &finding));
    }

    fn clear_those(&mut self, are_gone: impl Fn(&Key) -> bool) {
        let gone: Vec<_> = self.held.keys().filter(|key| are_gone(key)).cloned().collect();
        gone.iter().for_each(|key| self.clear(key));
    }

    fn clear(&mut self, key: &Key) {
        let Some(finding) = self.held.remove(key) else { return };
        tracing::info!(kind = %finding.kind, subject = finding.subject, "a finding is cleared");
        let at = self.sources.clock.now();
        self.backlog.add(move |tx| tx.clear(at, &finding));
    }

    fn publish(&mut self) {
        let messages = Arc::clone(&self.messages.borrow());
        let held: Vec<_> = self.held.values().chain(messages.iter()).cloned().collect();
        self.published.send_if_modified(|known| {
            let is_new = **known != held;
            if is_new {
                *known = Arc::new(held);
            }
            is_new
        });
    }
}

/// How long the bus may be gone before somebody is told.
const BUS_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// The subject of what is about this program.
const CONTROLLER: &str = "controller";
/// The subject of what is about the agent.
const AGENT: &str = "agent";

#[cfg(test)]
mod tests;
