//! One call: its permit, its instance, its time, and what is told of it.

use std::sync::Arc;

use agentapi_contract::Route;
use tokio::time::{Instant, timeout_at};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use wasmtime::Store;

use crate::error::{Error, Phase};
use crate::network::Deadline;
use crate::observer::{CallSummary, Observer};
use crate::permits::Permit;
use crate::sandbox::bindings::Agentapi;
use crate::sandbox::error::{FromComponent, from_trap};
use crate::sandbox::instance::Instance;
use crate::sandbox::instances::{GRACE, Instances};
use crate::sandbox::store::State;

/// A call that has begun. Dropped before its end, it takes its instance with it, because that stands in the middle of
/// something.
pub(crate) struct Call {
    instances: Arc<Instances>,
    instance: Instance,
    route: Option<Route>,
    deadline: Deadline,
    report: Report,
    _permit: Permit,
}

/// Tells of a call's end.
struct Report {
    observer: Option<Arc<dyn Observer>>,
    span: Span,
    begun: Instant,
}

impl Call {
    /// Waits for a permit and an instance. The time of the call runs from here.
    pub(crate) async fn begin(
        instances: Arc<Instances>,
        observer: Option<Arc<dyn Observer>>,
        route: Option<Route>,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let report = Report::begin(observer, route);
        let begun = async {
            let queued = || deadline.error(instances.client().authority(), route, Phase::Queued);
            let permit = instances.permits().acquire(deadline.at).await.ok_or_else(queued)?;
            let mut instance = instances.take(deadline).await?;
            instance.store.data_mut().egress.begin(deadline);
            Ok((instance, permit))
        };
        match begun.await {
            Ok((instance, permit)) => Ok(Self { instances, instance, route, deadline, report, _permit: permit }),
            Err(error) => {
                report.end(CallSummary { route, outcome: Error::kind(&error), ..CallSummary::default() });
                Err(error)
            }
        }
    }

    /// Runs an export of the component. An instance that trapped, or did not come back, is not used again.
    pub(crate) async fn run<'a, T, F>(
        &'a mut self,
        export: impl FnOnce(&'a Agentapi, &'a mut Store<State>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = wasmtime::Result<T>> + 'a,
    {
        let missed = self.missed_deadline();
        let (at, span) = (self.deadline.at + GRACE, self.report.span.clone());
        let Instance { guest, store, .. } = &mut self.instance;
        in_time(at, missed, export(guest, store)).instrument(span).await
    }

    /// Runs the extension that is plugged onto the component.
    pub(crate) async fn run_plugged(&mut self, input: &str) -> Result<Result<String, String>, Error> {
        let missed = self.missed_deadline();
        let at = self.deadline.at + GRACE;
        let Instance { exports, store, policy, .. } = &mut self.instance;
        let run = policy.as_ref().ok_or(Error::NoPolicy)?;
        let run = exports.get_typed_func::<(&str,), (Result<String, String>,)>(&mut *store, run).map_err(from_trap)?;
        let (outcome,) = in_time(at, missed, run.call_async(store, (input,))).await?;
        Ok(outcome)
    }

    /// Gives the instance back, and the outcome with the host's own cause.
    pub(crate) fn end<T, E>(mut self, outcome: Result<T, E>) -> Result<T, Error>
    where
        Error: FromComponent<E>,
    {
        let exchanged = self.instance.store.data_mut().egress.take_exchanged();
        self.instances.keep(self.instance);
        let outcome = outcome.map_err(|error| {
            let error = Error::from_component(error, self.route, exchanged.failure);
            self.instances.client().credentials().mask_error(error)
        });
        self.report.end(CallSummary {
            route: self.route,
            outcome: outcome.as_ref().map_or_else(Error::kind, |_| "ok"),
            attempts: exchanged.attempts,
            is_reused: exchanged.is_reused,
            received_bytes: exchanged.received_bytes,
            ..CallSummary::default()
        });
        outcome
    }

    fn missed_deadline(&self) -> Error {
        self.deadline.error(self.instances.client().authority(), self.route, Phase::Receiving)
    }
}

async fn in_time<T>(
    until: Instant,
    missed: Error,
    running: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T, Error> {
    match timeout_at(until, running).await {
        Ok(outcome) => outcome.map_err(from_trap),
        Err(_) => Err(missed),
    }
}

impl Report {
    fn begin(observer: Option<Arc<dyn Observer>>, route: Option<Route>) -> Self {
        let span = tracing::debug_span!(
            "agent call",
            route = route.map_or("none", Route::name),
            attempts = Empty,
            connection = Empty,
            received_bytes = Empty,
            milliseconds = Empty,
            outcome = Empty,
        );
        Self { observer, span, begun: Instant::now() }
    }

    fn end(self, mut summary: CallSummary) {
        summary.duration = self.begun.elapsed();
        self.span.record("attempts", summary.attempts);
        self.span.record("connection", if summary.is_reused { "reused" } else { "new" });
        self.span.record("received_bytes", summary.received_bytes);
        self.span.record("milliseconds", summary.duration.as_secs_f64() * 1000.0);
        self.span.record("outcome", summary.outcome);
        if let Some(observer) = &self.observer {
            observer.call_ended(&summary);
        }
    }
}
