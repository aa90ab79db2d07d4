//! The holder's end of a freeze.

use std::fmt;
use std::sync::Arc;

use crate::error::{NotFrozen, QuiesceError, QuiesceFailure, Step};
use crate::report::{Backup, Report, Stage};
use crate::shared::{Handle, Hold, Shared};
use crate::sync::{timeout, watch};

/// The applications are frozen while this lives, and no longer than [`Settings::lease`](super::Settings::lease).
///
/// Dropped, it thaws in the background.
#[must_use = "the applications are thawed when the lease is dropped"]
pub struct Lease {
    /// Before the handle: the wish must be there when the last handle goes.
    hold: Hold,
    ended: watch::Receiver<Option<Report>>,
    /// The holder knows that it has thawed.
    acknowledged: bool,
    number: u64,
    handle: Arc<Handle>,
}

impl Lease {
    pub(super) fn new(handle: Arc<Handle>, hold: Hold, ended: watch::Receiver<Option<Report>>, number: u64) -> Self {
        Self { hold, ended, acknowledged: false, number, handle }
    }

    /// A backup is about to be started: to be called before its request is sent. Whether everything still stands still.
    ///
    /// Together with [`backup_captured`](Self::backup_captured) this decides what the backup is worth.
    pub fn backup_begins(&self) -> bool {
        self.while_frozen(|backup| *backup = Backup::Begun)
    }

    /// The agent has said that it has what it needs. Whether everything still stands still.
    pub fn backup_captured(&self) -> bool {
        self.while_frozen(|backup| {
            if *backup == Backup::Begun {
                *backup = Backup::Captured;
            }
        })
    }

    /// Thaws, and waits until all applications run again, up to [`Settings::thaw_wait`](super::Settings::thaw_wait). A
    /// future that is dropped does not take the request back.
    ///
    /// The report says how the freeze ended: by this, or before it, because the lease ended or something did not stand
    /// still.
    ///
    /// # Errors
    ///
    /// [`Failed`](QuiesceError::Failed) when it has not worked within that time: it is tried until it does, and calling
    /// this again waits for it. [`NotFrozen`](QuiesceError::NotFrozen) when this has returned the report before.
    pub async fn thaw(&mut self) -> Result<Report, QuiesceError> {
        if self.acknowledged {
            return Err(NotFrozen::Thawed.into());
        }
        // A keeper that is thawing already does not look.
        self.hold.thaw();
        let report = end_within(&self.handle.0, &mut self.ended).await?;
        self.acknowledged = true;
        Ok(report)
    }

    /// How it ended, if all runs again.
    pub fn report(&self) -> Option<Report> {
        self.ended.borrow().clone()
    }

    /// Under the lock that the keeper takes to thaw: what is recorded here happened before.
    fn while_frozen(&self, change: impl FnOnce(&mut Backup)) -> bool {
        let mut is_frozen = false;
        self.handle.0.state.send_if_modified(|state| {
            let held = state.held.as_mut();
            let held = held.filter(|held| held.stage == Stage::Frozen && held.number == self.number);
            if let Some(held) = held {
                is_frozen = true;
                change(&mut held.backup);
            }
            false
        });
        is_frozen
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
        Ok(Ok(report)) => report.clone().ok_or_else(|| not_yet(keeper_failed())),
        Ok(Err(_)) => Err(not_yet(keeper_failed())),
        Err(_) => {
            // Too late: say what the thaw said last, which is what an operator needs.
            let state = shared.state.borrow();
            let latest = state.held.as_ref().and_then(|held| held.failures.last());
            Err(not_yet(QuiesceFailure::new(latest.map_or("it has not ended yet", String::as_str))))
        }
    }
}

/// Why a keeper is gone that never goes by itself.
pub(super) fn keeper_failed() -> QuiesceFailure {
    QuiesceFailure::new("the thread that thaws has ended; the next start thaws")
}
