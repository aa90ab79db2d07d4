//! An authority: the host and port of a request's URI.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Where an agent listens: a host and a port, as in a URI. Printed as `host:port` or `[v6]:port`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// A name in lower case, an IPv4 address, or an IPv6 address without its brackets.
    host: String,
    port: u16,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// Nothing but blanks.
    Empty,
    /// Something that an endpoint does not have; holds what it looks like and the character.
    Character(&'static str, char),
    /// No host, only a port.
    NoHost,
    /// What stands in brackets is no IPv6 address, or a bracket is missing.
    Brackets,
    /// Several colons without brackets.
    Colons,
    /// Not a port; holds what stands there, which is only what [`Character`](Self::Character) lets pass.
    Port(String),
}

impl Authority {
    /// The port where an endpoint names none: that of https.
    pub const DEFAULT_PORT: u16 = 443;

    /// The host: a name, an IPv4 address, or an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Authority {
    type Err = EndpointError;

    /// Reads an endpoint: `host`, `host:port`, `[v6]` or `[v6]:port`; ASCII blanks around it are dropped.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let endpoint = text.trim_ascii();
        if endpoint.is_empty() {
            return Err(EndpointError::Empty);
        }
        if let Some(found) = endpoint.chars().find(|&c| !is_allowed(c)) {
            return Err(EndpointError::Character(looks_like(endpoint, found), found));
        }
        let (host, port) = match endpoint.strip_prefix('[') {
            Some(rest) => split_bracketed(rest)?,
            None => split_plain(endpoint)?,
        };
        let port = match port {
            Some(digits) => parse_port(digits)?,
            None => Self::DEFAULT_PORT,
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = if has(&self.host, b":") { ("[", "]:") } else { ("", ":") };
        for part in [before, &self.host, after] {
            f.write_str(part)?;
        }
        self.port.fmt(f)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected host, host:port, [v6] or [v6]:port, found ")?;
        match self {
            Self::Empty => f.write_str("nothing"),
            Self::Character(part, found) => {
                f.write_str(part)?;
                write!(f, " ('{}')", found.escape_default())
            }
            Self::NoHost => f.write_str("no host"),
            Self::Brackets => f.write_str("no IPv6 address between [ and ]"),
            Self::Colons => f.write_str("several colons: an IPv6 address stands in [ ]"),
            Self::Port(text) => {
                let parts = ["the port '", text, "', which is not a number from 1 to 65535"];
                parts.into_iter().try_for_each(|part| f.write_str(part))
            }
        }
    }
}

impl core::error::Error for EndpointError {}

/// Letters, digits and what host names, addresses and ports are made of. Everything else could be read by a URI parser
/// as another part of a URI.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')
}

fn looks_like(endpoint: &str, found: char) -> &'static str {
    match found {
        '/' if endpoint.starts_with("//") || endpoint.as_bytes().windows(3).any(|three| three == b"://") => "a scheme",
        '/' => "a path",
        '?' => "a query",
        '#' => "a fragment",
        '@' => "a user",
        c if c.is_ascii_whitespace() => "a blank",
        c if c.is_ascii_control() => "a control character",
        _ => "a character that no host name has",
    }
}

/// Takes whatever is made like an IPv6 address: one that is none after all has nobody who listens there.
fn split_bracketed(rest: &str) -> Result<(String, Option<&str>), EndpointError> {
    let (address, after) = split_once(rest, b']').ok_or(EndpointError::Brackets)?;
    if address.bytes().filter(|&b| b == b':').count() < 2
        || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
    {
        return Err(EndpointError::Brackets);
    }
    let port = match after.strip_prefix(':') {
        Some(port) => Some(port),
        None if after.is_empty() => None,
        None => return Err(EndpointError::Brackets),
    };
    Ok((address.to_ascii_lowercase(), port))
}

fn split_plain(endpoint: &str) -> Result<(String, Option<&str>), EndpointError> {
    if has(endpoint, b"[]") {
        return Err(EndpointError::Brackets);
    }
    let (host, port) = match split_once(endpoint, b':') {
        Some((host, port)) => (host, Some(port)),
        None => (endpoint, None),
    };
    if port.is_some_and(|port| has(port, b":")) {
        return Err(EndpointError::Colons);
    }
    if host.is_empty() {
        return Err(EndpointError::NoHost);
    }
    Ok((host.to_ascii_lowercase(), port))
}

/// Whether one of these ASCII characters is in a text.
fn has(text: &str, wanted: &[u8]) -> bool {
    text.bytes().any(|byte| wanted.contains(&byte))
}

/// What is before the first such ASCII character and what is after it. On bytes, as the library's is for any pattern:
/// several times the code, in a component that is to be small.
fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn parse_port(digits: &str) -> Result<u16, EndpointError> {
    let wrong = || EndpointError::Port(digits.into());
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_are_read_and_printed_with_their_port() {
        let cases = [
            ("agent", "agent:443"),
            ("Agent.Example:8443", "agent.example:8443"),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            (" \t10.0.0.1\r\n", "10.0.0.1:443"),
            ("[::1]", "[::1]:443"),
            ("[FE80::0:1]:8443", "[fe80::0:1]:8443"),
        ];
        for (endpoint, authority) in cases {
            assert_eq!(endpoint.parse::<Authority>().unwrap().to_string(), authority);
        }
    }

    #[test]
    fn anything_else_is_refused_and_named() {
        let cases = [
            ("", "nothing"),
            (" \n", "nothing"),
            ("https://agent:1", "a scheme ('/')"),
            ("agent:1/", "a path ('/')"),
            ("agent?x", "a query ('?')"),
            ("agent#x", "a fragment ('#')"),
            ("u:p@agent", "a user ('@')"),
            ("a b", "a blank (' ')"),
            ("a\u{a0}b", "a character that no host name has ('\\u{a0}')"),
            ("a\u{7}b", "a control character ('\\u{7}')"),
            ("\u{151}.example", "a character that no host name has ('\\u{151}')"),
            ("a%41", "a character that no host name has ('%')"),
            (":8443", "no host"),
            ("[::1", "no IPv6 address between [ and ]"),
            ("[]:1", "no IPv6 address between [ and ]"),
            ("[agent]:1", "no IPv6 address between [ and ]"),
            ("[::1]8443", "no IPv6 address between [ and ]"),
            ("a]", "no IPv6 address between [ and ]"),
            ("::1", "several colons: an IPv6 address stands in [ ]"),
            ("agent:", "the port '', which is not a number from 1 to 65535"),
            ("agent:0", "the port '0', which is not a number from 1 to 65535"),
            ("agent:65536", "the port '65536', which is not a number from 1 to 65535"),
            ("agent:-1", "the port '-1', which is not a number from 1 to 65535"),
        ];
        for (endpoint, found) in cases {
            let message = endpoint.parse::<Authority>().unwrap_err().to_string();
            let expected = format!("expected host, host:port, [v6] or [v6]:port, found {found}");
            assert_eq!(message, expected, "{endpoint:?}");
        }
    }
}
