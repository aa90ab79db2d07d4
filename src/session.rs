//! Which agent this instance is the client of: parsed once by `connect`, used by every request.
//!
//! A session exists only after the host has accepted its pin.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Display;
use core::str::FromStr;

use agentapi_contract::{Authority, Fingerprint, Pins, Token};
use spin::Mutex;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::session::Guest;
use crate::bindings::felhom::agentapi::pinning::{self, Refusal};
use crate::bindings::felhom::agentapi::types::Error;
use crate::bindings::wasi::http::types::Fields;
use crate::error::invalid_argument;

/// An accepted connection: where requests go, and what they are authorised with.
pub(crate) struct Session {
    /// `host:port`, as the host has pinned it.
    pub(crate) authority: String,
    /// The headers of every request: what it is authorised with. Each request has a copy.
    pub(crate) headers: Fields,
}

impl Session {
    /// The session that `connect` made.
    pub(crate) fn current() -> Result<Arc<Self>, Error> {
        CURRENT.lock().clone().ok_or(Error::NotConnected)
    }
}

impl Guest for Component {
    fn connect(endpoint: String, token: String, fingerprints: Vec<String>) -> Result<(), Error> {
        let authority = parse::<Authority>("endpoint", &endpoint)?.to_string();
        let token: Token = parse("token", &token)?;
        let pins: Vec<_> = parse_pins(&fingerprints)?.iter().map(|pin| pin.as_bytes().to_vec()).collect();
        pinning::pin(&authority, &pins).map_err(|refusal| match refusal {
            Refusal::Authority(why) | Refusal::Fingerprints(why) => Error::Denied(why),
        })?;
        let headers = Fields::new();
        let authorized = headers.append("authorization", token.authorization().as_bytes());
        authorized.map_err(|_| Error::Denied("the host refuses the authorization".to_string()))?;
        *CURRENT.lock() = Some(Arc::new(Session { authority, headers }));
        Ok(())
    }
}

/// An instance serves one call at a time, so this lock is never waited for.
static CURRENT: Mutex<Option<Arc<Session>>> = Mutex::new(None);

/// An argument as the type that it has to be; the error names the argument.
fn parse<T: FromStr<Err: Display>>(argument: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|why| invalid_argument(argument, &why))
}

fn parse_pins(fingerprints: &[String]) -> Result<Pins, Error> {
    // The number first: a list of a thousand texts is refused for what it is, and not for what is wrong with its first.
    Pins::check_count(fingerprints.len()).map_err(|why| invalid_argument("fingerprints", &why))?;
    // A loop, because collecting into a `Result` is a kilobyte of code.
    let mut pins = Vec::with_capacity(fingerprints.len());
    for text in fingerprints {
        pins.push(parse::<Fingerprint>("fingerprint", text)?);
    }
    Pins::try_from(pins).map_err(|why| invalid_argument("fingerprints", &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T, Error>) -> String {
        match result {
            Err(Error::InvalidArgument(why)) => why,
            _ => "not an invalid argument".into(),
        }
    }

    #[test]
    fn an_endpoint_becomes_an_authority_with_its_port() {
        assert_eq!(parse::<Authority>("endpoint", " agent ").unwrap().to_string(), "agent:443");
    }

    #[test]
    fn an_error_names_the_argument() {
        let connect = |endpoint: &str, token: &str, fingerprints: &[&str]| {
            let fingerprints = fingerprints.iter().map(|&text| text.into()).collect();
            message(Component::connect(endpoint.into(), token.into(), fingerprints))
        };
        assert!(connect("", "", &[]).starts_with("endpoint: expected host"));
        let no_token = connect("agent", "", &[]);
        assert_eq!(no_token, "token: expected printable ASCII, no blank at either end, found nothing");
        assert_eq!(connect("agent", "t", &[]), "fingerprints: expected 1 to 8, found 0");
        assert_eq!(connect("agent", "t", &["ab"]), "fingerprint: expected 64 hex digits (a SHA-256), found 2");
        assert_eq!(connect("agent", "t", &["ab"; 9]), "fingerprints: expected 1 to 8, found 9");
    }

    #[test]
    fn a_token_is_printable_ascii_and_no_message_holds_it() {
        let authorization = |token| parse::<Token>("token", token).map(|token| token.authorization());
        assert_eq!(authorization("a.b-c_1/+= ~").unwrap(), "Bearer a.b-c_1/+= ~");
        for token in [" secret", "secret ", " ", "sec\tret", "sec\nret", "sec\u{7f}ret", "sécret"] {
            let why = message(authorization(token));
            assert_eq!(why, "token: expected printable ASCII, no blank at either end, found another character");
        }
    }

    #[test]
    fn one_to_eight_fingerprints_are_taken() {
        let pin = "ab".repeat(32);
        let pins = |count| parse_pins(&alloc::vec![pin.clone(); count]);
        assert_eq!(pins(8).unwrap().as_slice(), [Fingerprint::from_bytes([0xab; 32]); 8]);
        assert_eq!(message(pins(9)), "fingerprints: expected 1 to 8, found 9");
    }
}
