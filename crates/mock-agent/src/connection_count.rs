//! How many connections an agent had and has, as the connection limit and tests ask for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
pub(crate) struct OpenConnection(Arc<ConnectionCount>);

impl OpenConnection {
    pub(crate) fn count(connections: &Arc<ConnectionCount>) -> Self {
        connections.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(connections))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
