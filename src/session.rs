//! The interface `session`: which agent this instance is the client of. Parsed once by `connect`, used by every
//! request.
//!
//! A session is made only after the host has accepted its pin, and there is no request without a session: this is where
//! the component fails closed.

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

/// Where requests go and what authorises them, after the host has accepted the pin.
pub(crate) struct Session {
    /// `host:port`, letter for letter as the host has pinned it.
    pub(crate) authority: String,
    /// The headers that every request has: its authorization. A resource of the host, of which each request gets a
    /// clone, so that the token crosses the sandbox once and not with each request.
    pub(crate) headers: Fields,
}

impl Session {
    /// The session of the last `connect` that succeeded.
    pub(crate) fn current() -> Result<Arc<Self>, Error> {
        CURRENT.lock().clone().ok_or(Error::NotConnected)
    }
}

impl Guest for Component {
    fn connect(endpoint: String, token: String, fingerprints: Vec<String>) -> Result<(), Error> {
        let authority = parse::<Authority>("endpoint", &endpoint)?.to_string();
        let token: Token = parse("token", &token)?;
        let pins: Vec<_> = parse_pins(&fingerprints)?.iter().map(|pin| pin.as_bytes().to_vec()).collect();
        // Everything that can fail comes before the assignment at the end: a `connect` that fails leaves the old
        // session.
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

/// The session, shared with the call that uses it. An instance runs one call at a time, so the lock is never contended;
/// it is there because a `static` must be `Sync`.
static CURRENT: Mutex<Option<Arc<Session>>> = Mutex::new(None);

/// Parses an argument; the error names the argument.
fn parse<T: FromStr<Err: Display>>(argument: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|why| invalid_argument(argument, &why))
}

fn parse_pins(fingerprints: &[String]) -> Result<Pins, Error> {
    // The number comes first: whoever passes a whole directory of certificates is told that, and not what is wrong with
    // the first of them.
    Pins::check_count(fingerprints.len()).map_err(|why| invalid_argument("fingerprints", &why))?;
    // A loop, because collecting into a `Result` adds a kilobyte of code to the component.
    let mut pins = Vec::with_capacity(fingerprints.len());
    for text in fingerprints {
        pins.push(parse::<Fingerprint>("fingerprint", text)?);
    }
    Pins::try_from(pins).map_err(|why| invalid_argument("fingerprints", &why))
}

#[cfg(test)]
mod tests {
    use agentapi_contract::Route;

    use super::*;
    use crate::bindings::exports::felhom::agentapi::backup::Guest as _;
    use crate::bindings::exports::felhom::agentapi::disks::Guest as _;
    use crate::bindings::exports::felhom::agentapi::host_metrics::Guest as _;
    use crate::bindings::exports::felhom::agentapi::storage::Guest as _;
    use crate::bindings::felhom::agentapi::types::{AssignRequest, FormatError, FormatRequest};

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
        let cases = [
            (" secret", "a blank at the beginning, character 1 of 7"),
            ("secret ", "a blank at the end, character 7 of 7"),
            (" ", "a blank at the beginning, character 1 of 1"),
            ("sec\tret", "a tab inside, character 4 of 7"),
            ("sec\nret", "a line end inside, character 4 of 7"),
            ("sec\u{7f}ret", "a control character inside, character 4 of 7"),
            ("sécret", "a character beyond ASCII inside, character 2 of 6"),
        ];
        for (token, found) in cases {
            let why = message(authorization(token));
            assert_eq!(why, format!("token: expected printable ASCII, no blank at either end, found {found}"));
        }
    }

    #[test]
    fn one_to_eight_fingerprints_are_taken() {
        let pin = "ab".repeat(32);
        let pins = |count| parse_pins(&alloc::vec![pin.clone(); count]);
        assert_eq!(pins(8).unwrap().as_slice(), [Fingerprint::from_bytes([0xab; 32]); 8]);
        assert_eq!(message(pins(9)), "fingerprints: expected 1 to 8, found 9");
    }

    /// Every operation once. It also runs the assertions of `transport`, that each route is sent with its own method.
    #[test]
    fn no_operation_sends_anything_without_a_session() {
        let assign = AssignRequest {
            uuid: String::new(),
            mount_path: String::new(),
            fstype: String::new(),
            options: String::new(),
        };
        let format = FormatRequest { device: String::new(), fstype: String::new(), confirmation: None };
        let format_error = match Component::format(format) {
            Err(FormatError::Failed(error)) => Some(error),
            _ => None,
        };
        let errors = [
            Component::mounts().err(),
            Component::due().err(),
            Component::start().err(),
            Component::status().err(),
            Component::list().err(),
            Component::assign(assign).err(),
            Component::eject(String::new()).err(),
            format_error,
            Component::collect().err(),
        ];
        assert_eq!(errors.len(), Route::ALL.len());
        for (place, error) in errors.iter().enumerate() {
            assert!(matches!(error, Some(Error::NotConnected)), "operation {place}: {error:?}");
        }
    }
}
