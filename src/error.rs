//! Errors: from the codes of `wasi:http` to the cases of `types.error`, of which there is one for each thing that a
//! caller would do differently.
//!
//! What matters most to a caller is whether the agent may have acted. A code that leaves it open becomes `interrupted`
//! or `deadline`; `unreachable`, `pin-mismatch` and `denied` promise that nothing was sent.

use alloc::string::{String, ToString};
use core::fmt::Display;

use agentapi_contract::MAX_BODY_BYTES;

use crate::bindings::felhom::agentapi::types::{Error, Progress};
use crate::bindings::wasi::http::types::{DnsErrorPayload, ErrorCode, TlsAlertReceivedPayload};

/// The error of a failed exchange. There is no wildcard, so that a new code does not compile until somebody has decided
/// what it means.
pub(crate) fn from_wasi_http(code: &ErrorCode) -> Error {
    use ErrorCode as Code;
    match code {
        // Hosts check nothing of a certificate but the pin, so any complaint about it is a mismatch.
        Code::TlsCertificateError => Error::PinMismatch,
        Code::TlsProtocolError => Error::Tls("the TLS handshake failed".to_string()),
        Code::TlsAlertReceived(alert) => Error::Tls(alert_text(alert)),

        Code::DnsError(payload) => Error::Unreachable(dns_text(payload)),
        Code::DnsTimeout | Code::DestinationNotFound => unreachable("the name was not found"),
        Code::DestinationUnavailable | Code::DestinationIpProhibited | Code::DestinationIpUnroutable => {
            unreachable("there is no way to the destination")
        }
        Code::ConnectionRefused => unreachable("the connection was refused"),
        Code::ConnectionTimeout => unreachable("no connection in time"),
        Code::ConnectionLimitReached => unreachable("there are too many connections"),

        Code::ConnectionWriteTimeout => Error::Deadline(Progress::Sending),
        Code::HttpResponseTimeout => Error::Deadline(Progress::Waiting),
        Code::ConnectionReadTimeout => Error::Deadline(Progress::Receiving),

        // A host may have a lower limit than the component; without a number it is the common one.
        Code::HttpResponseBodySize(limit) => Error::ResponseTooLarge(limit.unwrap_or(MAX_BODY_BYTES)),
        Code::HttpResponseHeaderSectionSize(_)
        | Code::HttpResponseHeaderSize(_)
        | Code::HttpResponseTrailerSectionSize(_)
        | Code::HttpResponseTrailerSize(_) => interrupted("the answer's headers are too large"),
        Code::ConnectionTerminated | Code::HttpResponseIncomplete => interrupted("the answer was incomplete"),
        Code::HttpProtocolError
        | Code::HttpResponseTransferCoding(_)
        | Code::HttpResponseContentCoding(_)
        | Code::HttpUpgradeFailed
        | Code::LoopDetected => interrupted("the answer was not the HTTP that was asked for"),

        Code::HttpRequestDenied
        | Code::HttpRequestMethodInvalid
        | Code::HttpRequestUriInvalid
        | Code::HttpRequestUriTooLong
        | Code::HttpRequestLengthRequired
        | Code::HttpRequestBodySize(_)
        | Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_)
        | Code::HttpRequestTrailerSectionSize(_)
        | Code::HttpRequestTrailerSize(_)
        | Code::ConfigurationError => Error::Denied("the host does not allow this request".to_string()),

        // Not `denied`: a host that fails may have failed after it had sent the request.
        Code::InternalError(text) => interrupted(text.as_deref().unwrap_or("the host failed")),
    }
}

/// The error of a call whose argument cannot be right. Takes a trait object, so that it is compiled once.
pub(crate) fn invalid_argument(argument: &str, why: &dyn Display) -> Error {
    Error::InvalidArgument([argument, ": ", &why.to_string()].concat())
}

fn unreachable(cause: &str) -> Error {
    Error::Unreachable(cause.to_string())
}

fn interrupted(cause: &str) -> Error {
    Error::Interrupted(cause.to_string())
}

fn alert_text(alert: &TlsAlertReceivedPayload) -> String {
    let text = alert.alert_message.as_deref().unwrap_or("an unnamed alert");
    ["the agent ended the TLS connection: ", text].concat()
}

fn dns_text(payload: &DnsErrorPayload) -> String {
    let text = payload.rcode.as_deref().unwrap_or("no reason was given");
    ["the name was not found: ", text].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code, the kind it becomes. The `match` above is exhaustive; this table is what it has to say.
    #[test]
    fn every_code_has_its_error() {
        use ErrorCode as Code;
        let dns = DnsErrorPayload { rcode: Some("NXDOMAIN".into()), info_code: None };
        let alert = TlsAlertReceivedPayload { alert_id: Some(116), alert_message: Some("certificate required".into()) };
        let cases = [
            (Code::TlsCertificateError, "PinMismatch"),
            (Code::TlsProtocolError, "Tls(the TLS handshake failed)"),
            (Code::TlsAlertReceived(alert), "Tls(the agent ended the TLS connection: certificate required)"),
            (Code::DnsTimeout, "Unreachable(the name was not found)"),
            (Code::DnsError(dns), "Unreachable(the name was not found: NXDOMAIN)"),
            (Code::DestinationNotFound, "Unreachable(the name was not found)"),
            (Code::DestinationUnavailable, "Unreachable(there is no way to the destination)"),
            (Code::DestinationIpProhibited, "Unreachable(there is no way to the destination)"),
            (Code::DestinationIpUnroutable, "Unreachable(there is no way to the destination)"),
            (Code::ConnectionRefused, "Unreachable(the connection was refused)"),
            (Code::ConnectionTimeout, "Unreachable(no connection in time)"),
            (Code::ConnectionLimitReached, "Unreachable(there are too many connections)"),
            (Code::ConnectionWriteTimeout, "Deadline(sending)"),
            (Code::HttpResponseTimeout, "Deadline(waiting)"),
            (Code::ConnectionReadTimeout, "Deadline(receiving)"),
            (Code::ConnectionTerminated, "Interrupted(the answer was incomplete)"),
            (Code::HttpResponseIncomplete, "Interrupted(the answer was incomplete)"),
            (Code::HttpProtocolError, "Interrupted(the answer was not the HTTP that was asked for)"),
            (Code::HttpResponseHeaderSectionSize(None), "Interrupted(the answer's headers are too large)"),
            (Code::HttpResponseBodySize(Some(7)), "ResponseTooLarge(7)"),
            (Code::HttpResponseBodySize(None), "ResponseTooLarge(1048576)"),
            (Code::HttpRequestDenied, "Denied(the host does not allow this request)"),
            (Code::HttpRequestUriInvalid, "Denied(the host does not allow this request)"),
            (Code::ConfigurationError, "Denied(the host does not allow this request)"),
            (Code::InternalError(Some("why".into())), "Interrupted(why)"),
            (Code::InternalError(None), "Interrupted(the host failed)"),
        ];
        for (code, expected) in cases {
            assert_eq!(text(&from_wasi_http(&code)), expected, "{code:?}");
        }
    }

    fn text(error: &Error) -> String {
        match error {
            Error::PinMismatch => "PinMismatch".into(),
            Error::Tls(why) => format!("Tls({why})"),
            Error::Unreachable(why) => format!("Unreachable({why})"),
            Error::Interrupted(why) => format!("Interrupted({why})"),
            Error::Denied(why) => format!("Denied({why})"),
            Error::ResponseTooLarge(limit) => format!("ResponseTooLarge({limit})"),
            Error::Deadline(Progress::Sending) => "Deadline(sending)".into(),
            Error::Deadline(Progress::Waiting) => "Deadline(waiting)".into(),
            Error::Deadline(Progress::Receiving) => "Deadline(receiving)".into(),
            other => format!("{other:?}"),
        }
    }
}
