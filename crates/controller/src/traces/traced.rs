//! The places where a run is seen: its runner, and its audit.

use std::pin::Pin;
use std::sync::Arc;

use agentapi_host::policy::{Audit, AuditEntry};
use agentapi_host::quiesce::Parked;
use tokio_util::sync::CancellationToken;

use super::Traces;
use super::record::{Beginning, Notebook, operation_ended};
use crate::run::host::ParkingAudit;
use crate::run::{Ending, Run, RunContext, RunEnd, Runner};

/// A runner whose runs are traced.
pub struct Traced<R> {
    /// Who runs.
    pub runner: R,
    /// Who takes the traces.
    pub traces: Traces,
}

type Running = Pin<Box<dyn Future<Output = RunEnd> + Send>>;

impl<R: Runner> Runner for Traced<R> {
    fn run(&self, context: RunContext) -> Running {
        let RunContext { run, subject, reason, .. } = &context;
        let (subject, reason) = (subject.clone(), reason.clone());
        let beginning = Beginning { run: *run, subject, reason, is_taken_up: false };
        self.traces.follow(beginning, self.runner.run(context))
    }

    fn reconcile(&self, run: Run, stop: CancellationToken) -> Running {
        let (subject, reason) = (run.subject.clone(), run.reason.clone());
        let beginning = Beginning { run: run.id, subject, reason, is_taken_up: true };
        self.traces.follow(beginning, self.runner.reconcile(run, stop))
    }
}

impl Traces {
    /// The same future, whose trace is taken at its end.
    fn follow(&self, beginning: Beginning, running: Running) -> Running {
        let Some(taker) = self.0.clone() else { return running };
        let notebook = Notebook::new(Arc::clone(&taker.clock));
        let noted = Arc::clone(&notebook);
        let ending = Ending::new(move |end| taker.queue.put(noted.trace(beginning, end)));
        Box::pin(async move { ending.end(notebook.scope(running).await) })
    }
}

/// An audit whose entries are seen before they are written.
pub struct TracedAudit<A>(pub A);

impl<A: Audit> Audit for TracedAudit<A> {
    fn record(&self, entry: &AuditEntry) {
        operation_ended(entry);
        self.0.record(entry);
    }
}

impl<A: ParkingAudit> ParkingAudit for TracedAudit<A> {
    fn park(&self) -> Parked {
        self.0.park()
    }

    fn as_audit(self: Arc<Self>) -> Arc<dyn Audit> {
        self
    }
}
