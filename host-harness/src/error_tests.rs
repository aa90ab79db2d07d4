//! What the component is told of an error, and what is left of its text.

use super::*;

fn authority() -> Authority {
    "agent:8443".parse().unwrap()
}

fn cause() -> io::Error {
    io::Error::other("the cause")
}

#[test]
fn the_component_is_told_the_kind_and_no_cause() {
    let route = Route::Storage;
    let deadline = |phase| Error::Deadline { limit: Duration::from_secs(1), phase };
    let unreachable = |kind| Error::Unreachable { authority: authority(), source: io::Error::new(kind, "the cause") };
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
    for (error, told) in cases {
        assert_eq!(format!("{:?}", error.to_wasi()), format!("ErrorCode::{told}"), "{error:?}");
    }
}

#[test]
fn every_text_that_a_component_or_an_agent_wrote_is_masked() {
    let mask = Mask::new(["guest-token".parse().unwrap()]);
    let kinds = [Error::InvalidArgument, Error::Denied, Error::BadEnvelope, Error::Agent, Error::Decode];
    for kind in kinds {
        let masked = kind("with guest-token".into()).masked(&mask);
        assert!(masked.to_string().ends_with("with [masked]"), "{masked}");
        assert!(!format!("{masked:?}").contains("guest-token"), "{masked:?}");
    }
}
