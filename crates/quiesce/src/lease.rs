//! The holder's end of a freeze.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::coordinator::{Shared, runtime_ended};
use super::{EndedBy, NotFrozen, QuiesceError, QuiesceFailure, Report, Step};

/// The applications are frozen while this lives, and no longer than [`Settings::lease`](super::Settings::lease).
///
/// Dropped, it thaws in the background.
#[must_use = "the applications are thawed when the lease is dropped"]
pub struct Lease {
    shared: Arc<Shared>,
    /// Until the thaw is asked for. Dropping it asks for it, too.
    request: Option<oneshot::Sender<()>>,
    ended: watch::Receiver<Option<Report>>,
    /// The holder knows that it has thawed.
    acknowledged: bool,
}

impl Lease {
    pub(super) fn new(
        shared: Arc<Shared>,
        request: oneshot::Sender<()>,
        ended: watch::Receiver<Option<Report>>,
    ) -> Self {
        Self { shared, request: Some(request), ended, acknowledged: false }
    }

    /// Thaws, and waits until all applications run again, up to [`Settings::thaw_wait`](super::Settings::thaw_wait). A
    /// future that is dropped does not take the request back.
    ///
    /// # Errors
    ///
    /// [`Failed`](QuiesceError::Failed) when it has not worked within that time: it is tried until it does, and calling
    /// this again waits for it. [`NotFrozen`](QuiesceError::NotFrozen) when it had worked before, or the lease ended first.
    pub async fn thaw(&mut self) -> Result<Report, QuiesceError> {
        if self.acknowledged {
            return Err(NotFrozen::Thawed.into());
        }
        if let Some(request) = self.request.take() {
            // A keeper that no longer listens is thawing already.
            let _ = request.send(());
        }
        let report = end_within(&self.shared, &mut self.ended).await?;
        if report.ended_by != EndedBy::Thaw {
            return Err(NotFrozen::LeaseEnded(self.shared.settings.lease).into());
        }
        self.acknowledged = true;
        Ok(report)
    }

    /// How it ended, if all runs again.
    pub fn report(&self) -> Option<Report> {
        self.ended.borrow().clone()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// The report, if the thaw works within the time that a holder waits for it.
pub(super) async fn end_within(
    shared: &Shared,
    ended: &mut watch::Receiver<Option<Report>>,
) -> Result<Report, QuiesceError> {
    let not_yet = |source| QuiesceError::Failed { step: Step::Thaw, source };
    match timeout(shared.settings.thaw_wait, ended.wait_for(Option::is_some)).await {
        Ok(Ok(report)) => report.clone().ok_or_else(|| not_yet(runtime_ended())),
        Ok(Err(_)) => Err(not_yet(runtime_ended())),
        Err(_) => {
            let state = shared.state.borrow();
            let latest = state.held.as_ref().and_then(|held| held.failures.last());
            Err(not_yet(QuiesceFailure::new(latest.map_or("it has not ended yet", String::as_str))))
        }
    }
}
