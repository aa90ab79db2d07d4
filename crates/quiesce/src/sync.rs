//! Threads, locks and time, in one place: `races.rs` builds the same sources with others, under a scheduler that chooses
//! the order of everything that happens.
//!
//! Tokio's channels are correct by tests of their own, so there each use of one is a single step.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic};
pub(crate) use std::thread;
use std::time::{Duration, Instant};

pub(crate) use tokio::runtime::Runtime;
pub(crate) use tokio::sync::{oneshot, watch};
pub(crate) use tokio::time::timeout;

pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A runtime on whichever thread calls its `block_on`, with the timers and sockets that own code may want.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Waits until the condition variable is notified, no longer than this. It may also return for no reason.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    _mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    limit: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner).0
}
