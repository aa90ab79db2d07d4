//! The types of `felhom:agentapi/types`, for the bindings: the public records, and the component's errors.
//!
//! They are written by hand rather than generated, so that what a call returns is a public record without a conversion.
//! The bindings then expect here all that they would have generated: also a trait and a function for linking, which do
//! nothing for an interface without functions.
#![allow(missing_docs, unreachable_pub, reason = "the bindings re-export all of it; documented in wit/types.wit")]

use wasmtime::component::{ComponentType, HasData, Lift, Linker, Lower};

#[allow(unused_imports, reason = "the bindings name every type of the interface")]
pub use crate::records::{
    AssignRequest, BackupDue, BackupJob, BackupPhase, BackupStatus, Disk, DiskList, DiskRole, EjectResult,
    FormatRequest, FormatResult, HostStatus, MetricsView, PendingOp, Smart, SmartHealth, StorageClass, StorageMount,
    StorageTarget, StorageView, ThinPool,
};

/// `error` in `wit/types.wit`, which documents the cases.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Error {
    #[component(name = "not-connected")]
    NotConnected,
    #[component(name = "invalid-argument")]
    InvalidArgument(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "pin-mismatch")]
    PinMismatch,
    #[component(name = "unreachable")]
    Unreachable(String),
    #[component(name = "tls")]
    Tls(String),
    #[component(name = "interrupted")]
    Interrupted(String),
    #[component(name = "deadline")]
    Deadline(Progress),
    #[component(name = "http-status")]
    HttpStatus(HttpAnswer),
    #[component(name = "response-too-large")]
    ResponseTooLarge(u64),
    #[component(name = "bad-envelope")]
    BadEnvelope(String),
    #[component(name = "agent")]
    Agent(String),
    #[component(name = "decode")]
    Decode(String),
}

/// `http-answer` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct HttpAnswer {
    pub status: u16,
    pub text: String,
}

/// `progress` in `wit/types.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Progress {
    #[component(name = "sending")]
    Sending,
    #[component(name = "waiting")]
    Waiting,
    #[component(name = "receiving")]
    Receiving,
}

/// `format-error` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum FormatError {
    #[component(name = "needs-confirmation")]
    NeedsConfirmation(FormatResult),
    #[component(name = "refused")]
    Refused(FormatResult),
    #[component(name = "failed")]
    Failed(Error),
}

/// The host's side of the interface, which has no functions.
pub trait Host {}
impl<T: Host + ?Sized> Host for &mut T {}

/// The same for functions that take the store, of which there are none either.
pub trait HostWithStore<T>: HasData {}
impl<T, D: HasData> HostWithStore<T> for D {}

/// Links the interface's functions, of which there are none.
#[expect(clippy::unnecessary_wraps, reason = "the bindings call it like those of other interfaces")]
pub fn add_to_linker<T, D: HasData>(_linker: &mut Linker<T>, _host: fn(&mut T) -> D::Data<'_>) -> wasmtime::Result<()>
where
    T: 'static,
    for<'a> D::Data<'a>: Host,
{
    Ok(())
}
