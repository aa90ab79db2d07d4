//! What can go wrong, as a controller sees it.
//!
//! The kinds are the cases of `error` in `wit/types.wit`, so that the same name is met in WIT, in JSON and here. Causes
//! are in `source` and never repeated in the text. How errors cross the component's border is in `sandbox/error.rs`.

use std::io;
use std::time::Duration;

use agentapi_contract::wit::POLICY;
use agentapi_contract::{Authority, Fingerprint, Method, Pins, Route};
use serde::ser::{Serialize, SerializeMap, Serializer};

use agentapi_quiesce::error_chain;

use crate::records::FormatResult;

/// Why a call failed: one case for each thing that a caller would do differently.
///
/// No text holds the token. The causes are in [`source`](std::error::Error::source).
///
/// As JSON it is `{"kind": .., "message": ..}`, and where there is one `status` or `value`: the shape of `error` in the
/// answers of `agentapi call`.
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
        /// What was asked for; none where the call makes no request.
        route: Option<Route>,
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
    #[error("expected a component that exports {POLICY}, found one that does not")]
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

/// How a peer failed the pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinMismatch {
    /// It presented another leaf certificate than a pinned one.
    #[error("expected fingerprint {}, presented {presented}", alternatives(expected))]
    OtherLeaf {
        /// The pins.
        expected: Pins,
        /// The fingerprint of the leaf certificate that was presented.
        presented: Fingerprint,
    },
    /// It presented a pinned certificate and did not prove that it holds its key: somebody copied the certificate.
    #[error("the pinned certificate was presented by a peer that does not hold its key")]
    KeyNotProven,
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

    /// Whether the agent may have done what it was asked for although the call failed. Then look (`backup_status`,
    /// `disks`) before asking again: a second order would be a second backup.
    ///
    /// False where the request was not sent, where it only reads, and where the agent has answered that it did not act.
    /// An answer that cannot be read, or a status of a server's own failure, says nothing of what was done before it.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Interrupted { route, .. } => acts(*route),
            Self::Deadline { route, phase, .. } => {
                route.is_some_and(acts) && matches!(phase, Phase::Waiting | Phase::Receiving)
            }
            Self::HttpStatus { route, status } => acts(*route) && *status >= 500,
            // An answer came and it was not a refusal; of what, these do not say. A caller of an operation that only
            // reads need not ask.
            Self::ResponseTooLarge { .. } | Self::BadEnvelope(_) | Self::Decode(_) | Self::Component(_) => true,
            Self::NotConnected
            | Self::InvalidArgument(_)
            | Self::Denied(_)
            | Self::PinMismatch { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Agent(_)
            | Self::NeedsConfirmation(_)
            | Self::FormatRefused(_)
            | Self::NoPolicy => false,
        }
    }
}

/// Whether a route changes something on the agent's side.
fn acts(route: Route) -> bool {
    route.method() == Method::Post
}

impl Serialize for Error {
    /// The causes are part of the message, but for what the agent said itself: that is repeated as it is.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        match self {
            Self::Agent(text) => map.serialize_entry("message", text)?,
            Self::HttpStatus { status, .. } => {
                map.serialize_entry("message", &self.to_string())?;
                map.serialize_entry("status", status)?;
            }
            Self::NeedsConfirmation(result) | Self::FormatRefused(result) => {
                map.serialize_entry("message", &self.to_string())?;
                map.serialize_entry("value", result)?;
            }
            _ => map.serialize_entry("message", &error_chain(self))?,
        }
        map.end()
    }
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

fn alternatives(pins: &Pins) -> String {
    let texts: Vec<_> = pins.iter().map(ToString::to_string).collect();
    texts.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_order_that_can_have_arrived_may_have_been_carried_out() {
        let interrupted = |route| {
            let authority = "agent:1".parse().unwrap();
            Error::Interrupted { route, authority, source: "reset".into() }
        };
        let late = |route, phase| Error::Deadline { route, limit: Duration::ZERO, phase };
        let start = Some(Route::StartBackup);
        for (error, may_have_acted) in [
            (interrupted(Route::StartBackup), true),
            (interrupted(Route::Storage), false),
            (late(start, Phase::Waiting), true),
            (late(start, Phase::Handshake), false),
            (late(Some(Route::Disks), Phase::Waiting), false),
            (late(None, Phase::Waiting), false),
            (Error::HttpStatus { route: Route::EjectDisk, status: 502 }, true),
            (Error::HttpStatus { route: Route::EjectDisk, status: 409 }, false),
            (Error::Agent("no".into()), false),
            (Error::Decode("data".into()), true),
        ] {
            assert_eq!(error.may_have_acted(), may_have_acted, "{error:?}");
        }
    }

    #[test]
    fn as_json_it_has_its_kind_and_its_causes_once() {
        let authority = "agent:1".parse().unwrap();
        let error = Error::Unreachable { authority, source: io::Error::other("refused") };
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(json, r#"{"kind":"unreachable","message":"agent:1 cannot be reached: refused"}"#);
        let status = Error::HttpStatus { route: Route::Storage, status: 500 };
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(json, r#"{"kind":"http-status","message":"GET /storage: HTTP 500","status":500}"#);
    }
}
