//! What an extension calls, for whoever looks on: with arguments, answers and times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentapi_contract::wit::Function;
use serde::Serialize;
use serde_json::Value;

use crate::policy::clock::RunClock;

/// Receives the calls of an extension, each when it has ended.
///
/// Unlike an [`Audit`](super::Audit), which keeps what must be known afterwards, it is given all that an extension said and
/// was told, to follow or to test it.
pub trait CallObserver: Send + Sync + 'static {
    /// A call has ended.
    fn call(&self, call: &ObservedCall);
}

/// One call of an extension.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ObservedCall {
    /// The function, such as `backup.due`.
    #[serde(serialize_with = "as_text")]
    pub function: Function,
    /// What it was called with: an object, with the names of the contract.
    pub arguments: Value,
    /// What the extension was answered.
    pub outcome: Result<Value, ObservedError>,
    /// When it began, since the run began, by the run's clock.
    pub at: Duration,
    /// How long it took, by the run's clock.
    pub took: Duration,
}

/// The error that an extension was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ObservedError {
    /// Its case in the contract, such as `http-status`; `abandoned` for a call during which the run was ended.
    pub kind: String,
    /// What the case carries; may be empty.
    pub message: String,
}

impl ObservedError {
    pub(super) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }

    pub(super) fn denied(rule: &str) -> Self {
        Self::new("denied", rule)
    }
}

/// The calls of one run. Also notes the latest, for the error of a run that is ended from outside.
#[derive(Clone)]
pub(super) struct Observed {
    observer: Option<Arc<dyn CallObserver>>,
    clock: RunClock,
    latest: Arc<Mutex<Option<Function>>>,
}

/// A call that has begun.
#[must_use = "a call that is dropped is told as abandoned"]
pub(super) struct OpenCall {
    observer: Option<Arc<dyn CallObserver>>,
    clock: RunClock,
    function: Function,
    arguments: Value,
    at: Duration,
}

impl Observed {
    pub(super) fn new(observer: Option<Arc<dyn CallObserver>>, clock: RunClock) -> Self {
        Self { observer, clock, latest: Arc::default() }
    }

    pub(super) fn begin(&self, function: Function, arguments: Value) -> OpenCall {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
        let (observer, clock) = (self.observer.clone(), self.clock.clone());
        OpenCall { observer, at: clock.elapsed(), clock, function, arguments }
    }

    /// The call that was made last, if any was.
    pub(super) fn latest(&self) -> Option<Function> {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenCall {
    /// The call was answered.
    pub(super) fn answered(mut self, answer: &impl Serialize) {
        // Nothing that the contract answers with can fail to be JSON.
        self.end(|| Ok(serde_json::to_value(answer).unwrap_or_default()));
    }

    /// The call failed.
    pub(super) fn failed(mut self, error: impl FnOnce() -> ObservedError) {
        self.end(|| Err(error()));
    }

    fn end(&mut self, outcome: impl FnOnce() -> Result<Value, ObservedError>) {
        let Some(observer) = self.observer.take() else { return };
        let (function, arguments, at) = (self.function, self.arguments.take(), self.at);
        let took = self.clock.elapsed().saturating_sub(at);
        observer.call(&ObservedCall { function, arguments, outcome: outcome(), at, took });
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.end(|| Err(ObservedError::new("abandoned", "the run was ended during this call")));
    }
}

fn as_text<S: serde::Serializer>(function: &Function, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(function)
}
