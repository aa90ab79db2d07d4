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
//! is obeyed at most once. It is obeyed not at all where its time is over by the restart, or where the controller ended after
//! the run was written down and before the agent was asked; whoever issued it sees that in the events, and issues another.

use agentapi_controller::action::{Action, Outcome, Refusal as NotDone};
use agentapi_controller::actor::Actor;
use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::run::RunId;
use agentapi_controller::run::host::BACKUP;
use agentapi_controller::store::{RunFilter, StoreError};
use agentapi_host::error_chain;
use jiff::Timestamp;

use crate::guest::inbox::{Inbox, LookError, Source};
use crate::guest::journal::{Journal, Known, State, Taken};
use crate::heartbeat::EVERY;
use crate::order::{CLOCK_SLACK, Op, Order};
use crate::signed::{Refusal, Signed, Verified};

/// The orders of one guest.
pub struct Orders {
    inbox: Inbox<Order>,
}

impl Orders {
    /// Of this guest. Without a file of allowed signers, each order is refused.
    pub fn new(source: Source) -> Self {
        Self { inbox: Inbox::new(source, EventKind::OrderRefused, "orders", "orders-refused") }
    }

    /// Looks for ever, as often as the guest sends heartbeats. It waits while the disk is frozen.
    pub async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "orders are looked at later");
            }
            self.inbox.companion.clock.sleep(EVERY).await;
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
        let mut orders = self.inbox.new_ones().await?;
        // An earlier one is not accepted after a later one.
        orders.sort_by_key(|(_, order)| order.statement.seq);
        for (signed, Verified { statement, key }) in orders {
            self.accept(signed, statement, key).await?;
        }
        self.act().await
    }

    /// Writes it down as accepted, with an event, if it is not a replay.
    async fn accept(&mut self, signed: Signed, order: Order, key: String) -> Result<(), StoreError> {
        let digest = signed.digest();
        let (journal, since) = (self.inbox.journal.read().await?, self.since().await?);
        if order.not_before < since - CLOCK_SLACK {
            return self.inbox.refuse(&signed, &Refusal::Unremembered { since }).await;
        }
        let is_late = journal.last.get(&key).is_some_and(|last| order.seq <= *last);
        if is_late || journal.known(&order.id, &digest) != Known::Not {
            return self.inbox.refuse(&signed, &Refusal::Replayed).await;
        }
        let (at, Order { id, issued_by, not_after, seq, op, .. }) = (self.inbox.companion.clock.now(), order);
        let Op::Backup = op;
        let text = format!("order {id} of {issued_by} is accepted: a backup now");
        let state = State::Accepted { at };
        let taken = Taken { id, digest, issued_by, not_after, state, is_gone: false };
        let accept = move |journal: &mut Journal| {
            journal.forget(at);
            journal.since = Some(since);
            journal.last.insert(key, seq);
            journal.taken.push(taken);
        };
        let (kind, severity, subject) = (EventKind::OrderAccepted, Severity::Info, BACKUP.to_owned());
        let event = NewEvent { kind, severity, subject, run: None, text };
        self.inbox.journal.change(accept, Some((at, event))).await
    }

    /// Since when it is known which orders were obeyed: the beginning of the history, if none was yet.
    async fn since(&self) -> Result<Timestamp, StoreError> {
        if let Some(since) = self.inbox.journal.read().await?.since {
            return Ok(since);
        }
        let oldest = self.inbox.companion.store.reader().events_after(0, 1).await?;
        let now = self.inbox.companion.clock.now();
        // A machine may have started with a clock that was ahead.
        Ok(oldest.first().map_or(now, |event| event.at.min(now)))
    }

    /// Does what was accepted and is not known to be done.
    async fn act(&mut self) -> Result<(), LookError> {
        for taken in self.inbox.journal.read().await?.taken {
            let State::Accepted { at } = taken.state else { continue };
            let actor = Actor::Signer { name: taken.issued_by.clone(), what: format!("order {}", taken.id) };
            if let Some(run) = self.run_since(at, &actor).await? {
                self.end(&taken.id, State::Done { run: run.0 }).await?;
                continue;
            }
            if self.inbox.companion.clock.now() >= taken.not_after {
                let refusal = Refusal::Expired { not_after: taken.not_after };
                self.give_up(&taken, &refusal).await?;
                continue;
            }
            match self.inbox.companion.actions.ask(Action::RunNow { subject: BACKUP.to_owned() }, actor).await {
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
    async fn run_since(&self, accepted: Timestamp, actor: &Actor) -> Result<Option<RunId>, StoreError> {
        let filter = RunFilter { subject: Some(BACKUP.to_owned()), ..RunFilter::default() };
        let runs = self.inbox.companion.store.reader().runs(filter, None, MAX_RUNS).await?.items;
        // In the words of the owner.
        let reason = format!("asked for by {actor}");
        let is_since = |started: Option<Timestamp>| started.is_some_and(|started| started >= accepted);
        Ok(runs.into_iter().find(|run| run.reason == reason || is_since(run.started_at)).map(|run| run.id))
    }

    async fn give_up(&mut self, taken: &Taken, refusal: &Refusal) -> Result<(), StoreError> {
        self.inbox.tell(&taken.digest, &format!("order {}", taken.id), refusal).await?;
        self.end(&taken.id, State::GivenUp).await
    }

    async fn end(&self, id: &str, state: State) -> Result<(), StoreError> {
        let id = id.to_owned();
        let end = move |journal: &mut Journal| {
            for taken in journal.taken.iter_mut().filter(|taken| taken.id == id) {
                taken.state = state;
            }
        };
        self.inbox.journal.change(end, None).await
    }
}

/// Runs that are looked through: more than begin while an order counts.
const MAX_RUNS: u32 = 1000;
