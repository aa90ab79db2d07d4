//! The accept loop: admits connections, as far as the faults allow, and owns their tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use crate::connection::Connection;
use crate::connection_count::OpenConnection;
use crate::fault_queue::Admission;
use crate::shared::Shared;

/// Serves connections until the future is dropped, which closes the listener and every connection.
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
            // Tasks are reaped as they end: left in the set, each connection would leak one.
            Some(ended) = connections.join_next() => {
                if let Ok(Err(error)) = ended {
                    debug!(%error, "a connection to the mock agent broke");
                }
            }
        }
    }
}

/// The connection, unless a fault refuses it: then dropping it closes it.
fn admit(tcp: TcpStream, shared: &Shared) -> Option<Connection> {
    match shared.faults.take_for_connection(shared.connections.open()) {
        Admission::Refused => None,
        Admission::After(delay) => Some(Connection { tcp, delay, open: OpenConnection::count(&shared.connections) }),
    }
}

/// Pause after a failed accept, which mostly means that the process is out of file descriptors: long enough not to
/// spin, short enough not to be noticed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
