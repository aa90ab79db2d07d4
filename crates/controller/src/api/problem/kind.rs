//! The kinds of problems: those of `agentapi call`, where the agent or its client has failed, and those of the API itself.

use std::fmt::Write;

use axum::http::StatusCode;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! kinds {
    ($($case:ident = $name:literal, $status:ident, $meaning:literal;)*) => {
        /// What is wrong. Each kind has one HTTP status, and programs act on the kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ProblemKind { $(#[doc = $meaning] $case,)* }

        impl ProblemKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$case,)*];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$case => StatusCode::$status,)* }
            }

            const fn meaning(self) -> &'static str {
                match self { $(Self::$case => $meaning,)* }
            }
        }
    };
}

kinds! {
    InvalidArgument = "invalid-argument", BAD_REQUEST, "The request is not what is documented. Nothing was done.";
    Denied = "denied", FORBIDDEN, "This connection may not do that. Nothing was done.";
    NotFound = "not-found", NOT_FOUND, "There is no such path, run, name or device.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The path has other methods; the header `Allow` names them.";
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The body of the request did not come within 10 s. Nothing was done.";
    Conflict = "conflict", CONFLICT, "Not in this state. Nothing was done.";
    InProgress = "in-progress", CONFLICT, "The request that had this idempotency key first has not ended.";
    OutcomeUnknown = "outcome-unknown", CONFLICT,
        "The controller ended while it worked on the request that had this idempotency key. Look before you ask again with another key.";
    NeedsConfirmation = "needs-confirmation", CONFLICT,
        "The disk holds data of the customer, who must confirm that it is wiped: `value` says which. Nothing was done.";
    FormatRefused = "format-refused", CONFLICT,
        "The host's operator must sign that this disk is wiped: `value` says what, if the agent was told to format. Nothing was done.";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body of the request is longer than 64 KiB.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE,
        "The body is to be JSON, with the header `Content-Type: application/json`.";
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY, "Another request had this idempotency key. Nothing was done.";
    TooManyTries = "too-many-tries", TOO_MANY_REQUESTS,
        "Too many wrong durable ids were given for this approval: 5 within a minute. None is taken for another minute. Nothing was done.";
    HeadTooLarge = "head-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is longer than 16 KiB, or has over 100 headers.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "A mistake of this program. The log says more.";
    Agent = "agent", BAD_GATEWAY, "The agent said no; `detail` is its own text.";
    HttpStatus = "http-status", BAD_GATEWAY, "The agent answered with the status `agent_status`.";
    PinMismatch = "pin-mismatch", BAD_GATEWAY, "The agent presents another certificate than the pinned one. Nothing was sent.";
    Tls = "tls", BAD_GATEWAY, "TLS with the agent failed. Nothing was sent.";
    Interrupted = "interrupted", BAD_GATEWAY,
        "The connection to the agent broke before the whole answer was there. What was asked may have been done.";
    ResponseTooLarge = "response-too-large", BAD_GATEWAY, "The agent's answer is larger than the limit.";
    BadEnvelope = "bad-envelope", BAD_GATEWAY, "The agent's answer is not in the agent's envelope.";
    Decode = "decode", BAD_GATEWAY, "The agent's answer has another shape than documented.";
    NotDelivered = "not-delivered", BAD_GATEWAY, "The message was not taken; `detail` says why.";
    Frozen = "frozen", SERVICE_UNAVAILABLE,
        "The state lies on a disk that is frozen for a backup, and is not touched before the thaw. Nothing was done.";
    Busy = "busy", SERVICE_UNAVAILABLE, "The state does not answer in time. Nothing was done.";
    State = "state", SERVICE_UNAVAILABLE, "The state cannot be read or written; the log says why. Nothing was done.";
    NotReady = "not-ready", SERVICE_UNAVAILABLE, "The scheduler does not answer.";
    Ending = "ending", SERVICE_UNAVAILABLE, "The controller is ending.";
    Unreachable = "unreachable", GATEWAY_TIMEOUT, "The agent cannot be reached. Nothing was sent.";
    Deadline = "deadline", GATEWAY_TIMEOUT, "The agent did not answer in time. What was asked may have been done.";
}

impl ProblemKind {
    /// The kind of an error of the agent or its client. Kinds that only a mistake of this program brings about are
    /// `internal`.
    pub(crate) fn of_agent(name: &str) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or(Self::Internal)
    }

    /// Whether the same request may be made again as if it had never been.
    pub(crate) const fn is_as_if_never_asked(self) -> bool {
        matches!(self, Self::Frozen | Self::Busy | Self::State | Self::TooManyTries)
    }
}

impl Serialize for ProblemKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Every kind with its status and meaning: the description is the reference of whoever writes a client.
impl PartialSchema for ProblemKind {
    fn schema() -> RefOr<Schema> {
        let mut table = "What is wrong. Each kind has one HTTP status. Other kinds may be added.\n\n\
                         | kind | status | meaning |\n| --- | --- | --- |\n"
            .to_owned();
        for kind in Self::ALL {
            // Writing to a text does not fail.
            let _ = writeln!(table, "| `{}` | {} | {} |", kind.name(), kind.status().as_u16(), kind.meaning());
        }
        let names = Self::ALL.iter().map(|kind| kind.name());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some(table)).into()
    }
}

impl ToSchema for ProblemKind {}

#[cfg(test)]
mod tests {
    use agentapi_host::{Error, Route};

    use super::ProblemKind;

    #[test]
    fn kinds_of_the_agent_keep_their_names_and_what_is_not_known_is_a_mistake_of_ours() {
        let status = Error::HttpStatus { route: Route::Storage, status: 500, text: String::new() };
        assert_eq!(ProblemKind::of_agent(status.kind()), ProblemKind::HttpStatus);
        assert_eq!(ProblemKind::of_agent(Error::NotConnected.kind()), ProblemKind::Internal);
        assert_eq!(ProblemKind::of_agent(Error::NoPolicy.kind()), ProblemKind::Internal);
    }

    #[test]
    fn a_kind_has_a_name_of_its_own_and_is_an_error() {
        for (place, kind) in ProblemKind::ALL.iter().enumerate() {
            assert_eq!(ProblemKind::ALL.iter().position(|other| other.name() == kind.name()), Some(place));
            assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{kind:?}");
        }
    }
}
