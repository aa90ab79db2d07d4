//! The life of one run, in a task of its own: written down, permitted, begun, run, ended, and the end written down.
//!
//! The owner never waits for the store, which may be parked for hours: it has to stop runs meanwhile. These tasks do, so that
//! nothing begins that is not written down, and what begins during a freeze begins after the thaw.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::actor::Actor;
use crate::clock::Clock;
use crate::gate::{Entering, Gate, Pass};
use crate::run::{AskedWipe, Run, RunContext, RunEnd, RunId, RunState, Runner};
use crate::store::{Store, StoreError};

/// What the task of a run needs.
pub(super) struct RunTask {
    pub(super) ticket: Ticket,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runner: Arc<dyn Runner>,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) stop: CancellationToken,
    pub(super) notes: mpsc::UnboundedSender<Note>,
}

/// The owner's own number of a run, before the store has given it one.
pub(super) type Ticket = u64;

/// What a task tells the owner.
#[derive(Debug)]
pub(super) enum Note {
    /// The store has given it a number.
    Numbered(Ticket, RunId),
    /// It is written down, and nobody outside of this guest holds it back.
    Admitted(Ticket),
    /// It could not be written down, and does not begin.
    NotWritten(Ticket, StoreError),
    /// It has ended at this time, and that is written down: the permit is free.
    Ended(Ticket, RunState, jiff::Timestamp),
    /// That a schedule is paused, or goes on, could not be written down.
    PauseNotWritten { ticket: Ticket, subject: String },
}

/// A run that is to be.
#[derive(Debug)]
pub(super) struct Activation {
    pub(super) subject: String,
    pub(super) digest: String,
    pub(super) why: Why,
    /// What it is to wipe, and nothing else, if it is.
    pub(super) wipe: Option<AskedWipe>,
}

/// Why a run is activated.
#[derive(Debug)]
pub(super) struct Why {
    pub(super) reason: String,
    /// The due time that this deals with.
    pub(super) due: Option<jiff::Timestamp>,
    pub(super) by_person: bool,
}

impl Why {
    /// Somebody asks for it now.
    pub(super) fn asked(actor: &Actor) -> Self {
        Self { reason: format!("asked for by {actor}"), due: None, by_person: actor.is_person() }
    }
}

impl RunTask {
    /// A new run.
    pub(super) async fn activate(self, activation: Activation, permit: oneshot::Receiver<()>) {
        let Activation { subject, digest, why: Why { reason, due, by_person }, wipe } = activation;
        let (name, why, at) = (subject.clone(), reason.clone(), self.clock.now());
        let queued = self.store.writer().write(move |tx| {
            if let Some(due) = due {
                tx.dealt_with(&name, due)?;
            }
            tx.queue_run(at, &name, &digest, &why)
        });
        let run = match queued.await {
            Ok(run) => run,
            Err(why) => return self.note(Note::NotWritten(self.ticket, why)),
        };
        self.note(Note::Numbered(self.ticket, run));
        let entering = Entering { subject: subject.clone(), by_person };
        let (end, pass) = tokio::select! {
            biased;
            () = self.stop.cancelled() => (RunEnd::new(RunState::Stopped, "it was stopped before it began"), None),
            permitted = self.wait(entering, permit) => match permitted {
                Ok(pass) => {
                    let context = RunContext { run, subject, reason, stop: self.stop.clone(), wipe };
                    (self.begin(context).await, Some(pass))
                }
                // The owner is gone: the controller ends.
                Err(_) => (RunEnd::new(RunState::Stopped, "the controller ended before it began"), None),
            },
        };
        self.end(run, end).await;
        drop(pass);
    }

    /// Waits for whoever is outside, and then for the owner: what runs here is not to wait for a run that waits elsewhere.
    async fn wait(&self, entering: Entering, permit: oneshot::Receiver<()>) -> Result<Pass, oneshot::error::RecvError> {
        let pass = self.gate.enter(entering).await;
        self.note(Note::Admitted(self.ticket));
        permit.await.map(|()| pass)
    }

    /// A run that was open when an earlier controller ended.
    pub(super) async fn reconcile(self, run: Run) {
        let id = run.id;
        let _pass = self.gate.resume(&run.subject);
        let end = guard(self.runner.reconcile(run, self.stop.clone())).await;
        self.end(id, end).await;
    }

    async fn begin(&self, context: RunContext) -> RunEnd {
        let (at, run) = (self.clock.now(), context.run);
        if let Err(why) = self.store.writer().write(move |tx| tx.begin_run(at, run)).await {
            return RunEnd::new(RunState::Stopped, format!("its beginning could not be written down: {why}"));
        }
        guard(self.runner.run(context)).await
    }

    /// Writes the end down, and frees the permit only then: after a crash, the next run could take the backup of a run whose
    /// end nobody knows for its own. A full disk is made free some time; only the end of the controller does not wait for it.
    async fn end(self, run: RunId, end: RunEnd) {
        let (at, state) = (self.clock.now(), end.state);
        loop {
            let end = end.clone();
            match self.store.writer().write(move |tx| tx.end_run(at, run, &end)).await {
                Ok(()) => break,
                Err(why @ (StoreError::Impossible(_) | StoreError::NotFound(_))) => {
                    tracing::error!(%run, error = %why, "the end of a run was not written down");
                    break;
                }
                Err(why) => tracing::error!(%run, error = %why, "the end of a run is not written down yet"),
            }
            tokio::select! {
                () = self.clock.sleep(PAUSE) => {}
                () = self.notes.closed() => return,
            }
        }
        self.note(Note::Ended(self.ticket, state, at));
    }

    fn note(&self, note: Note) {
        // The owner is gone only when the controller ends.
        let _ = self.notes.send(note);
    }
}

/// Runs it as a task of its own, so that a panic is the end of this run and of nothing else.
async fn guard(run: impl Future<Output = RunEnd> + Send + 'static) -> RunEnd {
    match tokio::spawn(run).await {
        Ok(end) => end,
        Err(why) => RunEnd::new(RunState::Failed, format!("the run panicked: {why}")),
    }
}

/// Between two attempts to write an end down.
const PAUSE: Duration = Duration::from_secs(10);
