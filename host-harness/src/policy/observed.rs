//! What an extension calls, for whoever looks on: with arguments, answers and times.

use std::fmt;
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

impl fmt::Display for ObservedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl ObservedError {
    pub(super) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }

    pub(super) fn denied(rule: &str) -> Self {
        Self::new("denied", rule)
    }
}

/// The call that a run made last, for the error of a run that gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastCall {
    /// The function.
    pub function: Function,
    /// The error that it was answered with; none where it was answered, or not yet. A language that knows no exceptions
    /// across its border traps at one that nobody catches, and says no more.
    pub error: Option<ObservedError>,
}

impl fmt::Display for LastCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)?;
        match &self.error {
            Some(error) => write!(f, ", which failed: {error}"),
            None => Ok(()),
        }
    }
}

/// The calls of one run. Also notes the latest.
#[derive(Clone)]
pub(super) struct Observed {
    observer: Option<Arc<dyn CallObserver>>,
    clock: RunClock,
    latest: Arc<Mutex<Option<LastCall>>>,
}

/// A call that has begun.
#[must_use = "a call that is dropped is told as abandoned"]
pub(super) struct OpenCall {
    observer: Option<Arc<dyn CallObserver>>,
    clock: RunClock,
    function: Function,
    arguments: Value,
    at: Duration,
    latest: Arc<Mutex<Option<LastCall>>>,
}

impl Observed {
    pub(super) fn new(observer: Option<Arc<dyn CallObserver>>, clock: RunClock) -> Self {
        Self { observer, clock, latest: Arc::default() }
    }

    pub(super) fn begin(&self, function: Function, arguments: Value) -> OpenCall {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(LastCall { function, error: None });
        let (observer, clock, latest) = (self.observer.clone(), self.clock.clone(), Arc::clone(&self.latest));
        OpenCall { observer, at: clock.elapsed(), clock, function, arguments, latest }
    }

    /// The call that was made last, if any was.
    pub(super) fn latest(&self) -> Option<LastCall> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let error = error();
        let last = LastCall { function: self.function, error: Some(error.clone()) };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        self.end(|| Err(error));
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
