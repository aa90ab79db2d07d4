//! Disks of the guest: list, assign, eject, format.

use alloc::string::String;

use crate::CallError;
use crate::bindings::felhom::agentapi::disks as host;

pub use crate::types::{
    AssignRequest, Disk, DiskList, DiskRole, EjectResult, FormatError, FormatRequest, FormatResult, PendingOp,
};

/// The disks, in the agent's order. Needs the grant `disks.list`.
///
/// # Errors
///
/// Any case of [`Error`](crate::types::Error) but `InvalidArgument`.
pub fn list() -> Result<DiskList, CallError> {
    host::list().map_err(CallError::of("disks.list"))
}

/// Mounts a disk's file system. Needs the grant `disks.assign`.
///
/// # Errors
///
/// Any case of [`Error`](crate::types::Error).
pub fn assign(request: &AssignRequest) -> Result<(), CallError> {
    host::assign(request).map_err(CallError::of("disks.assign"))
}

/// Unmounts the disk that is mounted here, and lets it go. Needs the grant `disks.eject`.
///
/// # Errors
///
/// Any case of [`Error`](crate::types::Error).
pub fn eject(mount_path: &str) -> Result<EjectResult, CallError> {
    host::eject(mount_path).map_err(CallError::of("disks.eject"))
}

/// Formats a disk. Needs the grant `disks.format`, and with a confirmation a person who agrees.
///
/// # Errors
///
/// [`FormatError`]: the customer must confirm, the operator must sign, or it failed.
pub fn format(request: &FormatRequest) -> Result<FormatResult, CallError<FormatError>> {
    host::format(request).map_err(CallError::of("disks.format"))
}

/// The file system UUID in a durable id; none where it holds none. Needs the grant `disks.fs-uuid`, and no request.
pub fn fs_uuid(durable_id: &str) -> Option<String> {
    host::fs_uuid(durable_id)
}

/// The command by which the operator signs an operation. Needs the grant `disks.opsign-command`, and no request.
///
/// # Errors
///
/// `Denied` without the grant, `InvalidArgument` for a text that no command line can hold.
pub fn opsign_command(op: &PendingOp) -> Result<String, CallError> {
    host::opsign_command(op).map_err(CallError::of("disks.opsign-command"))
}
