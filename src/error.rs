//! From what `wasi:http` says went wrong to the error that a caller is given.

use alloc::format;
use alloc::string::{String, ToString};

use crate::bindings::felhom::agentapi::types::{Error, Progress};
use crate::bindings::wasi::http::types::{DnsErrorPayload, ErrorCode, TlsAlertReceivedPayload};
use crate::transport::MAX_BODY_BYTES;

/// What a failed exchange means for the caller. Without a wildcard, so that a new code has to be decided on.
pub(crate) fn from_code(code: &ErrorCode) -> Error {
    use ErrorCode as Code;
    match code {
        Code::TlsCertificateError => Error::PinMismatch,
        Code::TlsProtocolError => Error::Tls("the TLS handshake failed".to_string()),
        Code::TlsAlertReceived(alert) => Error::Tls(alert_text(alert)),

        Code::DnsTimeout => Error::Unreachable("the name was not found in time".to_string()),
        Code::DnsError(payload) => Error::Unreachable(dns_text(payload)),
        Code::DestinationNotFound => unreachable("the name was not found"),
        Code::DestinationUnavailable => unreachable("the destination is unavailable"),
        Code::DestinationIpProhibited => unreachable("the destination's address is prohibited"),
        Code::DestinationIpUnroutable => unreachable("the destination's address has no route"),
        Code::ConnectionRefused => unreachable("the connection was refused"),
        Code::ConnectionTimeout => unreachable("no connection in time"),
        Code::ConnectionLimitReached => unreachable("there are too many connections"),

        Code::ConnectionWriteTimeout => Error::Deadline(Progress::Sending),
        Code::HttpResponseTimeout => Error::Deadline(Progress::Waiting),
        Code::ConnectionReadTimeout => Error::Deadline(Progress::Receiving),

        Code::ConnectionTerminated => interrupted("the connection was closed"),
        Code::HttpResponseIncomplete => interrupted("the answer was incomplete"),
        Code::HttpProtocolError => interrupted("the answer was not HTTP"),
        Code::HttpResponseHeaderSectionSize(_) => interrupted("the answer's headers are too large"),
        Code::HttpResponseHeaderSize(_) => interrupted("a header of the answer is too large"),
        Code::HttpResponseTrailerSectionSize(_) => interrupted("the answer's trailers are too large"),
        Code::HttpResponseTrailerSize(_) => interrupted("a trailer of the answer is too large"),
        Code::HttpResponseTransferCoding(_) => interrupted("the answer's transfer coding is unknown"),
        Code::HttpResponseContentCoding(_) => interrupted("the answer's content coding is unknown"),
        Code::HttpUpgradeFailed => interrupted("the answer asks for another protocol"),
        Code::LoopDetected => interrupted("the request went in a circle"),

        Code::HttpResponseBodySize(limit) => Error::ResponseTooLarge(limit.unwrap_or(MAX_BODY_BYTES)),

        Code::HttpRequestDenied => denied("the host does not allow this request"),
        Code::HttpRequestMethodInvalid => denied("the host does not take this method"),
        Code::HttpRequestUriInvalid | Code::HttpRequestUriTooLong => denied("the host does not take this URI"),
        Code::HttpRequestLengthRequired
        | Code::HttpRequestBodySize(_)
        | Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_)
        | Code::HttpRequestTrailerSectionSize(_)
        | Code::HttpRequestTrailerSize(_) => denied("the host does not take a request of this size"),
        Code::ConfigurationError => denied("the host is not configured for requests"),

        Code::InternalError(text) => interrupted(text.as_deref().unwrap_or("the host failed")),
    }
}

fn unreachable(cause: &str) -> Error {
    Error::Unreachable(cause.to_string())
}

fn interrupted(cause: &str) -> Error {
    Error::Interrupted(cause.to_string())
}

fn denied(rule: &str) -> Error {
    Error::Denied(rule.to_string())
}

fn alert_text(alert: &TlsAlertReceivedPayload) -> String {
    let text = alert.alert_message.as_deref().unwrap_or("an unnamed alert");
    format!("the agent ended the TLS connection: {text}")
}

fn dns_text(payload: &DnsErrorPayload) -> String {
    let text = payload.rcode.as_deref().unwrap_or("no reason was given");
    format!("the name was not found: {text}")
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
            (Code::DnsTimeout, "Unreachable(the name was not found in time)"),
            (Code::DnsError(dns), "Unreachable(the name was not found: NXDOMAIN)"),
            (Code::DestinationNotFound, "Unreachable(the name was not found)"),
            (Code::DestinationUnavailable, "Unreachable(the destination is unavailable)"),
            (Code::DestinationIpProhibited, "Unreachable(the destination's address is prohibited)"),
            (Code::DestinationIpUnroutable, "Unreachable(the destination's address has no route)"),
            (Code::ConnectionRefused, "Unreachable(the connection was refused)"),
            (Code::ConnectionTimeout, "Unreachable(no connection in time)"),
            (Code::ConnectionLimitReached, "Unreachable(there are too many connections)"),
            (Code::ConnectionWriteTimeout, "Deadline(sending)"),
            (Code::HttpResponseTimeout, "Deadline(waiting)"),
            (Code::ConnectionReadTimeout, "Deadline(receiving)"),
            (Code::ConnectionTerminated, "Interrupted(the connection was closed)"),
            (Code::HttpResponseIncomplete, "Interrupted(the answer was incomplete)"),
            (Code::HttpProtocolError, "Interrupted(the answer was not HTTP)"),
            (Code::HttpResponseHeaderSectionSize(None), "Interrupted(the answer's headers are too large)"),
            (Code::HttpResponseTransferCoding(None), "Interrupted(the answer's transfer coding is unknown)"),
            (Code::HttpResponseBodySize(Some(7)), "ResponseTooLarge(7)"),
            (Code::HttpResponseBodySize(None), "ResponseTooLarge(1048576)"),
            (Code::HttpRequestDenied, "Denied(the host does not allow this request)"),
            (Code::HttpRequestUriInvalid, "Denied(the host does not take this URI)"),
            (Code::ConfigurationError, "Denied(the host is not configured for requests)"),
            (Code::InternalError(Some("why".into())), "Interrupted(why)"),
            (Code::InternalError(None), "Interrupted(the host failed)"),
        ];
        for (code, expected) in cases {
            assert_eq!(text(&from_code(&code)), expected, "{code:?}");
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
