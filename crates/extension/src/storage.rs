//! What is mounted in the guest.

use crate::CallError;
use crate::bindings::felhom::agentapi::storage as host;

pub use crate::types::{StorageClass, StorageMount, StorageView};

/// What is mounted, in the agent's order. Needs the grant `storage.mounts`.
///
/// # Errors
///
/// Any case of [`Error`](crate::types::Error) but `InvalidArgument`.
pub fn mounts() -> Result<StorageView, CallError> {
    host::mounts().map_err(CallError::of("storage.mounts"))
}
