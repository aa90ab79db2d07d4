use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::Route;
use agentapi_host::CallSummary;
use agentapi_host::policy::{Audit, AuditEnd, AuditEntry, AuditEvent, AuditOutcome};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::{Beginning, RunTrace, Step, StepKind, Traced, TracedAudit, Traces, Waiting, call_ended};
use crate::clock::{Clock, VirtualClock};
use crate::counters::Counters;
use crate::run::{Run, RunContext, RunEnd, RunId, RunState, Runner};

/// Asks the agent, freezes and thaws; or asks very often, or panics.
#[derive(Clone)]
struct Script(VirtualClock);

/// What is told is traced, and goes nowhere else.
struct Nowhere;

impl Audit for Nowhere {
    fn record(&self, _: &AuditEntry) {}
}

fn call(route: Route, outcome: &'static str, duration: Duration) -> CallSummary {
    let mut call = CallSummary::default();
    (call.route, call.outcome, call.duration, call.attempts) = (Some(route), outcome, duration, 1);
    call
}

fn operation(name: &str, outcome: AuditOutcome, milliseconds: u64) -> AuditEntry {
    let (mut end, mut entry) = (AuditEnd::default(), AuditEntry::default());
    (end.outcome, end.milliseconds) = (outcome, milliseconds);
    (entry.operation, entry.event) = (name.to_owned(), AuditEvent::End(end));
    entry
}

impl Script {
    /// A second for each step.
    async fn act(self, subject: String) -> RunEnd {
        let (second, audit) = (Duration::from_secs(1), TracedAudit(Nowhere));
        match subject.as_str() {
            "panics" => panic!("out of cheese"),
            "asks" => (0..1200).for_each(|_| call_ended(&call(Route::BackupStatus, "ok", second))),
            _ => {
                self.0.advance(second);
                call_ended(&call(Route::BackupStatus, "http-status", second));
                // What asks for nothing is no call, and what is not a freeze is seen as its call.
                call_ended(&CallSummary::default());
                audit.record(&operation("backup.status", AuditOutcome::Ok, 1000));
                tokio::task::yield_now().await;
                self.0.advance(second);
                audit.record(&operation("quiesce.freeze", AuditOutcome::Ok, 1000));
            }
        }
        self.0.advance(second);
        audit.record(&operation("quiesce.thaw", AuditOutcome::Failed("busy"), 500));
        RunEnd { result: Some("long".into()), ..RunEnd::new(RunState::Done, subject) }
    }
}

impl Runner for Script {
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(self.clone().act(context.subject))
    }

    fn reconcile(&self, run: Run, _: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(self.clone().act(run.subject))
    }
}

struct Fixture {
    clock: VirtualClock,
    counters: Counters,
    runner: Traced<Script>,
    waiting: UnboundedReceiver<Waiting>,
}

impl Fixture {
    fn new() -> Self {
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let counters = Counters::new();
        let (traces, waiting) = Traces::new(Arc::new(clock.clone()), counters.clone());
        let runner = Traced { runner: Script(clock.clone()), traces };
        Self { clock, counters, runner, waiting }
    }

    fn run(&self, id: i64, subject: &str) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        let (run, subject, reason) = (RunId(id), subject.to_owned(), "it was due".to_owned());
        self.runner.run(RunContext { run, subject, reason, stop: CancellationToken::new(), wipe: None })
    }

    fn traces(&mut self) -> Vec<RunTrace> {
        std::iter::from_fn(|| self.waiting.try_recv().ok()).map(|waiting| waiting.trace).collect()
    }
}

/// How many traces have ended so.
pub(super) fn count(counters: &Counters, outcome: &str) -> u64 {
    let (mut registry, mut text) = (Registry::default(), String::new());
    counters.register(&mut registry);
    prometheus_text::encode(&mut text, &registry).unwrap();
    let name = format!("traces_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn what_a_run_does_is_in_its_own_trace_and_what_it_returns_is_not() {
    let mut fixture = Fixture::new();
    let began_at = fixture.clock.now();
    call_ended(&call(Route::Disks, "ok", Duration::ZERO));
    assert_eq!(fixture.run(7, "x").await.result.as_deref(), Some("long"));
    let second = Duration::from_secs(1);
    let asked = StepKind::Call { route: Route::BackupStatus, attempts: 1, is_reused: false, received_bytes: 0 };
    let step = |kind, outcome, after, duration| Step { kind, outcome, after, duration };
    let beginning = Beginning { run: RunId(7), subject: "x".into(), reason: "it was due".into(), is_taken_up: false };
    let expected = RunTrace {
        beginning,
        began_at,
        duration: 3 * second,
        end: RunEnd::new(RunState::Done, "x"),
        steps: vec![
            step(asked, "http-status", Duration::ZERO, second),
            step(StepKind::Freeze, "ok", second, second),
            step(StepKind::Thaw, "busy", Duration::from_millis(2500), Duration::from_millis(500)),
        ],
        left_out: 0,
    };
    assert_eq!(fixture.traces(), [expected]);
    // Two at once on one thread: by turns, at the yield.
    tokio::join!(fixture.run(8, "y"), fixture.run(9, "z"));
    let traces = fixture.traces();
    let mut seen: Vec<_> = traces.iter().map(|trace| (trace.beginning.run.0, trace.steps.len())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(8, 3), (9, 3)]);
}

#[tokio::test]
async fn a_run_that_panics_or_is_let_go_has_a_trace_too() {
    let mut fixture = Fixture::new();
    assert!(tokio::spawn(fixture.run(1, "panics")).await.is_err());
    let mut let_go = fixture.run(2, "x");
    // Up to the yield, after the first call.
    assert!(futures_util::poll!(&mut let_go).is_pending());
    drop(let_go);
    let traces = fixture.traces();
    let seen: Vec<_> = traces.iter().map(|trace| (trace.end.state, trace.steps.len())).collect();
    assert_eq!(seen, [(RunState::Failed, 0), (RunState::Failed, 1)]);
}

#[tokio::test]
async fn a_run_that_asks_without_end_keeps_so_many_calls_and_its_thaw() {
    let mut fixture = Fixture::new();
    fixture.run(1, "asks").await;
    let traces = fixture.traces();
    assert_eq!((traces[0].steps.len(), traces[0].left_out), (1001, 200));
    assert_eq!(traces[0].steps.last().unwrap().kind, StepKind::Thaw);
}

#[tokio::test]
async fn where_too_much_waits_a_trace_is_dropped_and_counted_and_no_run_waits() {
    let mut fixture = Fixture::new();
    // Of 1002 spans each, eight fit.
    for id in 1..=10 {
        fixture.run(id, "asks").await;
    }
    assert_eq!(count(&fixture.counters, "dropped"), 2);
    assert_eq!(fixture.traces().len(), 8);
    fixture.run(11, "asks").await;
    assert_eq!((count(&fixture.counters, "dropped"), fixture.traces().len()), (2, 1), "there is room again");
    // Whoever sends is gone.
    fixture.waiting.close();
    fixture.run(12, "x").await;
    assert_eq!(count(&fixture.counters, "dropped"), 3);
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_the_feature_refuses_to_send_and_names_it() {
    use super::{NotInThisBuild, check};
    use crate::config::traces::Collector;

    let collector = Collector { url: "http://127.0.0.1:4318".parse().unwrap(), token_file: None };
    assert_eq!((check(None), check(Some(&collector))), (Ok(()), Err(NotInThisBuild)));
    let text = "traces: expected no [traces], found one, which is not in this build: the feature `otlp` is off";
    assert_eq!(NotInThisBuild.to_string(), text);
}
