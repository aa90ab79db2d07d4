//! The clock that backups run by: the system's, or that of a test.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Tells how far backups have come.
#[derive(Clone)]
pub(crate) struct BackupClock(Arc<dyn Fn() -> Instant + Send + Sync>);

impl BackupClock {
    /// A clock by the time since some moment, which never goes back.
    pub(crate) fn of(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let base = Instant::now();
        // Beyond what an `Instant` can show, time stands still.
        Self(Arc::new(move || base.checked_add(elapsed()).unwrap_or(base)))
    }

    pub(crate) fn now(&self) -> Instant {
        (self.0)()
    }
}

impl Default for BackupClock {
    fn default() -> Self {
        Self(Arc::new(Instant::now))
    }
}

impl fmt::Debug for BackupClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BackupClock").finish_non_exhaustive()
    }
}
