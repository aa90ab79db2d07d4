//! What can go wrong, as a controller sees it, and the two mappings at the component's border.
//!
//! On the way in, [`to_wasi`](Error::to_wasi) tells the component no more than it needs to name the kind. On the way
//! out, [`FromComponent`] puts the host's own error back, which knows the cause.

use std::io;
use std::time::Duration;

use agentapi_contract::Authority;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use crate::Route;
use crate::mask::Mask;
use crate::pin::PinMismatch;
use crate::types::{DiskRole, Error as ComponentError, FormatError, FormatResult, PendingOp, Progress};

/// Why a call failed: one case for each thing that a caller would do differently.
///
/// No text holds the token. The causes are in [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The instance was not connected. A host that connects its instances never sees this.
    #[error("not connected")]
    NotConnected,
    /// An argument cannot be right. Nothing was sent.
    #[error("{0}")]
    InvalidArgument(String),
    /// A rule forbids it: a grant, a route, a limit. Nothing was sent.
    #[error("denied: {0}")]
    Denied(String),
    /// The agent's leaf certificate is not a pinned one. Refused in the handshake: nothing was sent.
    #[error("the certificate of {authority} is not the pinned one")]
    PinMismatch {
        /// Where the connection went.
        authority: Authority,
        /// What was expected and presented.
        source: PinMismatch,
    },
    /// No connection: name not found, refused, or no answer while connecting. Nothing was sent.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// Where the connection was to go.
        authority: Authority,
        /// What the operating system said.
        source: io::Error,
    },
    /// TLS failed for another reason than the pin.
    #[error("TLS with {authority} failed")]
    Tls {
        /// Where the connection went.
        authority: Authority,
        /// What went wrong.
        source: io::Error,
    },
    /// The connection broke before the whole answer was there. The agent may have acted.
    #[error("{route}: the connection to {authority} broke before the whole answer was there")]
    Interrupted {
        /// What was asked for.
        route: Route,
        /// Where the connection went.
        authority: Authority,
        /// How it broke.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The time for the whole call was over.
    #[error("no answer within {} ms: the time was over {phase}", limit.as_millis())]
    Deadline {
        /// The deadline of the whole call.
        limit: Duration,
        /// How far the call had come.
        phase: Phase,
    },
    /// The agent answered with a status that the operation does not accept.
    #[error("{route}: HTTP {status}")]
    HttpStatus {
        /// What was asked for.
        route: Route,
        /// The status.
        status: u16,
    },
    /// The answer's body is larger than the limit.
    #[error("the answer is larger than {limit} bytes")]
    ResponseTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer is not the envelope `{"ok": .., "data": .., "error": ..}`.
    #[error("the answer is not the agent's envelope: {0}")]
    BadEnvelope(String),
    /// The agent said no (`"ok": false`): its own text, which may be empty.
    #[error("{}", if .0.is_empty() { "the agent refused without saying why" } else { .0 })]
    Agent(String),
    /// The envelope's data is not what the operation documents.
    #[error("the answer's data has another shape than documented: {0}")]
    Decode(String),
    /// A user-data disk: the customer must confirm the durable id in this answer.
    #[error("the customer must confirm that {} is wiped (durable id {:?})", .0.device, .0.durable_id)]
    NeedsConfirmation(Box<FormatResult>),
    /// A system or backup disk: the operator must sign the pending operation in this answer.
    #[error("the operator must sign that {} is wiped", .0.device)]
    FormatRefused(Box<FormatResult>),
    /// An extension was to be run, and the component has none plugged onto it.
    #[error("expected a component that exports felhom:agentapi/policy@0.1.0, found one that does not")]
    NoPolicy,
    /// The component trapped or could not be run: a bug, here or in the component.
    #[error("the component failed")]
    Component(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for a call before it to end.
    Queued,
    /// Looking the name up and connecting.
    Connecting,
    /// In the TLS handshake.
    Handshake,
    /// The request was being sent, or was sent and no answer had come.
    Waiting,
    /// Part of the answer had come.
    Receiving,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Queued => "while earlier calls were running",
            Self::Connecting => "while connecting",
            Self::Handshake => "in the TLS handshake",
            Self::Waiting => "while waiting for the answer to begin",
            Self::Receiving => "before the whole answer was there",
        })
    }
}

impl Error {
    /// The error's name, the same in WIT and in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotConnected => "not-connected",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::Denied(_) => "denied",
            Self::PinMismatch { .. } => "pin-mismatch",
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Interrupted { .. } => "interrupted",
            Self::Deadline { .. } => "deadline",
            Self::HttpStatus { .. } => "http-status",
            Self::ResponseTooLarge { .. } => "response-too-large",
            Self::BadEnvelope(_) => "bad-envelope",
            Self::Agent(_) => "agent",
            Self::Decode(_) => "decode",
            Self::NeedsConfirmation(_) => "needs-confirmation",
            Self::FormatRefused(_) => "format-refused",
            Self::NoPolicy => "no-policy",
            Self::Component(_) => "internal",
        }
    }

    /// What the component is told: enough to name the kind, without address and cause.
    pub(crate) fn to_wasi(&self) -> ErrorCode {
        match self {
            Self::PinMismatch { .. } => ErrorCode::TlsCertificateError,
            Self::Unreachable { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
                io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
                _ => ErrorCode::DestinationUnavailable,
            },
            Self::Tls { .. } => ErrorCode::TlsProtocolError,
            Self::Deadline { phase, .. } => match phase {
                Phase::Connecting => ErrorCode::ConnectionTimeout,
                Phase::Queued | Phase::Handshake => ErrorCode::ConnectionWriteTimeout,
                Phase::Waiting => ErrorCode::HttpResponseTimeout,
                Phase::Receiving => ErrorCode::ConnectionReadTimeout,
            },
            Self::ResponseTooLarge { limit } => ErrorCode::HttpResponseBodySize(Some(*limit)),
            Self::Denied(_) | Self::InvalidArgument(_) | Self::NotConnected => ErrorCode::HttpRequestDenied,
            Self::Interrupted { .. }
            | Self::HttpStatus { .. }
            | Self::BadEnvelope(_)
            | Self::Agent(_)
            | Self::Decode(_)
            | Self::NeedsConfirmation(_)
            | Self::FormatRefused(_)
            | Self::NoPolicy
            | Self::Component(_) => ErrorCode::HttpResponseIncomplete,
        }
    }

    /// The same error without the secrets that the agent may have put into its texts.
    pub(crate) fn masked(self, mask: &Mask) -> Self {
        match self {
            Self::InvalidArgument(text) => Self::InvalidArgument(mask.text(text)),
            Self::Denied(text) => Self::Denied(mask.text(text)),
            Self::BadEnvelope(text) => Self::BadEnvelope(mask.text(text)),
            Self::Agent(text) => Self::Agent(mask.text(text)),
            Self::Decode(text) => Self::Decode(mask.text(text)),
            Self::NeedsConfirmation(result) => Self::NeedsConfirmation(Box::new(masked_result(*result, mask))),
            Self::FormatRefused(result) => Self::FormatRefused(Box::new(masked_result(*result, mask))),
            // These hold nothing of what the agent said.
            Self::NotConnected
            | Self::PinMismatch { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Interrupted { .. }
            | Self::Deadline { .. }
            | Self::HttpStatus { .. }
            | Self::ResponseTooLarge { .. }
            | Self::NoPolicy
            | Self::Component(_) => self,
        }
    }

    fn unexpected(what: &str) -> Self {
        Self::Component(what.into())
    }
}

fn masked_result(result: FormatResult, mask: &Mask) -> FormatResult {
    FormatResult {
        device: mask.text(result.device),
        reason: mask.text(result.reason),
        durable_id: mask.text(result.durable_id),
        pending_op: result.pending_op.map(|op| PendingOp {
            op: mask.text(op.op),
            host_scope: mask.text(op.host_scope),
            durable_id: mask.text(op.durable_id),
            fstype: mask.text(op.fstype),
        }),
        role: match result.role {
            DiskRole::Other(text) => DiskRole::Other(mask.text(text)),
            named => named,
        },
        ..result
    }
}

/// How an error of the component becomes one of the host.
pub(crate) trait FromComponent<E> {
    /// What the component says of a call to a route, with the cause that the host saw during the exchange.
    fn from_component(error: E, route: Option<Route>, cause: Option<Error>) -> Self;
}

impl FromComponent<ComponentError> for Error {
    fn from_component(error: ComponentError, route: Option<Route>, cause: Option<Error>) -> Self {
        // The host's own error is the better one wherever the component only passes on what it was told.
        let told = |fallback: Self| cause.unwrap_or(fallback);
        match error {
            ComponentError::NotConnected => Self::NotConnected,
            ComponentError::InvalidArgument(why) => Self::InvalidArgument(why),
            ComponentError::HttpStatus(status) => match route {
                Some(route) => Self::HttpStatus { route, status },
                None => Self::unexpected("a status without a request"),
            },
            ComponentError::BadEnvelope(why) => Self::BadEnvelope(why),
            ComponentError::Agent(text) => Self::Agent(text),
            ComponentError::Decode(why) => Self::Decode(why),
            ComponentError::ResponseTooLarge(limit) => told(Self::ResponseTooLarge { limit }),
            ComponentError::Denied(rule) => told(Self::Denied(rule)),
            ComponentError::PinMismatch => told(Self::unexpected("a pin mismatch without a handshake")),
            ComponentError::Unreachable(why) | ComponentError::Tls(why) | ComponentError::Interrupted(why) => {
                told(Self::unexpected(&why))
            }
            ComponentError::Deadline(Progress::Sending | Progress::Waiting | Progress::Receiving) => {
                told(Self::unexpected("a deadline without a request"))
            }
        }
    }
}

impl FromComponent<FormatError> for Error {
    fn from_component(error: FormatError, route: Option<Route>, cause: Option<Error>) -> Self {
        match error {
            FormatError::NeedsConfirmation(result) => Self::NeedsConfirmation(Box::new(result)),
            FormatError::Refused(result) => Self::FormatRefused(Box::new(result)),
            FormatError::Failed(error) => Self::from_component(error, route, cause),
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
