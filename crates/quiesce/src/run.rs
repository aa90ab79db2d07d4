//! The two functions of `felhom:agentapi/quiesce`, for one run of an extension.

use super::{Coordinator, Lease, NotFrozen, QuiesceError, Report};

/// A run that may freeze, thaw and freeze again. Dropped, it thaws in the background what it has frozen.
#[derive(Debug)]
pub struct Run {
    coordinator: Coordinator,
    holder: String,
    lease: Option<Lease>,
}

impl Run {
    pub(super) fn new(coordinator: Coordinator, holder: String) -> Self {
        Self { coordinator, holder, lease: None }
    }

    /// As [`Coordinator::freeze`].
    ///
    /// # Errors
    ///
    /// Those, and [`AlreadyFrozen`](QuiesceError::AlreadyFrozen) until what this run has frozen is thawed, by whomever.
    pub async fn freeze(&mut self) -> Result<(), QuiesceError> {
        if self.lease.as_ref().is_some_and(|lease| lease.report().is_none()) {
            return Err(QuiesceError::AlreadyFrozen);
        }
        self.lease = None;
        self.lease = Some(self.coordinator.freeze(&self.holder).await?);
        Ok(())
    }

    /// As [`Lease::thaw`].
    ///
    /// # Errors
    ///
    /// Those, and [`NotFrozen`](QuiesceError::NotFrozen) when this run has frozen nothing.
    pub async fn thaw(&mut self) -> Result<Report, QuiesceError> {
        match &mut self.lease {
            Some(lease) => lease.thaw().await,
            None => Err(NotFrozen::Never.into()),
        }
    }

    /// How this run's latest freeze ended, if it froze and all runs again.
    pub fn report(&self) -> Option<Report> {
        self.lease.as_ref()?.report()
    }
}
