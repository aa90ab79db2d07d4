//! How this crate locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks also after a panic of another holder. Our own changes are complete at each step; a closure given to
/// [`MockAgent::change`](crate::MockAgent::change) that panics leaves what it had changed so far, and has failed its
/// test anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
