//! What can go wrong with a call, as a controller sees it.
//!
//! The kinds are the cases of `error` in `wit/types.wit`: WIT, JSON and Rust have the same names. Causes are in
//! `source` and never repeated in the text. How errors cross the component's border is in `sandbox/error.rs`.

use std::fmt;
use std::io;
use std::time::Duration;

use agentapi_contract::wit::POLICY;
use agentapi_contract::{Authority, Fingerprint, Method, Pins, Route};
use agentapi_quiesce::error_chain;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::records::FormatResult;

/// Why a call failed: one case for each thing that a caller would do differently.
///
/// No text holds the token. The causes are in [`source`](std::error::Error::source).
///
/// As JSON it is `{"kind": .., "message": ..}`, with a `status` or a `value` where there is one: the shape of `error`
/// in the answers of `agentapi call`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The instance was not connected. A host that connects its instances never sees this.
    #[error("not connected")]
    NotConnected,
    /// An argument is outside what the operation accepts. Nothing was sent.
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
        /// The certificate that was expected, and the one that was presented.
        source: PinMismatch,
    },
    /// No connection: name not found, refused, no answer while connecting, or a new connection that broke before a byte
    /// of the request was written. Nothing was sent.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// Where the connection was to go.
        authority: Authority,
        /// What the operating system said, or how the connection ended.
        source: io::Error,
    },
    /// TLS failed for another reason than the pin.
    #[error("TLS with {authority} failed")]
    Tls {
        /// Where the connection went.
        authority: Authority,
        /// What the TLS library said.
        source: io::Error,
    },
    /// The connection broke before the whole answer was there. The agent may have acted.
    #[error("{route}: the connection to {authority} broke before the whole answer was there")]
    Interrupted {
        /// The request's route.
        route: Route,
        /// Where the connection went.
        authority: Authority,
        /// The cause, such as a reset.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The time for the whole call was over.
    #[error("no answer within {} ms: the time was over {phase}", limit.as_millis())]
    Deadline {
        /// The request's route; none where the call makes no request.
        route: Option<Route>,
        /// The deadline of the whole call.
        limit: Duration,
        /// What the call was doing when the time was over.
        phase: Phase,
    },
    /// The agent answered with a status that the operation does not accept.
    #[error("{route}: HTTP {status}{}", if text.is_empty() { String::new() } else { format!(": {text}") })]
    HttpStatus {
        /// The request's route.
        route: Route,
        /// The status.
        status: u16,
        /// The agent's own words about it, at most 1 KiB; empty where it says nothing.
        text: String,
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

/// What a call was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for its permit, while other calls ran.
    Queued,
    /// Looking the name up and connecting.
    Connecting,
    /// In the TLS handshake.
    Handshake,
    /// The request was being sent, or was sent and no answer had begun.
    Waiting,
    /// Part of the answer had arrived.
    Receiving,
}

/// How a peer failed the pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinMismatch {
    /// It presented a leaf certificate that is not pinned.
    #[error("expected fingerprint {}, presented {presented}", alternatives(expected))]
    OtherLeaf {
        /// The pins.
        expected: Pins,
        /// The fingerprint of the leaf certificate that was presented.
        presented: Fingerprint,
    },
    /// It presented a pinned certificate and did not prove that it holds the key: somebody copied the certificate.
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
    /// An answer that cannot be read, or a status of a server's own failure, says nothing about what was done before.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Interrupted { route, .. } => acts(*route),
            Self::Deadline { route, phase, .. } => {
                route.is_some_and(acts) && matches!(phase, Phase::Waiting | Phase::Receiving)
            }
            // A status below 500 is the agent's own refusal. From 500 on, it or a proxy may have failed halfway.
            Self::HttpStatus { route, status, .. } => acts(*route) && *status >= 500,
            // The agent answered, or may have, and it was not a refusal. These errors do not know their route, so they
            // are on the safe side; a caller of an operation that only reads has no reason to ask.
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
    /// The message holds the causes. Only what the agent said itself is repeated as it is.
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

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    use super::{Duration, Error, Phase, Route, io};

    #[test]
    fn only_an_order_that_can_have_arrived_may_have_been_carried_out() {
        let interrupted = |route| {
            let authority = "agent:1".parse().unwrap();
            Error::Interrupted { route, authority, source: "reset".into() }
        };
        let deadline = |route, phase| Error::Deadline { route, limit: Duration::ZERO, phase };
        let start = Some(Route::StartBackup);
        for (error, may_have_acted) in [
            (interrupted(Route::StartBackup), true),
            (interrupted(Route::Storage), false),
            (deadline(start, Phase::Waiting), true),
            (deadline(start, Phase::Handshake), false),
            (deadline(Some(Route::Disks), Phase::Waiting), false),
            (deadline(None, Phase::Waiting), false),
            (Error::HttpStatus { route: Route::EjectDisk, status: 502, text: String::new() }, true),
            (Error::HttpStatus { route: Route::EjectDisk, status: 409, text: String::new() }, false),
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
        for (text, message) in
            [("", "GET /storage: HTTP 500"), ("no \"space\"", r#"GET /storage: HTTP 500: no \"space\""#)]
        {
            let status = Error::HttpStatus { route: Route::Storage, status: 500, text: text.into() };
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!(r#"{{"kind":"http-status","message":"{message}","status":500}}"#));
        }
    }
}
