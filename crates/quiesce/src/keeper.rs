//! The life of one freeze: journal, freeze, wait, thaw until it worked, journal, report.
//!
//! Nothing is logged from the task itself while something is frozen: the log may go to a frozen file system, and whoever
//! writes to one waits for the thaw.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::coordinator::Shared;
use super::journal::Journal;
use super::{EndedBy, QuiesceFailure, Quiescing, Report, Stage, Status};

pub(super) struct Keeper {
    shared: Arc<Shared>,
    end: watch::Sender<Option<Report>>,
}

/// Why there is no lease.
pub(super) enum Refusal {
    Journal(QuiesceFailure),
    Freeze(QuiesceFailure),
}

impl Keeper {
    /// Of the freeze that is claimed in the shared state.
    pub(super) fn new(shared: Arc<Shared>, end: watch::Sender<Option<Report>>) -> Self {
        Self { shared, end }
    }

    /// Freezes and answers; thaws on request, when either channel closes, or when the lease ends.
    pub(super) async fn keep(self, mut reply: oneshot::Sender<Result<(), Refusal>>, requested: oneshot::Receiver<()>) {
        let holder = self.held(|held| held.holder.clone());
        if let Err(why) = self.journal(move |journal| journal.frozen(&holder)).await {
            self.shared.state.send_modify(|state| state.held = None);
            let _ = reply.send(Err(Refusal::Journal(why)));
            return;
        }
        let begun = Instant::now();
        let frozen = tokio::select! {
            biased;
            () = reply.closed() => None,
            frozen = self.freeze() => Some(frozen),
        };
        let ended_by = match frozen {
            None => EndedBy::Dropped,
            Some(Err(why)) => {
                self.held(|held| held.note(why.chain()));
                let _ = reply.send(Err(Refusal::Freeze(why)));
                EndedBy::FreezeFailed
            }
            Some(Ok(())) => {
                self.held(|held| held.stage = Stage::Frozen);
                match reply.send(Ok(())) {
                    Ok(()) => self.end_of_lease(requested).await,
                    Err(_) => EndedBy::Dropped,
                }
            }
        };
        self.thaw().await;
        self.end(ended_by, begun.elapsed()).await;
    }

    /// Thaws what another process left frozen, so long ago.
    pub(super) async fn recover(self, age: Duration) {
        let begun = Instant::now();
        self.thaw().await;
        self.end(EndedBy::Recovered, age + begun.elapsed()).await;
    }

    async fn end_of_lease(&self, requested: oneshot::Receiver<()>) -> EndedBy {
        match timeout(self.shared.settings.lease, requested).await {
            Ok(Ok(())) => EndedBy::Thaw,
            Ok(Err(_)) => EndedBy::Dropped,
            Err(_) => EndedBy::LeaseEnded,
        }
    }

    async fn freeze(&self) -> Result<(), QuiesceFailure> {
        attempt("freeze", self.shared.settings.freeze_timeout, || self.shared.quiesce.freeze()).await
    }

    /// Returns when it has worked, however long that takes.
    async fn thaw(&self) {
        self.held(|held| held.stage = Stage::Thawing);
        for pause in self.shared.settings.pauses() {
            let outcome = attempt("thaw", self.shared.settings.thaw_timeout, || self.shared.quiesce.thaw()).await;
            let Err(why) = outcome else { return };
            let why = why.chain();
            let status = self.held(|held| {
                held.attempts = held.attempts.saturating_add(1);
                held.note(why.clone());
                held.clone()
            });
            // On another thread: see the module's documentation.
            tokio::task::spawn_blocking(move || {
                tracing::warn!(holder = ?status.holder, attempts = status.attempts, error = ?why, "the thaw failed");
            });
            sleep(pause).await;
        }
    }

    /// Journals the end, gives the freeze free, and then reports.
    async fn end(self, ended_by: EndedBy, frozen: Duration) {
        let Status { holder, attempts, failures, .. } = self.held(|held| held.clone());
        let attempts = attempts.saturating_add(1);
        let mut report = Report { holder, frozen, ended_by, attempts, failures };
        let line = report.clone();
        if let Err(why) = self.journal(move |journal| journal.ended(&line)).await {
            // All runs again. The next start thaws once more, which does no harm.
            let why = format!("the end is not in the journal: {}", why.chain());
            tracing::error!(holder = ?report.holder, error = ?why, "quiesce");
            report.failures.push(why);
        }
        tracing::info!(
            holder = ?report.holder, frozen_ms = report.frozen.as_millis(), ended_by = %report.ended_by,
            attempts = report.attempts, failures = ?report.failures, "thawed"
        );
        let Self { shared, end } = self;
        shared.state.send_modify(|state| {
            state.held = None;
            state.last = Some(report.clone());
        });
        // Whoever waits for the end may open the journal next.
        drop(shared);
        end.send_replace(Some(report));
    }

    /// Looks at or changes what is known of this freeze.
    fn held<T>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        let mut changed = None;
        self.shared.state.send_modify(|state| {
            let held = state.held.get_or_insert_with(|| Status::new("", Stage::Thawing));
            changed = Some(change(held));
        });
        let Some(changed) = changed else { unreachable!("send_modify calls once") };
        changed
    }

    /// The disk may be slow: not on a thread that others need.
    async fn journal<F>(&self, write: F) -> Result<(), QuiesceFailure>
    where
        F: FnOnce(&mut Journal) -> std::io::Result<()> + Send + 'static,
    {
        let journal = Arc::clone(&self.shared.journal);
        let write = move || write(&mut journal.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(write).await {
            Ok(written) => written.map_err(QuiesceFailure::new),
            Err(why) => Err(QuiesceFailure::new(why)),
        }
    }
}

/// What the controller's code came to, within its time. A panic in it is a failure like others.
async fn attempt<'a>(what: &str, limit: Duration, begin: impl FnOnce() -> Quiescing<'a>) -> Result<(), QuiesceFailure> {
    let panicked = |_| QuiesceFailure::new(format!("the controller's {what} panicked"));
    let mut going_on = pin!(async { begin().await });
    let outcome = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| going_on.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panicked(panic))),
    });
    match timeout(limit, outcome).await {
        Ok(outcome) => outcome,
        Err(_) => Err(QuiesceFailure::new(format!("the {what} took longer than {} ms", limit.as_millis()))),
    }
}
