//! Where a mock agent's answers come from, when they are not its own.

use std::pin::Pin;

use agentapi_contract::Route;
use bytes::Bytes;

use crate::recording::Outcome;

/// Answers in place of the mock agent, which only keeps TLS, the token and the list of routes to itself: a recording, or
/// another agent behind it.
pub trait Upstream: Send + Sync + 'static {
    /// What came back of a request that had the token. The future is dropped when the client closes its connection.
    fn exchange(&self, route: Route, body: Bytes) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;
}
