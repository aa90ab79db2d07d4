//! Which agent this instance is the client of: parsed once by `connect`, used by every request.
//!
//! A session exists only after the host has accepted its pin.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use agentapi_contract::{Authority, Fingerprint};
use spin::Mutex;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::session::Guest;
use crate::bindings::felhom::agentapi::pinning::{self, Refusal};
use crate::bindings::felhom::agentapi::types::Error;
use crate::bindings::wasi::http::types::Fields;

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
        let authority = parse_endpoint(&endpoint)?;
        let authorization = parse_token(&token)?;
        let pins = parse_fingerprints(&fingerprints)?;
        pinning::pin(&authority, &pins).map_err(|refusal| match refusal {
            Refusal::Authority(why) | Refusal::Fingerprints(why) => Error::Denied(why),
        })?;
        let headers = Fields::new();
        let authorized = headers.append("authorization", authorization.as_bytes());
        authorized.map_err(|_| Error::Denied("the host refuses the authorization".to_string()))?;
        *CURRENT.lock() = Some(Arc::new(Session { authority, headers }));
        Ok(())
    }
}

/// An instance serves one call at a time, so this lock is never waited for.
static CURRENT: Mutex<Option<Arc<Session>>> = Mutex::new(None);

/// More pins than this are no rotation but a mistake.
const MAX_FINGERPRINTS: usize = 8;

fn parse_endpoint(endpoint: &str) -> Result<String, Error> {
    let parsed = endpoint.parse::<Authority>();
    let authority = parsed.map_err(|why| Error::InvalidArgument(format!("endpoint: {why}")))?;
    Ok(authority.to_string())
}

fn parse_token(token: &str) -> Result<String, Error> {
    let expected = "token: expected printable ASCII, no blank at either end, found";
    if token.is_empty() {
        return Err(Error::InvalidArgument([expected, " nothing"].concat()));
    }
    // What was found is not named: it may be part of the secret.
    if token.starts_with(' ') || token.ends_with(' ') || !token.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Error::InvalidArgument([expected, " another character"].concat()));
    }
    Ok(["Bearer ", token].concat())
}

fn parse_fingerprints(fingerprints: &[String]) -> Result<Vec<Vec<u8>>, Error> {
    if !(1..=MAX_FINGERPRINTS).contains(&fingerprints.len()) {
        let found = fingerprints.len();
        let why = format!("fingerprints: expected 1 to {MAX_FINGERPRINTS}, found {found}");
        return Err(Error::InvalidArgument(why));
    }
    let mut pins = Vec::with_capacity(fingerprints.len());
    for text in fingerprints {
        let parsed = text.parse::<Fingerprint>();
        let fingerprint = parsed.map_err(|why| Error::InvalidArgument(format!("fingerprint: {why}")))?;
        pins.push(fingerprint.as_bytes().to_vec());
    }
    Ok(pins)
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
        assert_eq!(parse_endpoint(" agent ").unwrap(), "agent:443");
    }

    #[test]
    fn an_error_names_the_argument() {
        assert!(message(parse_endpoint("")).starts_with("endpoint: expected host"));
        assert_eq!(message(parse_token("")), "token: expected printable ASCII, no blank at either end, found nothing");
        let none = message(parse_fingerprints(&[]));
        assert_eq!(none, "fingerprints: expected 1 to 8, found 0");
        let short = message(parse_fingerprints(&["ab".into()]));
        assert_eq!(short, "fingerprint: expected 64 hex digits (a SHA-256), found 2");
    }

    #[test]
    fn a_token_is_printable_ascii_and_no_message_holds_it() {
        assert_eq!(parse_token("a.b-c_1/+= ~").unwrap(), "Bearer a.b-c_1/+= ~");
        for token in [" secret", "secret ", " ", "sec\tret", "sec\nret", "sec\u{7f}ret", "sécret"] {
            let why = message(parse_token(token));
            assert_eq!(why, "token: expected printable ASCII, no blank at either end, found another character");
        }
    }

    #[test]
    fn one_to_eight_fingerprints_are_taken() {
        let pin = "ab".repeat(32);
        let pins = |count| parse_fingerprints(&alloc::vec![pin.clone(); count]);
        assert_eq!(pins(8).unwrap(), alloc::vec![[0xab; 32].to_vec(); 8]);
        assert_eq!(message(pins(9)), "fingerprints: expected 1 to 8, found 9");
    }
}
