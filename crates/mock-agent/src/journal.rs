//! What a mock agent saw: its connections and the requests on them, for tests to look at afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use crate::lock;

/// A request that arrived whole, whether or not it was authorized, on a route, or answered.
///
/// Its debug text does not show the token.
#[derive(Clone, Debug)]
pub struct Received {
    /// The connection it came on: 1 for the first whose handshake succeeded.
    pub connection: usize,
    /// Its method.
    pub method: Method,
    /// Its path and query, as sent.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Counts connections and keeps requests. Shared by all connections of one agent.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    connections: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<Received>>,
}

/// Counts one TCP connection as open for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Arc<Journal>);

impl Journal {
    /// Counts a connection whose handshake succeeded, and gives it its number.
    pub(crate) fn connected(&self) -> usize {
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) fn record(&self, mut request: Received) {
        for (name, value) in &mut request.headers {
            if name == AUTHORIZATION {
                value.set_sensitive(true);
            }
        }
        lock(&self.requests).push(request);
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        lock(&self.requests).clone()
    }

    pub(crate) fn take_requests(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.requests))
    }
}

impl Open {
    pub(crate) fn count(journal: &Arc<Journal>) -> Self {
        journal.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(journal))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
