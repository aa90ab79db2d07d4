//! Which agent to connect to, and how it is known.

use agentapi_contract::{Authority, Fingerprint};

use crate::{Error, Token};

/// Which agent to connect to, and how it is known.
///
/// ```
/// use agentapi_host::{Connection, Error};
///
/// let pin = "3F:8A:".to_string() + &"00".repeat(30);
/// let connection = Connection::parse("10.0.0.1:8443", "guest-token", [&pin])?;
/// assert_eq!(connection.endpoint.to_string(), "10.0.0.1:8443");
///
/// let wrong = Connection::parse("https://10.0.0.1", "guest-token", [&pin]).unwrap_err();
/// assert_eq!(wrong.to_string(), "endpoint: expected host, host:port, [v6] or [v6]:port, found a scheme ('/')");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where the agent listens.
    pub endpoint: Authority,
    /// The guest's bearer token. It stays in the host: the component is given a stand-in.
    pub token: Token,
    /// One to eight fingerprints of the agent's leaf certificate; any of them may match, so that it can be changed.
    pub pins: Vec<Fingerprint>,
}

impl Connection {
    /// Reads the three texts that an agent hands to its guest.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] says which of them is wrong, what was expected and what was found.
    pub fn parse<P: AsRef<str>>(
        endpoint: &str,
        token: &str,
        fingerprints: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let endpoint = endpoint.parse().map_err(|why| Error::InvalidArgument(format!("endpoint: {why}")))?;
        let token = token.parse::<Token>().map_err(|why| Error::InvalidArgument(why.to_string()))?;
        let parse = |text: P| {
            let fingerprint = text.as_ref().parse::<Fingerprint>();
            fingerprint.map_err(|why| Error::InvalidArgument(format!("fingerprint: {why}")))
        };
        let pins = fingerprints.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { endpoint, token, pins })
    }
}
