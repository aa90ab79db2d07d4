//! Everything of this process that writes to a disk, parked while something is frozen.

use agentapi_host::policy::AuditFile;
use agentapi_host::quiesce::Parked;

use crate::extension::state_file::StateFile;
use crate::process::stderr::stderr;

/// Parks whatever writes, until the value is dropped: after the thaw, in the order in which it stands here. The audit comes
/// first, because it may have something to say of itself. What is to write in this process later is added here.
pub(super) fn park(audit: Option<&AuditFile>, state: Option<&StateFile>) -> Parked {
    Parked::until_dropped((audit.map(AuditFile::park), state.map(StateFile::park), stderr().park()))
}
