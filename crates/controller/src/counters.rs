//! What is counted as it happens: runs, freezes, and calls to the agent. Labels are names of the configuration and of this
//! program, never an id or a text of the agent, so that there are only so many.

use std::pin::Pin;

use agentapi_contract::Route;
use agentapi_host::CallSummary;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::run::{Ending, Run, RunContext, RunEnd, RunState, Runner};

/// The counters. They begin at 0 with the process, as Prometheus expects.
#[derive(Clone, Debug)]
pub struct Counters {
    runs: Family<RunLabels, Counter>,
    frozen: Counter<f64, std::sync::atomic::AtomicU64>,
    calls: Family<CallLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    traces: Family<TraceLabels, Counter>,
}

type RunLabels = [(&'static str, String); 2];
type RouteLabels = [(&'static str, &'static str); 1];
type CallLabels = [(&'static str, &'static str); 2];
type TraceLabels = [(&'static str, &'static str); 1];

/// What became of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceOutcome {
    /// The collector took them.
    Sent,
    /// It could not be reached, or did not take them.
    Failed,
    /// Too many waited.
    Dropped,
}

impl Counters {
    /// All calls at 0, with the outcomes that alerts are made of.
    pub fn new() -> Self {
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let counters = Self {
            runs: Family::default(),
            frozen: Counter::default(),
            calls: Family::default(),
            durations,
            traces: Family::default(),
        };
        for route in Route::ALL {
            for outcome in ["ok", "pin-mismatch", "unreachable", "deadline"] {
                drop(counters.calls.get_or_create(&call_labels(route, outcome)));
            }
        }
        counters
    }

    /// Adds them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let Self { runs, frozen, calls, durations, traces } = self;
        // Without `_total`, which the text format adds.
        registry.register("runs", "Runs that have ended, by subject and outcome", runs.clone());
        registry.register("freeze_seconds", "Time for which runs had the applications frozen", frozen.clone());
        registry.register("agent_calls", "Calls to the agent that have ended, by route and outcome", calls.clone());
        registry.register("agent_call_seconds", "Duration of calls to the agent, by route", durations.clone());
        registry.register("traces", "Traces of runs, by what became of them; none without [traces]", traces.clone());
    }

    /// A subject is known: its runs are 0 until there are some.
    pub fn know(&self, subject: &str) {
        for state in RunState::ALL.iter().filter(|state| state.is_end()) {
            drop(self.runs.get_or_create(&run_labels(subject, *state)));
        }
    }

    /// A call has ended.
    pub fn call_ended(&self, call: &CallSummary) {
        let Some(route) = call.route else { return };
        self.calls.get_or_create(&call_labels(route, call.outcome)).inc();
        self.durations.get_or_create(&[("route", route.name())]).observe(call.duration.as_secs_f64());
    }

    /// So many traces were sent, or not.
    pub fn traces_ended(&self, outcome: TraceOutcome, count: u64) {
        let outcome = match outcome {
            TraceOutcome::Sent => "sent",
            TraceOutcome::Failed => "failed",
            TraceOutcome::Dropped => "dropped",
        };
        self.traces.get_or_create(&[("outcome", outcome)]).inc_by(count);
    }

    fn run_ended(&self, subject: &str, end: &RunEnd) {
        self.runs.get_or_create(&run_labels(subject, end.state)).inc();
        if let Some(frozen) = end.frozen_ms.and_then(|frozen| u32::try_from(frozen).ok()) {
            self.frozen.inc_by(f64::from(frozen) / 1000.0);
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

fn run_labels(subject: &str, state: RunState) -> RunLabels {
    [("subject", subject.to_owned()), ("outcome", state.name().to_owned())]
}

fn call_labels(route: Route, outcome: &'static str) -> CallLabels {
    [("route", route.name()), ("outcome", outcome)]
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// A runner whose ends are counted. A run that is stopped before it begins never comes here, and is not counted.
pub struct Counted<R> {
    /// Who runs.
    pub runner: R,
    /// What is counted.
    pub counters: Counters,
}

impl<R: Runner> Runner for Counted<R> {
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        let ending = self.ending(&context.subject);
        let running = self.runner.run(context);
        Box::pin(async move { ending.end(running.await) })
    }

    fn reconcile(&self, run: Run, stop: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        let ending = self.ending(&run.subject);
        let running = self.runner.reconcile(run, stop);
        Box::pin(async move { ending.end(running.await) })
    }
}

impl<R> Counted<R> {
    fn ending(&self, subject: &str) -> Ending<impl FnOnce(&RunEnd) + use<R>> {
        let (counters, subject) = (self.counters.clone(), subject.to_owned());
        Ending::new(move |end| counters.run_ended(&subject, end))
    }
}

/// Seconds: from a call over a connection that is there, to the longest that one may take.
const BUCKETS: [f64; 8] = [0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0];
