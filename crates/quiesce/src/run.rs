//! The two functions of `felhom:agentapi/quiesce`, for one run of an extension.

use crate::coordinator::Coordinator;
use crate::error::{NotFrozen, QuiesceError};
use crate::lease::Lease;
use crate::parked::Parked;
use crate::report::Report;

/// A run that may freeze, thaw and freeze again. Dropped, it thaws in the background what it has frozen.
#[derive(Debug)]
pub struct Run {
    coordinator: Coordinator,
    holder: String,
    lease: Option<Lease>,
}

impl Coordinator {
    /// A run of an extension or a backup, which may freeze and thaw any number of times under its name.
    pub fn run(&self, holder: impl Into<String>) -> Run {
        Run { coordinator: self.clone(), holder: holder.into(), lease: None }
    }
}

impl Run {
    /// As [`Coordinator::freeze`].
    ///
    /// # Errors
    ///
    /// Those, and [`AlreadyFrozen`](QuiesceError::AlreadyFrozen) until what this run has frozen is thawed, by whomever.
    pub async fn freeze(&mut self, parked: &Parked) -> Result<(), QuiesceError> {
        if self.lease.as_ref().is_some_and(|lease| lease.report().is_none()) {
            return Err(QuiesceError::AlreadyFrozen);
        }
        self.lease = None;
        self.lease = Some(self.coordinator.freeze(&self.holder, parked).await?);
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

    /// As [`Lease::backup_begins`]. `false` also where nothing is frozen.
    pub fn backup_begins(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::backup_begins)
    }

    /// As [`Lease::backup_captured`]. `false` also where nothing is frozen.
    pub fn backup_captured(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::backup_captured)
    }

    /// How this run's latest freeze ended, if it froze and all runs again.
    pub fn report(&self) -> Option<Report> {
        self.lease.as_ref()?.report()
    }
}
