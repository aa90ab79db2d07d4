//! One call: its permit, its instance, its deadline, and the report of its end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use agentapi_contract::Route;
use tokio::time::{Instant, sleep_until};
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};
use wasmtime::Store;

use crate::error::{Error, Phase};
use crate::network::Deadline;
use crate::observer::{CallSummary, Observer};
use crate::permits::Permit;
use crate::sandbox::bindings::Agentapi;
use crate::sandbox::egress::TimedWait;
use crate::sandbox::epochs::Running;
use crate::sandbox::error::{FromComponent, from_trap};
use crate::sandbox::instance::Instance;
use crate::sandbox::instances::{GRACE, Instances};
use crate::sandbox::store::State;

/// A call from its start to its end. One that is dropped in between drops its instance with it: an export has been
/// entered and has not returned, and an instance cannot be entered again before that.
pub(crate) struct Call {
    instances: Arc<Instances>,
    instance: Instance,
    route: Option<Route>,
    deadline: Deadline,
    report: CallReport,
    _permit: Permit,
    _running: Running,
}

/// Reports a call's end: to its span, and to the observer.
struct CallReport {
    observer: Option<Arc<dyn Observer>>,
    span: Span,
    started: Instant,
}

impl Call {
    /// Waits for a permit, and takes an instance.
    pub(crate) async fn start(
        instances: Arc<Instances>,
        observer: Option<Arc<dyn Observer>>,
        route: Option<Route>,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let report = CallReport::start(observer, route);
        let taken = async {
            let queued = || deadline.error(instances.client().authority(), route, Phase::Queued);
            // The permit first: a call that waits for it must not hold an instance meanwhile.
            let permit = instances.permits().acquire(deadline.at).await.ok_or_else(queued)?;
            let running = instances.engines().epoch_clock().run();
            let mut instance = instances.take(deadline).await?;
            instance.store.data_mut().egress.start_call(deadline);
            Ok((instance, permit, running))
        };
        match taken.await {
            Ok((instance, permit, running)) => {
                Ok(Self { instances, instance, route, deadline, report, _permit: permit, _running: running })
            }
            Err(error) => {
                report.end(CallSummary { route, outcome: Error::kind(&error), ..CallSummary::default() });
                Err(error)
            }
        }
    }

    /// Runs an export of the component. An error of this function says that the instance has trapped or not returned.
    pub(crate) async fn run<'a, T, F>(
        &'a mut self,
        export: impl FnOnce(&'a Agentapi, &'a mut Store<State>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = wasmtime::Result<T>> + 'a,
    {
        let (error, span) = (self.deadline_error(), self.report.span.clone());
        let at = self.deadline.at + GRACE;
        let Instance { guest, store, .. } = &mut self.instance;
        let wait = store.data().egress.wait().clone();
        within(at, &wait, error, pin!(export(guest, store))).instrument(span).await
    }

    /// Runs the extension that is plugged onto the component.
    pub(crate) async fn run_plugged(&mut self, input: &str) -> Result<Result<String, String>, Error> {
        let (error, span) = (self.deadline_error(), self.report.span.clone());
        let at = self.deadline.at + GRACE;
        let Instance { exports, store, policy, .. } = &mut self.instance;
        let run = policy.as_ref().ok_or(Error::NoPolicy)?;
        let run = exports.get_typed_func::<(&str,), (Result<String, String>,)>(&mut *store, run).map_err(from_trap)?;
        let wait = store.data().egress.wait().clone();
        let (outcome,) = within(at, &wait, error, pin!(run.call_async(store, (input,)))).instrument(span).await?;
        Ok(outcome)
    }

    /// Reports the end of the call, and makes its outcome from that of its run. The instance is returned to the idle ones,
    /// unless the run failed: an export that has trapped or not returned cannot be entered again.
    pub(crate) fn end<T, E>(mut self, run: Result<Result<T, E>, Error>) -> Result<T, Error>
    where
        Error: FromComponent<E>,
    {
        let exchange = self.instance.store.data_mut().egress.take_summary();
        let outcome = run.and_then(|returned| {
            self.instances.keep(self.instance);
            returned.map_err(|error| {
                // Masked after the component: it decodes JSON, so that only its texts show a token written with escapes.
                let error = Error::from_component(error, self.route, exchange.failure);
                self.instances.client().credentials().mask_error(error)
            })
        });
        self.report.end(CallSummary {
            route: self.route,
            outcome: outcome.as_ref().map_or_else(Error::kind, |_| "ok"),
            attempts: exchange.attempts,
            is_reused: exchange.is_reused,
            fingerprint: exchange.fingerprint,
            received_bytes: exchange.received_bytes,
            ..CallSummary::default()
        });
        outcome
    }

    /// The error of an export that has not returned in time. The host's own requests ended with the deadline, each with
    /// an error that knows the phase, so that it was the component which computed for too long.
    fn deadline_error(&self) -> Error {
        self.deadline.error(self.instances.client().authority(), self.route, Phase::Receiving)
    }
}

async fn within<T>(
    until: Instant,
    wait: &TimedWait,
    deadline_error: Error,
    mut export: Pin<&mut impl Future<Output = wasmtime::Result<T>>>,
) -> Result<T, Error> {
    let mut timer = pin!(None);
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(outcome) = export.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        // Most calls wait for one exchange and for nothing else: its own timer wakes this task, and earlier.
        if wait.is_timed() {
            return Poll::Pending;
        }
        if timer.is_none() {
            timer.set(Some(sleep_until(until)));
        }
        let timer = timer.as_mut().as_pin_mut();
        timer.map_or(Poll::Pending, |timer| timer.poll(cx)).map(|()| None)
    });
    outcome.await.map_or(Err(deadline_error), |outcome| outcome.map_err(from_trap))
}

impl CallReport {
    fn start(observer: Option<Arc<dyn Observer>>, route: Option<Route>) -> Self {
        let span = tracing::debug_span!(
            "agent call",
            route = route.map_or("none", Route::name),
            attempts = Empty,
            connection = Empty,
            fingerprint = Empty,
            received_bytes = Empty,
            milliseconds = Empty,
            outcome = Empty,
        );
        Self { observer, span, started: Instant::now() }
    }

    fn end(self, mut summary: CallSummary) {
        summary.duration = self.started.elapsed();
        self.span.record("attempts", summary.attempts);
        self.span.record("connection", if summary.is_reused { "reused" } else { "new" });
        if let Some(fingerprint) = &summary.fingerprint {
            self.span.record("fingerprint", display(fingerprint));
        }
        self.span.record("received_bytes", summary.received_bytes);
        self.span.record("milliseconds", summary.duration.as_secs_f64() * 1000.0);
        self.span.record("outcome", summary.outcome);
        if let Some(observer) = &self.observer {
            observer.call_ended(&summary);
        }
    }
}
