//! What a controller counts and measures: a summary of each call.

use std::time::Duration;

use agentapi_contract::{Fingerprint, Route};

/// Receives a summary of every call that has ended, for a controller's own metrics.
///
/// It runs on the task that made the call, so it should count and return. A call whose future is dropped has none.
pub trait Observer: Send + Sync + 'static {
    /// A call has ended, well or not.
    fn call_ended(&self, call: &CallSummary);
}

/// A call that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallSummary {
    /// What was asked for; none where the call makes no request, as the two helpers do.
    pub route: Option<Route>,
    /// `ok`, or the [kind](crate::Error::kind) of error.
    pub outcome: &'static str,
    /// How often sending the request was tried: 2 where an idle connection was stale and it was tried again on a new one,
    /// 1 also where no connection could be made. 0 where there was no request, or the call ended before it did.
    pub attempts: u32,
    /// Whether it went over a connection that an earlier call had made.
    pub is_reused: bool,
    /// The fingerprint that the agent presented on that connection. Where there are several pins, this is the one that
    /// matched: once it is always the new one, the old one can go. None where there was no connection.
    pub fingerprint: Option<Fingerprint>,
    /// Bytes of the answer's body.
    pub received_bytes: usize,
    /// From the start of the call to its end; waiting for a permit is included.
    pub duration: Duration,
}
