//! How errors cross the border of the component, both ways.
//!
//! On the way in, [`to_wasi`] gives the component what it needs to name the kind, without address and cause. On the way
//! out, [`FromComponent`] restores the host's own error, which has the cause.

use std::io;

use agentapi_contract::Route;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use crate::error::{Error, Phase};
use crate::sandbox::types::{Error as ComponentError, FormatError, HttpAnswer, Progress};

/// A trap, or another failure that no request can have caused: a bug, here or in the component.
pub(super) fn from_trap(why: wasmtime::Error) -> Error {
    Error::Component(why.into())
}

/// The code by which the component learns of a failed exchange.
pub(super) fn to_wasi(error: &Error) -> ErrorCode {
    match error {
        Error::PinMismatch { .. } => ErrorCode::TlsCertificateError,
        Error::Unreachable { source, .. } => match source.kind() {
            io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            _ => ErrorCode::DestinationUnavailable,
        },
        Error::Tls { .. } => ErrorCode::TlsProtocolError,
        Error::Deadline { phase, .. } => match phase {
            Phase::Connecting => ErrorCode::ConnectionTimeout,
            Phase::Queued | Phase::Handshake => ErrorCode::ConnectionWriteTimeout,
            Phase::Waiting => ErrorCode::HttpResponseTimeout,
            Phase::Receiving => ErrorCode::ConnectionReadTimeout,
        },
        Error::ResponseTooLarge { limit } => ErrorCode::HttpResponseBodySize(Some(*limit)),
        Error::Denied(_) | Error::InvalidArgument(_) | Error::NotConnected => ErrorCode::HttpRequestDenied,
        Error::Interrupted { .. }
        | Error::HttpStatus { .. }
        | Error::BadEnvelope(_)
        | Error::Agent(_)
        | Error::Decode(_)
        | Error::NeedsConfirmation(_)
        | Error::FormatRefused(_)
        | Error::NoPolicy
        | Error::Component(_) => ErrorCode::HttpResponseIncomplete,
    }
}

/// How an error of the component becomes one of the host.
pub(crate) trait FromComponent<E> {
    /// The host's error for what the component reports of a call to a route. The cause is the error with which the host
    /// ended the exchange, if it did.
    fn from_component(error: E, route: Option<Route>, cause: Option<Error>) -> Self;
}

impl FromComponent<ComponentError> for Error {
    fn from_component(error: ComponentError, route: Option<Route>, cause: Option<Error>) -> Self {
        // Where the component only passes on a code that `to_wasi` gave it, the host's own error says more.
        let or_cause = |fallback: Self| cause.unwrap_or(fallback);
        match error {
            ComponentError::NotConnected => Self::NotConnected,
            ComponentError::InvalidArgument(why) => Self::InvalidArgument(why),
            ComponentError::HttpStatus(HttpAnswer { status, text }) => match route {
                Some(route) => Self::HttpStatus { route, status, text },
                None => unexpected("a status without a request"),
            },
            ComponentError::BadEnvelope(why) => Self::BadEnvelope(why),
            ComponentError::Agent(text) => Self::Agent(text),
            ComponentError::Decode(why) => Self::Decode(why),
            ComponentError::ResponseTooLarge(limit) => or_cause(Self::ResponseTooLarge { limit }),
            ComponentError::Denied(rule) => or_cause(Self::Denied(rule)),
            ComponentError::PinMismatch => or_cause(unexpected("a pin mismatch without a handshake")),
            ComponentError::Unreachable(why) | ComponentError::Tls(why) | ComponentError::Interrupted(why) => {
                or_cause(unexpected(&why))
            }
            ComponentError::Deadline(Progress::Sending | Progress::Waiting | Progress::Receiving) => {
                or_cause(unexpected("a deadline without a request"))
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

/// The component reports what it cannot have met.
fn unexpected(what: &str) -> Error {
    Error::Component(what.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_contract::Authority;

    use super::{Error, Phase, Route, io, to_wasi};
    use crate::error::PinMismatch;

    #[test]
    fn the_component_learns_the_kind_and_no_cause() {
        let (route, authority) = (Route::Storage, || "agent:8443".parse::<Authority>().unwrap());
        let cause = || io::Error::other("the cause");
        let deadline = |phase| Error::Deadline { route: Some(route), limit: Duration::from_secs(1), phase };
        let unreachable =
            |kind| Error::Unreachable { authority: authority(), source: io::Error::new(kind, "the cause") };
        let cases = [
            (Error::PinMismatch { authority: authority(), source: PinMismatch::KeyNotProven }, "TlsCertificateError"),
            (unreachable(io::ErrorKind::ConnectionRefused), "ConnectionRefused"),
            (unreachable(io::ErrorKind::TimedOut), "ConnectionTimeout"),
            (unreachable(io::ErrorKind::Other), "DestinationUnavailable"),
            (Error::Tls { authority: authority(), source: cause() }, "TlsProtocolError"),
            (Error::Interrupted { route, authority: authority(), source: cause().into() }, "HttpResponseIncomplete"),
            (deadline(Phase::Queued), "ConnectionWriteTimeout"),
            (deadline(Phase::Connecting), "ConnectionTimeout"),
            (deadline(Phase::Handshake), "ConnectionWriteTimeout"),
            (deadline(Phase::Waiting), "HttpResponseTimeout"),
            (deadline(Phase::Receiving), "ConnectionReadTimeout"),
            (Error::ResponseTooLarge { limit: 7 }, "HttpResponseBodySize(Some(7))"),
            (Error::Denied("a rule".into()), "HttpRequestDenied"),
        ];
        for (error, code) in cases {
            assert_eq!(format!("{:?}", to_wasi(&error)), format!("ErrorCode::{code}"), "{error:?}");
        }
    }
}
