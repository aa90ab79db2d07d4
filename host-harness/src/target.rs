//! Which agent a client talks to, and how it is recognised.

use agentapi_contract::{Authority, Fingerprint, Pins, Token};
use serde::Deserialize;

use crate::error::Error;

/// Which agent a client talks to, and how it is recognised: the three things that an agent hands to its guest.
///
/// ```
/// use agentapi_host::{Error, Target};
///
/// let pin = "3F:8A:".to_string() + &"00".repeat(30);
/// let target = Target::parse("10.0.0.1:8443", "guest-token", [&pin])?;
/// assert_eq!(target.endpoint.to_string(), "10.0.0.1:8443");
///
/// let wrong = Target::parse("https://10.0.0.1", "guest-token", [&pin]).unwrap_err();
/// let text = "endpoint: expected host, host:port, [v6] or [v6]:port, found a scheme ('/'): drop https://";
/// assert_eq!(wrong.to_string(), text);
/// # Ok::<(), Error>(())
/// ```
///
/// In a configuration it has the keys `endpoint`, `token` and `pins`. There is no `Serialize`: nothing that is written
/// out should hold a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Where the agent listens.
    pub endpoint: Authority,
    /// The guest's bearer token. It stays in the host; the component is given a stand-in.
    pub token: Token,
    /// The fingerprints of the agent's leaf certificate. One of them must match; two are for the time of a change.
    pub pins: Pins,
}

impl Target {
    /// Reads the three texts that an agent hands to its guest.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] names the text that is wrong, what was expected and what was found.
    pub fn parse<P: AsRef<str>>(
        endpoint: &str,
        token: &str,
        fingerprints: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let endpoint = endpoint.parse().map_err(|why| Error::InvalidArgument(format!("endpoint: {why}")))?;
        let token = token.parse().map_err(|why| Error::InvalidArgument(format!("token: {why}")))?;
        let parse = |text: P| {
            let fingerprint = text.as_ref().parse::<Fingerprint>();
            fingerprint.map_err(|why| Error::InvalidArgument(format!("fingerprint: {why}")))
        };
        let pins = fingerprints.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let pins = pins.try_into().map_err(|why| Error::InvalidArgument(format!("fingerprints: {why}")))?;
        Ok(Self { endpoint, token, pins })
    }
}
