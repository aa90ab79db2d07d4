//! The accept loop: lets connections in, as far as the faults allow, and owns them.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use crate::connection::Connection;
use crate::connection_count::Open;
use crate::fault_queue::Admission;
use crate::shared::Shared;

/// Serves connections for ever. Dropping the future ends the listener and every connection.
pub(crate) async fn accept_all(tcp: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = tcp.accept() => match accepted {
                Ok((tcp, _)) => {
                    if let Some(connection) = admit(tcp, &shared) {
                        connections.spawn(connection.serve(Arc::clone(&shared)));
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
fn admit(tcp: TcpStream, shared: &Shared) -> Option<Connection> {
    match shared.faults.take_for_connection(shared.connections.open()) {
        Admission::Refused => None,
        Admission::After(delay) => Some(Connection { tcp, delay, open: Open::count(&shared.connections) }),
    }
}

/// Pause after a failed accept, which mostly means that the process is out of file descriptors: long enough not to
/// spin, short enough not to be noticed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
