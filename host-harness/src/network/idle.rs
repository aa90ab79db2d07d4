//! The idle connections that one client keeps for its next calls.
//!
//! An idle connection may be *stale*: closed by the agent, with a FIN that has not arrived yet. Nothing here can rule
//! that out. It is made rare, and the client decides what a request that met one may do.

use std::time::Duration;

use crate::idle::IdlePool;
use crate::network::connect::Connection;

/// A connection that was idle for longer is closed: many servers close theirs after 60 or 75 seconds, and a request that
/// crosses the FIN on the wire fails.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Connections on which no request is running.
pub(super) struct IdleConnections(IdlePool<Connection>);

impl Default for IdleConnections {
    fn default() -> Self {
        Self(IdlePool::new(MAX_IDLE, Connection::is_open))
    }
}

impl IdleConnections {
    /// The connection that was used last.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut connection = self.0.take()?;
        connection.driver.set_in_use();
        Some(connection)
    }

    /// Keeps one more connection, and at most `limit` in all.
    pub(super) fn keep(&self, mut connection: Connection, limit: usize) {
        connection.driver.set_idle(&self.0.waker());
        if connection.is_open() {
            self.0.keep(connection, limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;

    use agentapi_contract::Fingerprint;
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{advance, timeout};

    use super::{Connection, Duration, IdleConnections, MAX_IDLE};
    use crate::network::driver::Driver;

    /// A connection, and its other end.
    async fn connection() -> (Connection, DuplexStream) {
        let (near, far) = tokio::io::duplex(1024);
        let (sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        let driver = Driver::new(async move { drop(connection.await) });
        let leaf = Fingerprint::from_bytes([0; Fingerprint::LEN]);
        let mut connection = Connection { sender, driver, state: Arc::default(), leaf };
        connection.driver.run(pin!(connection.sender.ready())).await.unwrap();
        (connection, far)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_idle_for_too_long_is_closed_and_not_used() {
        let idle = IdleConnections::default();
        let (connection, mut far) = connection().await;
        idle.keep(connection, 8);
        advance(MAX_IDLE - Duration::from_secs(1)).await;
        let connection = idle.take().expect("it was idle for less than its time");
        idle.keep(connection, 8);
        // The clock stands still but for this, so that the read waits for the close and nothing else.
        let mut byte = [0];
        tokio::select! {
            biased;
            read = far.read(&mut byte) => panic!("{read:?} too early"),
            () = advance(MAX_IDLE - Duration::from_secs(1)) => {}
        }
        advance(Duration::from_secs(2)).await;
        assert_eq!(far.read(&mut byte).await.unwrap(), 0);
        assert!(idle.take().is_none());
    }

    #[tokio::test]
    async fn one_that_its_peer_closes_while_it_is_idle_is_closed_without_being_asked_for() {
        let idle = IdleConnections::default();
        let (connection, mut far) = connection().await;
        idle.keep(connection, 8);
        // The pool's task begins with a look at what is idle. After that it has to be told.
        tokio::task::yield_now().await;
        far.shutdown().await.unwrap();
        let closed = timeout(MAX_IDLE / 2, far.read(&mut [0])).await;
        assert_eq!(closed.expect("nobody has told the pool").unwrap(), 0);
        assert!(idle.take().is_none());
    }

    #[tokio::test]
    async fn no_more_are_kept_than_are_wanted_and_none_that_is_closed() {
        for (limit, expected) in [(0, 0), (1, 1), (2, 2), (3, 2)] {
            let ends = [connection().await, connection().await];
            let idle = IdleConnections::default();
            let (mut closed, far) = connection().await;
            drop(far);
            while closed.is_open() {
                closed.driver.poll_if_woken();
                tokio::task::yield_now().await;
            }
            let fars = ends.map(|(connection, far)| {
                idle.keep(connection, limit);
                far
            });
            idle.keep(closed, limit);
            let taken = std::iter::from_fn(|| idle.take()).count();
            assert_eq!(taken, expected, "of at most {limit}");
            drop(fars);
        }
    }
}
