//! The accept loop: lets connections in, as far as the faults allow, owns them and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use crate::Core;
use crate::connection::Connection;
use crate::fault_queue::Admission;

/// Serves connections for ever. Dropping the future ends the listener and every connection.
pub(crate) async fn accept_all(tcp: TcpListener, core: Arc<Core>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = tcp.accept() => match accepted {
                Ok((tcp, _)) => {
                    if let Some(connection) = admit(tcp, &core) {
                        connections.spawn(connection.serve(Arc::clone(&core)));
                    }
                }
                Err(error) => {
                    debug!(%error, "the mock agent could not accept a connection");
                    sleep(PAUSE_AFTER_ERROR).await;
                }
            },
            // Reaped as they end: a set that only grows would be a leak of one task per connection.
            Some(ended) = connections.join_next() => {
                if let Ok(Err(error)) = ended {
                    debug!(%error, "a connection to the mock agent broke");
                }
            }
        }
    }
}

/// The connection, unless a fault refuses it: then it is closed by being dropped.
fn admit(tcp: TcpStream, core: &Core) -> Option<Connection> {
    match core.faults.take_for_connection(core.connections.open()) {
        Admission::Refused => None,
        Admission::After(delay) => Some(Connection { tcp, delay, open: Open::count(&core.connections) }),
    }
}

/// How many connections there were and are.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCount {
    established: AtomicUsize,
    open: AtomicUsize,
}

impl ConnectionCount {
    /// Counts a connection whose handshake succeeded, and gives it its number.
    pub(crate) fn establish(&self) -> usize {
        self.established.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn established(&self) -> usize {
        self.established.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Counts one TCP connection as open for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Arc<ConnectionCount>);

impl Open {
    fn count(connections: &Arc<ConnectionCount>) -> Self {
        connections.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(connections))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Pause after a failed accept, which mostly means that the process is out of file descriptors: long enough not to
/// spin, short enough not to be noticed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
