//! The idle connections that one client keeps for its next calls.
//!
//! An idle connection may be *stale*: closed by the agent, with a FIN that has not arrived yet. Nothing here can rule
//! that out. It is made rare, and the client decides what a request that met one may do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

/// A connection that was idle for longer is not used again: many servers close theirs after 60 or 75 seconds, and a
/// request that crosses the FIN on the wire fails.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Connections on which no request is running, the one used last at the end.
#[derive(Default)]
pub(crate) struct IdleConnections(Mutex<Vec<IdleConnection>>);

struct IdleConnection {
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

impl IdleConnections {
    /// The connection that was used last: it is the least likely to be stale.
    pub(crate) fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        connections.retain(|idle| !idle.sender.is_closed() && now.duration_since(idle.since) < MAX_IDLE);
        connections.pop().map(|idle| idle.sender)
    }

    /// Keeps one more connection, and at most `limit` in all.
    pub(crate) fn keep(&self, sender: SendRequest<Full<Bytes>>, limit: usize) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !sender.is_closed() {
            connections.push(IdleConnection { sender, since: Instant::now() });
        }
        // The oldest are dropped, which closes them: they are the next to become stale.
        let excess = connections.len().saturating_sub(limit);
        connections.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;

    use super::{Bytes, Full, IdleConnection, IdleConnections, Instant, MAX_IDLE, SendRequest};

    /// A connection, and its other end.
    async fn connection() -> (SendRequest<Full<Bytes>>, impl Sized) {
        let (near, far) = tokio::io::duplex(1024);
        let (sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        (sender, (connection, far))
    }

    #[tokio::test]
    async fn one_that_was_idle_for_too_long_is_not_used() {
        let now = Instant::now();
        for (since, is_used) in [(now, true), (now.checked_sub(MAX_IDLE).unwrap(), false)] {
            let (sender, _far) = connection().await;
            let idle = IdleConnections::default();
            idle.0.lock().unwrap().push(IdleConnection { sender, since });
            assert_eq!(idle.take().is_some(), is_used);
        }
    }

    #[tokio::test]
    async fn no_more_are_kept_than_are_wanted_and_none_that_is_closed() {
        for (limit, expected) in [(0, 0), (1, 1), (2, 2), (3, 2)] {
            let ends = [connection().await, connection().await];
            let idle = IdleConnections::default();
            let (closed, far) = connection().await;
            drop(far);
            let fars = ends.map(|(sender, far)| {
                idle.keep(sender, limit);
                far
            });
            idle.keep(closed, limit);
            let taken = std::iter::from_fn(|| idle.take()).count();
            assert_eq!(taken, expected, "of at most {limit}");
            drop(fars);
        }
    }
}
