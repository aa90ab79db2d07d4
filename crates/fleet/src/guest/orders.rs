//! Obeys orders: each once, and only if somebody has signed it whom this guest's own file allows.
//!
//! ```text
//! on the bus ─ verified ─► accepted ─► looked for ┬ a backup has begun since ─► done, by that run
//!                          (fsync)     in history ├ its time is over ─► given up
//!                                                 └ else: the owner is asked ─► done, by the run that was written down
//! ```
//!
//! A crash may come between any two of these. Before `accepted` is on the disk nothing was done, and the order still lies on
//! the bus. After it, the history decides: a run is written down, with the order that it is of, before it begins. So an order
//! is obeyed at most once. It is obeyed not at all where its time is over by the restart, or where the controller ended
//! between the run's being written down and its beginning; whoever issued it sees that in the events, and issues another.

mod journal;

use std::path::PathBuf;
use std::sync::Arc;

use agentapi_controller::action::{Action, Outcome, Refusal as NotDone};
use agentapi_controller::actor::Actor;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::run::RunId;
use agentapi_controller::run::host::BACKUP;
use agentapi_controller::store::{RunFilter, StoreError};
use agentapi_host::error_chain;

use crate::bus::{Bus, BusError, Table};
use crate::guest::orders::journal::{Journal, Known, State, Taken};
use crate::guest::refusals::Refusals;
use crate::heartbeat::EVERY;
use crate::name::GuestName;
use crate::order::{Op, Order};
use crate::signed::allowed::AllowedSigners;
use crate::signed::{Refusal, Signed, Verified, listed};

/// The orders of one guest.
pub struct Orders {
    companion: Companion,
    bus: Arc<dyn Bus>,
    name: GuestName,
    allowed_signers: Option<PathBuf>,
    refusals: Refusals,
}

/// Why orders were not looked at to the end. They are again, later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// The bus does not answer.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The history cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The controller did not do it.
    #[error("it could not be done now")]
    NotDone(#[source] NotDone),
}

impl Orders {
    /// Of this guest. Without a file of allowed signers, each order is refused.
    pub fn new(companion: Companion, bus: Arc<dyn Bus>, name: GuestName, allowed_signers: Option<PathBuf>) -> Self {
        let refusals = Refusals::new(companion.clone(), EventKind::OrderRefused, "orders-refused");
        Self { companion, bus, name, allowed_signers, refusals }
    }

    /// Looks for ever, as often as the guest sends heartbeats. It waits while the disk is frozen.
    pub async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "orders are looked at later");
            }
            self.companion.clock.sleep(EVERY).await;
        }
    }

    /// Looks once, and returns when what is to be done is on its way.
    ///
    /// # Errors
    ///
    /// [`LookError`].
    pub async fn look(&mut self) -> Result<(), LookError> {
        // What was accepted before a crash does not wait for the bus.
        self.act().await?;
        let entry = self.bus.get(Table::Order, self.name.as_str()).await?;
        let list = match entry.as_ref().map(listed).transpose() {
            Ok(list) => list.unwrap_or_default(),
            Err(refusal) => return Ok(self.refusals.tell("list", "what lies there as orders", &refusal).await?),
        };
        self.note_gone(&list).await?;
        for (signed, Verified { statement, key }) in self.verified(&list).await? {
            self.accept(signed, statement, key).await?;
        }
        self.act().await
    }

    /// Those that count and are new, in the order of their numbers: an earlier one is not accepted after a later one.
    async fn verified(&mut self, list: &[Signed]) -> Result<Vec<(Signed, Verified<Order>)>, LookError> {
        let journal = Journal::read(&self.companion.store).await?;
        let new: Vec<_> =
            list.iter().filter(|signed| journal.known("", &signed.digest()) != Known::Same).cloned().collect();
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let signers = AllowedSigners::of(self.allowed_signers.as_deref());
        let now = self.companion.clock.now();
        let mut verified = Vec::new();
        for signed in new {
            let order = match &signers {
                Ok(signers) => signed.verify::<Order>(signers, &self.name, now),
                Err(refusal) => Err(refusal.clone()),
            };
            match order {
                Ok(order) => verified.push((signed, order)),
                Err(refusal) => self.refuse(&signed, &refusal).await?,
            }
        }
        verified.sort_by_key(|(_, order)| order.statement.seq);
        Ok(verified)
    }

    async fn refuse(&mut self, signed: &Signed, refusal: &Refusal) -> Result<(), StoreError> {
        let digest = signed.digest();
        // What it calls itself: until a signature is verified, no more is known.
        let id = serde_json::from_str::<Order>(&signed.text).map(|order| order.id).unwrap_or_default();
        let is_id = (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let what = if is_id { format!("order {id}") } else { "an order".to_owned() };
        self.refusals.tell(&digest, &what, refusal).await
    }

    /// What was taken and lies there no more is gone for good: lying there again, it is replayed.
    async fn note_gone(&self, list: &[Signed]) -> Result<(), StoreError> {
        let digests: Vec<_> = list.iter().map(Signed::digest).collect();
        let journal = Journal::read(&self.companion.store).await?;
        if journal.taken.iter().all(|taken| taken.is_gone || digests.contains(&taken.digest)) {
            return Ok(());
        }
        let note = move |journal: &mut Journal| {
            for taken in &mut journal.taken {
                taken.is_gone |= !digests.contains(&taken.digest);
            }
        };
        Journal::change(&self.companion.store, note, None).await
    }

    /// Writes it down as accepted, with an event, if it is not a replay.
    async fn accept(&mut self, signed: Signed, order: Order, key: String) -> Result<(), StoreError> {
        let digest = signed.digest();
        let journal = Journal::read(&self.companion.store).await?;
        let is_late = journal.last.get(&key).is_some_and(|last| order.seq <= *last);
        if is_late || journal.known(&order.id, &digest) != Known::Not {
            return self.refuse(&signed, &Refusal::Replayed).await;
        }
        let (at, Order { id, issued_by, not_after, seq, op, .. }) = (self.companion.clock.now(), order);
        let Op::Backup = op;
        let text = format!("order {id} of {issued_by} is accepted: a backup now");
        let state = State::Accepted { at };
        let taken = Taken { id, digest, issued_by, not_after, state, is_gone: false };
        let accept = move |journal: &mut Journal| {
            journal.forget(at);
            journal.last.insert(key, seq);
            journal.taken.push(taken);
        };
        let (kind, severity, subject) = (EventKind::OrderAccepted, Severity::Info, BACKUP.to_owned());
        let event = NewEvent { kind, severity, subject, run: None, text };
        Journal::change(&self.companion.store, accept, Some((at, event))).await
    }

    /// Does what was accepted and is not known to be done.
    async fn act(&mut self) -> Result<(), LookError> {
        for taken in Journal::read(&self.companion.store).await?.taken {
            let State::Accepted { at } = taken.state else { continue };
            let actor = Actor::Signer { name: taken.issued_by.clone(), what: format!("order {}", taken.id) };
            if let Some(run) = self.run_since(at, &actor).await? {
                self.end(&taken.id, State::Done { run: run.0 }).await?;
                continue;
            }
            if self.companion.clock.now() >= taken.not_after {
                let refusal = Refusal::Expired { not_after: taken.not_after };
                self.give_up(&taken, &refusal).await?;
                continue;
            }
            match self.companion.actions.ask(Action::RunNow { subject: BACKUP.to_owned() }, actor).await {
                Ok(Outcome::Run(run)) => self.end(&taken.id, State::Done { run: run.0 }).await?,
                Ok(_) => {}
                Err(why @ NotDone::NoSubject(_)) => self.give_up(&taken, &Refusal::Impossible(why.to_string())).await?,
                Err(why) => return Err(LookError::NotDone(why)),
            }
        }
        Ok(())
    }

    /// The run that the order has had, or another backup that has begun since it was accepted: the order may have waited with
    /// that one.
    async fn run_since(&self, accepted: jiff::Timestamp, actor: &Actor) -> Result<Option<RunId>, StoreError> {
        let filter = RunFilter { subject: Some(BACKUP.to_owned()), ..RunFilter::default() };
        let runs = self.companion.store.reader().runs(filter, None, MAX_RUNS).await?.items;
        // In the words of the owner.
        let reason = format!("asked for by {actor}");
        let is_since = |started: Option<jiff::Timestamp>| started.is_some_and(|started| started >= accepted);
        Ok(runs.into_iter().find(|run| run.reason == reason || is_since(run.started_at)).map(|run| run.id))
    }

    async fn give_up(&mut self, taken: &Taken, refusal: &Refusal) -> Result<(), StoreError> {
        self.refusals.tell(&taken.digest, &format!("order {}", taken.id), refusal).await?;
        self.end(&taken.id, State::GivenUp).await
    }

    async fn end(&self, id: &str, state: State) -> Result<(), StoreError> {
        let id = id.to_owned();
        let end = move |journal: &mut Journal| {
            for taken in journal.taken.iter_mut().filter(|taken| taken.id == id) {
                taken.state = state;
            }
        };
        Journal::change(&self.companion.store, end, None).await
    }
}

/// Runs that are looked through: more than begin while an order counts.
const MAX_RUNS: u32 = 1000;
const MAX_ID_BYTES: usize = 64;
