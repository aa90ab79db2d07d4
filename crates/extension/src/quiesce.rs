//! Freezing the controller's applications.

use crate::CallError;
use crate::bindings::felhom::agentapi::quiesce as host;

pub use host::{Consistency, FreezeEnd, FreezeReport, QuiesceError};

/// The applications stand still as long as this lives. Dropped it thaws; [`thaw`](Self::thaw) says besides how the freeze
/// ended. Whatever happens to the extension, the host thaws when the run ends or the lease is over.
#[must_use = "dropped it thaws"]
#[derive(Debug)]
pub struct Frozen(());

/// Freezes the controller's applications. Returns when all of them stand still. Needs the grants `quiesce.freeze` and
/// `quiesce.thaw`.
///
/// # Errors
///
/// [`QuiesceError`]: nothing may be frozen, another run holds the freeze, or it failed. The host then thaws by itself.
pub fn freeze() -> Result<Frozen, CallError<QuiesceError>> {
    host::freeze().map(|()| Frozen(())).map_err(CallError::of("quiesce.freeze"))
}

impl Frozen {
    /// Thaws, and says how the freeze ended and what a backup is worth that was taken meanwhile.
    ///
    /// # Errors
    ///
    /// [`QuiesceError::Failed`] where it did not work: the host goes on trying until it does.
    pub fn thaw(self) -> Result<FreezeReport, CallError<QuiesceError>> {
        // Not once more at the drop: the second thaw would be `not-frozen`.
        core::mem::forget(self);
        host::thaw().map_err(CallError::of("quiesce.thaw"))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // The host goes on where it fails, and its report has the end.
        let _ = host::thaw();
    }
}
