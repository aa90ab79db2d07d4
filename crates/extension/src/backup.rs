//! Backups of the guest.

use crate::CallError;
use crate::bindings::felhom::agentapi::backup as host;
use crate::types::Error;

pub use crate::types::{BackupDue, BackupJob, BackupPhase, BackupStatus};

/// Whether a backup is due, and why. Needs the grant `backup.due`.
///
/// # Errors
///
/// Any case of [`Error`] but `InvalidArgument`.
pub fn due() -> Result<BackupDue, CallError> {
    host::due().map_err(CallError::of("backup.due"))
}

/// Starts a backup and returns at once. Needs the grant `backup.start`.
///
/// # Errors
///
/// Any case of [`Error`] but `InvalidArgument`. Where [`may_have_acted`](CallError::may_have_acted), ask for the
/// [`status`] before starting again: a second start may be a second backup.
pub fn start() -> Result<BackupJob, CallError> {
    host::start().map_err(CallError::of("backup.start"))
}

/// The state of the latest backup; phase `Idle` when there was none. Needs the grant `backup.status`.
///
/// # Errors
///
/// Any case of [`Error`] but `InvalidArgument`.
pub fn status() -> Result<BackupStatus, CallError> {
    host::status().map_err(CallError::of("backup.status"))
}

impl CallError {
    /// Whether the agent may have done what it was asked, although the call failed. Exhaustive, so that a new kind of error
    /// does not compile until somebody has decided.
    pub fn may_have_acted(&self) -> bool {
        match &self.error {
            Error::NotConnected
            | Error::InvalidArgument(_)
            | Error::Denied(_)
            | Error::PinMismatch
            | Error::Unreachable(_)
            | Error::Agent(_) => false,
            // With a status below 500 the agent, or a proxy before it, refuses before it acts.
            Error::HttpStatus(answer) => answer.status >= 500,
            Error::Tls(_)
            | Error::Interrupted(_)
            | Error::Deadline(_)
            | Error::ResponseTooLarge(_)
            | Error::BadEnvelope(_)
            | Error::Decode(_) => true,
        }
    }
}
