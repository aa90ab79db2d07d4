//! The one task that activates runs and gives out permits. Due times, actions and the ends of runs come together here.
//!
//! - It never waits for the store, the agent or a run: all that takes time is done by a task for each run.
//! - What to do is read from the state. A start, a reload and a wake-up take the same path.
//! - A due time is dealt with once: by a run, or by a line that says why there was none.

mod answers;
mod entry;
mod handle;
mod notes;
mod permits;
mod status;
mod subjects;
mod taken_up;
mod task;
mod wipe;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::action::{Actions, Request};
use crate::clock::{Clock, LONGEST_SLEEP};
use crate::event::{EventKind, NewEvent, Severity};
use crate::gate::Gate;
use crate::plan::{Plan, Subject};
use crate::run::{RunId, Runner};
use crate::store::{ScheduleState, Store, StoreError, Tx};

pub use handle::OwnerHandle;
pub use status::{Activity, Status, StatusReader, SubjectStatus};

use answers::Reply;
use entry::{Due, Entry};
use permits::{Claim, permitted};
use task::{Activation, Note, RunTask, Ticket, Why};

/// The owner, before its task begins.
pub struct Owner {
    clock: Arc<dyn Clock>,
    store: Store,
    runner: Arc<dyn Runner>,
    gate: Arc<dyn Gate>,
    plan: watch::Receiver<Arc<Plan>>,
    requests: mpsc::Receiver<Request>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
    notes: mpsc::UnboundedReceiver<Note>,
    noter: mpsc::UnboundedSender<Note>,
    entries: Vec<Entry>,
    /// Of the subjects that are not in the plan: a configuration may have them again.
    remembered: BTreeMap<String, ScheduleState>,
    runs: Vec<OpenRun>,
    next_ticket: Ticket,
    tasks: TaskTracker,
    status: watch::Sender<Arc<Status>>,
}

/// A run that waits or runs.
struct OpenRun {
    ticket: Ticket,
    run: Option<RunId>,
    claim: Claim,
    /// An earlier controller left it open.
    is_taken_up: bool,
    since: jiff::Timestamp,
    permit: Option<oneshot::Sender<()>>,
    stop: CancellationToken,
    /// An owner that is gone, by a panic too, leaves no run behind that nobody can stop.
    _stops_with_the_owner: DropGuard,
    /// Who asked for it and waits for its number.
    asked: Vec<Reply>,
    due: Option<jiff::Timestamp>,
}

impl Owner {
    /// Reads what is remembered of the schedules, and takes up the runs that an earlier controller left open.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub async fn new(
        clock: Arc<dyn Clock>,
        store: Store,
        runner: Arc<dyn Runner>,
        gate: Arc<dyn Gate>,
        plan: watch::Receiver<Arc<Plan>>,
    ) -> Result<(Self, OwnerHandle), StoreError> {
        let (actions, requests) = Actions::channel();
        let (pinger, pings) = mpsc::channel(1);
        let (noter, notes) = mpsc::unbounded_channel();
        let (status, reader) = watch::channel(Arc::default());
        let handle = OwnerHandle { actions, status: StatusReader::new(reader), pings: pinger };
        let (entries, runs, tasks) = (Vec::new(), Vec::new(), TaskTracker::new());
        let (remembered, next_ticket) = (store.reader().schedules().await?, 0);
        let mut owner = Self {
            clock,
            store,
            runner,
            gate,
            plan,
            requests,
            pings,
            notes,
            noter,
            entries,
            remembered,
            runs,
            next_ticket,
            tasks,
            status,
        };
        owner.take_up_open_runs().await?;
        owner.take_plan();
        owner.publish();
        Ok((owner, handle))
    }

    /// Works until it is told to stop; then stops all runs, and returns when each has ended and is written down.
    pub async fn work(mut self, stop: CancellationToken) {
        loop {
            self.activate_due();
            self.give_permits();
            self.publish();
            let next = self.next_due();
            let sleep = next.map_or_else(|| self.clock.sleep(LONGEST_SLEEP), |next| self.clock.sleep_towards(next));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(note) = self.notes.recv() => self.take_note(note),
                Some(ping) = self.pings.recv() => drop(ping.send(())),
                Some(request) = self.requests.recv() => self.answer(request),
                Ok(()) = self.plan.changed() => self.take_plan(),
                () = sleep => {}
            }
        }
        self.requests.close();
        // Tells the tasks that nobody waits for what cannot be written down.
        self.notes.close();
        // What waits ends, because its permit is dropped; what runs is told to.
        self.runs.clear();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn next_due(&self) -> Option<jiff::Timestamp> {
        // The end of a run that is taken up wakes the owner. Its subject may have been due for long: a sleep until then is none.
        let entries = self.entries.iter().filter(|entry| !self.is_taking_up(&entry.subject.name));
        entries.filter_map(Entry::next_due).min()
    }

    fn activate_due(&mut self) {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        for place in 0..self.entries.len() {
            let Some(name) = self.entries.get(place).map(|entry| entry.subject.name.clone()) else { break };
            // What passed while no controller was here is made up for after the run that the earlier one left open.
            if self.is_taking_up(&name) {
                continue;
            }
            let Some(entry) = self.entries.get_mut(place) else { break };
            let is_open = self.runs.iter().any(|run| run.claim.subject == name);
            match entry.due(now, monotonic) {
                Due::NotYet => {}
                Due::Skip { due, why } => {
                    entry.deal_with(due);
                    self.skip(name, due, why);
                }
                Due::Run { due, .. } if is_open => {
                    entry.deal_with(due);
                    self.skip(name, due, "the run before it has not ended".into());
                }
                Due::Run { due, why } => {
                    entry.deal_with(due);
                    let subject = entry.subject.clone();
                    self.activate(&subject, Why { reason: why, due: Some(due), by_person: false }, None);
                }
            }
        }
    }

    /// Writes down that a due time passed without a run.
    fn skip(&self, subject: String, due: jiff::Timestamp, why: String) {
        let at = self.clock.now();
        self.post(move |tx| {
            tx.dealt_with(&subject, due)?;
            let text = format!("not run at {due}: {why}");
            tx.event(
                at,
                NewEvent { kind: EventKind::RunSkipped, severity: Severity::Warning, subject, run: None, text },
            )
        });
    }

    fn activate(&mut self, subject: &Subject, why: Why, asked: Option<Reply>) {
        let Subject { name, digest, may_freeze, .. } = subject.clone();
        let activation = Activation { subject: name, digest, why, wipe: None };
        self.queue(activation, may_freeze, asked);
    }

    fn queue(&mut self, activation: Activation, may_freeze: bool, asked: Option<Reply>) {
        let wipes = activation.wipe.as_ref().map(|wipe| wipe.order.device.clone());
        let subject = activation.subject.clone();
        let claim = Claim { subject, may_freeze, wipes, is_admitted: false, has_permit: false };
        let (task, mut open) = self.open(claim, activation.why.due);
        let (permit, permitted) = oneshot::channel();
        open.permit = Some(permit);
        open.asked.extend(asked);
        self.runs.push(open);
        self.tasks.spawn(task.activate(activation, permitted));
    }

    fn open(&mut self, claim: Claim, due: Option<jiff::Timestamp>) -> (RunTask, OpenRun) {
        let ticket = self.take_ticket();
        let stop = CancellationToken::new();
        let task = RunTask {
            ticket,
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            runner: Arc::clone(&self.runner),
            gate: Arc::clone(&self.gate),
            stop: stop.clone(),
            notes: self.noter.clone(),
        };
        let since = self.clock.now();
        let _stops_with_the_owner = stop.clone().drop_guard();
        let (asked, is_taken_up) = (Vec::new(), false);
        (
            task,
            OpenRun {
                ticket,
                run: None,
                claim,
                is_taken_up,
                since,
                permit: None,
                stop,
                _stops_with_the_owner,
                asked,
                due,
            },
        )
    }

    fn give_permits(&mut self) {
        let claims: Vec<_> = self.runs.iter().map(|run| run.claim.clone()).collect();
        let now = self.clock.now();
        for place in permitted(&claims) {
            let Some(run) = self.runs.get_mut(place) else { continue };
            run.claim.has_permit = true;
            run.since = now;
            if let Some(permit) = run.permit.take() {
                // A task that has ended meanwhile says so by a note.
                let _ = permit.send(());
            }
            let subject = run.claim.subject.clone();
            self.state_of(&subject).last_start_at = Some(now);
        }
    }

    /// Later ones are greater.
    fn take_ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn remove(&mut self, ticket: Ticket) -> Option<OpenRun> {
        let place = self.runs.iter().position(|run| run.ticket == ticket)?;
        Some(self.runs.remove(place))
    }

    fn publish(&self) {
        let subjects = self.entries.iter().map(|entry| {
            let run = self.runs.iter().find(|run| run.claim.subject == entry.subject.name);
            let activity = match run {
                None => Activity::Idle,
                Some(run) if run.claim.has_permit => Activity::Running { run: run.run, since: run.since },
                Some(run) => Activity::Waiting { run: run.run },
            };
            entry.status(activity)
        });
        let status = Status { subjects: subjects.collect() };
        self.status.send_if_modified(|old| {
            let is_new = **old != status;
            if is_new {
                *old = Arc::new(status);
            }
            is_new
        });
    }

    fn post(&self, change: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static) {
        let written = self.store.writer().write(change);
        self.tasks.spawn(async move {
            if let Err(why) = written.await {
                tracing::error!(error = %why, "not written down");
            }
        });
    }
}

#[cfg(test)]
mod tests;
