//! The one task that activates runs and gives out permits. Due times, actions and the ends of runs come together here.
//!
//! - It never waits for the store, the agent or a run: all that takes time is done by a task for each run.
//! - What to do is read from the state. A start, a reload and a wake-up take the same path.
//! - A due time is dealt with once: by a run, or by a line that says why there was none.

mod activation;
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
use crate::gate::Gate;
use crate::plan::Plan;
use crate::run::{RunId, Runner};
use crate::store::{ScheduleState, Store, StoreError, Tx};

pub use handle::OwnerHandle;
pub use status::{Activity, Status, StatusReader, SubjectStatus};

use answers::Reply;
use entry::Entry;
use permits::Claim;
use task::{Note, Ticket};

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
