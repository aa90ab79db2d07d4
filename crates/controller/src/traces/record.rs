//! What one run does, noted as it happens.
//!
//! Calls and freezes are told by the host library on the task of the run, without a word of which run that is. So
//! a value of the task says it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentapi_contract::Route;
use agentapi_host::CallSummary;
use agentapi_host::policy::{AuditEntry, AuditEvent};
use jiff::Timestamp;

use crate::clock::{Clock, Monotonic};
use crate::run::{RunEnd, RunId};

/// What a run has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTrace {
    /// How it began.
    pub beginning: Beginning,
    /// When it began, by the wall clock.
    pub began_at: Timestamp,
    /// How long it took, by the monotonic clock.
    pub duration: Duration,
    /// How it ended, without what it returned.
    pub end: RunEnd,
    /// What it did, in the order in which it ended.
    pub steps: Vec<Step>,
    /// How much more it did, which is not in `steps`.
    pub left_out: u64,
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The run.
    pub run: RunId,
    /// What runs.
    pub subject: String,
    /// Why it was activated.
    pub reason: String,
    /// Whether an earlier controller had begun it, and this one found out what became of it.
    pub is_taken_up: bool,
}

/// One thing that a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// `ok`, or the kind of error.
    pub outcome: &'static str,
    /// From the begin of the run to that of the step.
    pub after: Duration,
    /// How long it took.
    pub duration: Duration,
}

/// What a run can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Ask the agent.
    Call {
        /// For what.
        route: Route,
        /// How often sending the request was tried.
        attempts: u32,
        /// Whether it went over a connection that was there.
        is_reused: bool,
        /// Bytes of the answer's body.
        received_bytes: usize,
    },
    /// Freeze the applications.
    Freeze,
    /// Thaw them.
    Thaw,
}

/// Where the steps of one run are noted.
pub(super) struct Notebook {
    clock: Arc<dyn Clock>,
    began_at: Timestamp,
    began: Monotonic,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    steps: Vec<Step>,
    left_out: u64,
}

tokio::task_local! {
    static NOTEBOOK: Arc<Notebook>;
}

impl Notebook {
    /// Of a run that begins now.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let (began_at, began) = (clock.now(), clock.monotonic());
        Arc::new(Self { clock, began_at, began, noted: Mutex::default() })
    }

    /// A future whose steps are noted here, also those that end when it is dropped.
    pub(super) fn scope<F: Future>(self: Arc<Self>, run: F) -> impl Future<Output = F::Output> {
        NOTEBOOK.scope(self, run)
    }

    fn note(&self, kind: StepKind, outcome: &'static str, duration: Duration) {
        // From the end backwards, by the clock that nobody sets: then no step seems to begin before the run does.
        let after = self.clock.monotonic().since(self.began).saturating_sub(duration);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        // A backup that is followed for hours is asked for again and again. How it was frozen and thawed is kept in any case.
        if noted.steps.len() < MAX_STEPS || !matches!(kind, StepKind::Call { .. }) && noted.steps.len() < MAX_SPANS {
            noted.steps.push(Step { kind, outcome, after, duration });
        } else {
            noted.left_out += 1;
        }
    }

    /// What was noted until now.
    pub(super) fn trace(&self, beginning: Beginning, end: &RunEnd) -> RunTrace {
        let duration = self.clock.monotonic().since(self.began);
        let Noted { steps, left_out } = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let end = RunEnd { result: None, ..end.clone() };
        RunTrace { beginning, began_at: self.began_at, duration, end, steps, left_out }
    }
}

/// A call to the agent has ended on this task.
pub(crate) fn call_ended(call: &CallSummary) {
    // What makes no request is not a call to the agent.
    let Some(route) = call.route else { return };
    let CallSummary { attempts, is_reused, received_bytes, .. } = *call;
    note(StepKind::Call { route, attempts, is_reused, received_bytes }, call.outcome, call.duration);
}

/// An operation of an extension, or of the backup loop, has ended on this task.
pub(crate) fn operation_ended(entry: &AuditEntry) {
    let AuditEvent::End(end) = &entry.event else { return };
    let kind = match entry.operation.as_str() {
        "quiesce.freeze" => StepKind::Freeze,
        "quiesce.thaw" => StepKind::Thaw,
        _ => return,
    };
    note(kind, end.outcome.as_str(), Duration::from_millis(end.milliseconds));
}

fn note(kind: StepKind, outcome: &'static str, duration: Duration) {
    // Outside a run nobody wants it: of a call over the socket, or where there is no `[traces]`.
    let _ = NOTEBOOK.try_with(|notebook| notebook.note(kind, outcome, duration));
}

/// Calls that are kept of a run: more than a backup of a night makes, in some 70 KiB.
const MAX_STEPS: usize = 1000;
/// All steps that are kept of a run.
const MAX_SPANS: usize = MAX_STEPS + 100;
