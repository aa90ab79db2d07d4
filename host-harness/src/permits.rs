//! How many calls to one agent run at once, and how many idle connections and instances are kept for the next ones.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Calls to one agent that run at once; more wait for a permit within their deadline. Each call has a connection of its
/// own, and an agent that serves a few guests does not expect hundreds of connections from one of them.
const MAX_CONCURRENT_CALLS: usize = 32;
/// What is kept even while few calls run: enough for a burst after a quiet time. It is not more, because each
/// connection holds a file descriptor that a client of another agent may need.
const MIN_IDLE: usize = 8;

/// The permits of one agent's calls.
#[derive(Clone)]
pub(crate) struct Permits(Arc<Semaphore>);

/// Permission for one call, until it is dropped.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Default for Permits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONCURRENT_CALLS)))
    }
}

impl Permits {
    /// Waits for a permit until this time; none where none was free by then.
    pub(crate) async fn acquire(&self, until: Instant) -> Option<Permit> {
        // Without a timer at first: setting one costs more than all the rest, and usually a permit is free.
        let permit = match Arc::clone(&self.0).try_acquire_owned() {
            Ok(permit) => permit,
            // The semaphore is never closed, so the only failure is the time.
            Err(_) => timeout_at(until, Arc::clone(&self.0).acquire_owned()).await.ok()?.ok()?,
        };
        Some(Permit { _permit: permit })
    }

    /// Upper bound for idle connections and for idle instances: as many as calls are running now, at least
    /// [`MIN_IDLE`], so that back-to-back calls reuse what the previous ones returned.
    pub(crate) fn idle_limit(&self) -> usize {
        MAX_CONCURRENT_CALLS.saturating_sub(self.0.available_permits()).max(MIN_IDLE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Instant, MAX_CONCURRENT_CALLS, MIN_IDLE, Permits};

    #[tokio::test]
    async fn as_much_is_kept_as_is_running_and_a_little_always() {
        let permits = Permits::default();
        assert_eq!(permits.idle_limit(), MIN_IDLE);
        let later = Instant::now() + Duration::from_secs(10);
        let mut held = Vec::new();
        for _ in 0..MAX_CONCURRENT_CALLS {
            held.push(permits.acquire(later).await.unwrap());
        }
        assert_eq!(permits.idle_limit(), MAX_CONCURRENT_CALLS);
        assert!(permits.acquire(Instant::now() + Duration::from_millis(5)).await.is_none());
        held.pop();
        assert!(permits.acquire(later).await.is_some());
    }
}
