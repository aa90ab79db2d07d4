//! The accept loop: lets connections in, as far as the faults allow, and owns them.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use crate::Core;
use crate::connection::Connection;
use crate::fault_queue::Admission;
use crate::journal::Open;

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
    match core.faults.take_for_connection(core.journal.open()) {
        Admission::Refused => None,
        Admission::After(delay) => Some(Connection { tcp, delay, open: Open::count(&core.journal) }),
    }
}

/// Pause after a failed accept, which mostly means that the process is out of file descriptors: long enough not to
/// spin, short enough not to be noticed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
