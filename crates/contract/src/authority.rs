//! An authority: the host and port of a request's URI (RFC 3986, section 3.2, without user information).
//!
//! What is accepted is narrower than what the RFC allows, on purpose: no character that a URI parser could take for the
//! beginning of another component gets through, so the text of an [`Authority`] can be put into a request as it is.

mod host;

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Where an agent listens: a host and a port, as in a URI. Printed as `host:port` or `[v6]:port`.
///
/// Two authorities are equal if they are the same text in lower case. Names are not resolved and addresses not
/// normalised: `[::1]` and `[0:0:0:0:0:0:0:1]` are different authorities, each with a connection pool of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// A name in lower case, an IPv4 address, or an IPv6 address without its brackets.
    host: String,
    port: u16,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text is empty or holds only blanks.
    Empty,
    /// It is a URL; holds its scheme, and whether it ends in a slash as well.
    Scheme {
        /// The scheme with its colon, `https:` as a rule.
        scheme: String,
        /// Whether a slash at the end is to be dropped too.
        ends_in_slash: bool,
    },
    /// It is right but for a slash at its end.
    FinalSlash,
    /// A character that an endpoint cannot have; holds the part of a URI that it looks like, and the character.
    Character(&'static str, char),
    /// An IPv6 address with a zone, such as `fe80::1%eth0`.
    Zone,
    /// A link-local IPv6 address (RFC 4291, section 2.5.6), which means nothing without a zone.
    LinkLocal,
    /// The host is an IPv4 address that is not four numbers up to 255; holds the host, whose characters have all been
    /// checked.
    Address(String),
    /// The host is no name (RFC 1123, section 2.1); holds the host, whose characters have all been checked, and what is
    /// wrong with it.
    Name(String, &'static str),
    /// There is a port and no host before it.
    NoHost,
    /// The text in brackets is not an IPv6 address, or a bracket is missing.
    Brackets,
    /// Several colons without brackets: an IPv6 address whose port could not be told from its last group.
    Colons,
    /// The text after the colon is not a port; holds that text, whose characters have all been checked before.
    Port(String),
}

impl Authority {
    /// The port where an endpoint names none: that of https (RFC 9110, section 4.2.2).
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

    /// Parses an endpoint: `host`, `host:port`, `[v6]` or `[v6]:port`. ASCII whitespace around it is dropped, and the
    /// host becomes lower case.
    ///
    /// # Errors
    ///
    /// `https://agent`, `agent/x`, `user@agent`, `::1`, `[agent]`, `[fe80::1%eth0]`, `10.0.0.256`, `a..b`, `:443`,
    /// `agent:0`, `agent:65536` and the empty text are refused, each with its own [`EndpointError`].
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let endpoint = text.trim_ascii();
        if endpoint.is_empty() {
            return Err(EndpointError::Empty);
        }
        // Characters before structure: somebody who pastes a URL is told that it has a scheme or a path, which helps
        // more than "the port '//agent' is not a number".
        if let Some(found) = endpoint.chars().find(|&c| !is_allowed(c)) {
            return Err(character_error(endpoint, found));
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
        // Only an IPv6 address has a colon.
        let (before, after) = if contains_any(&self.host, b":") { ("[", "]:") } else { ("", ":") };
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
            Self::Scheme { scheme, ends_in_slash } => {
                let slash = if *ends_in_slash { " and the final /" } else { "" };
                write_all(f, &["a scheme ('/'): drop ", scheme, "//", slash])
            }
            Self::FinalSlash => f.write_str("a path ('/'): drop the final /"),
            Self::Character(part, found) => {
                f.write_str(part)?;
                write!(f, " ('{}')", found.escape_default())
            }
            Self::Zone => f.write_str(
                "a zone ('%'), which is not supported: give the agent's address that is not link-local, or its name",
            ),
            Self::LinkLocal => f.write_str(
                "a link-local address, which needs its interface, and zones are not supported: give the agent's other \
                 address, or its name",
            ),
            Self::Address(host) => {
                write_all(f, &["'", host, "', which is not an IPv4 address of four numbers up to 255"])
            }
            Self::Name(host, why) => write_all(f, &["'", host, "', which is no host name: ", why]),
            Self::NoHost => f.write_str("no host"),
            Self::Brackets => f.write_str("no IPv6 address between [ and ]"),
            Self::Colons => f.write_str("several colons: an IPv6 address stands in [ ]"),
            Self::Port(text) => write_all(f, &["the port '", text, "', which is not a number from 1 to 65535"]),
        }
    }
}

impl core::error::Error for EndpointError {}

/// Letters, digits and the punctuation of host names, addresses and ports. A URI parser could take any other character
/// for the start of another component, and a percent-encoded host is one that two parsers may decode differently.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')
}

/// What is wrong with an endpoint that holds a character which is not allowed; `found` is the first.
fn character_error(endpoint: &str, found: char) -> EndpointError {
    let part = match found {
        '/' => return slash_error(endpoint),
        '%' if contains_several_colons(endpoint) => return EndpointError::Zone,
        '?' => "a query",
        '#' => "a fragment",
        '@' => "a user",
        c if c.is_ascii_whitespace() => "a blank",
        c if c.is_ascii_control() => "a control character",
        _ => "a character that no host name has",
    };
    EndpointError::Character(part, found)
}

/// What is wrong with an endpoint whose first character that is not allowed is a slash.
fn slash_error(endpoint: &str) -> EndpointError {
    let (before, after) = split_once(endpoint, b'/').unwrap_or_default();
    let (scheme, rest) = (before.as_bytes(), after.as_bytes());
    if let ([name @ .., b':'], [b'/', host @ ..]) = (scheme, rest)
        && name.iter().all(u8::is_ascii_alphanumeric)
    {
        return EndpointError::Scheme { scheme: before.into(), ends_in_slash: host.ends_with(b"/") };
    }
    match rest {
        [] => EndpointError::FinalSlash,
        [b'/', ..] if before.is_empty() => EndpointError::Character("a scheme", '/'),
        _ => EndpointError::Character("a path", '/'),
    }
}

/// The address and the port of `[v6]` or `[v6]:port`, of which `rest` is what follows the first bracket.
///
/// Anything in the shape of an IPv6 address is accepted. Checking it exactly would put a parser for addresses into the
/// component, and gain only an earlier error: nobody can listen at an address that does not exist.
fn split_bracketed(rest: &str) -> Result<(String, Option<&str>), EndpointError> {
    let (address, after) = split_once(rest, b']').ok_or(EndpointError::Brackets)?;
    if !contains_several_colons(address) || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.') {
        return Err(EndpointError::Brackets);
    }
    if host::is_link_local(address) {
        return Err(EndpointError::LinkLocal);
    }
    let port = match after.strip_prefix(':') {
        Some(port) => Some(port),
        None if after.is_empty() => None,
        None => return Err(EndpointError::Brackets),
    };
    Ok((address.to_ascii_lowercase(), port))
}

/// The name or IPv4 address, and the port, of `host` or `host:port`.
fn split_plain(endpoint: &str) -> Result<(String, Option<&str>), EndpointError> {
    if contains_any(endpoint, b"[]") {
        return Err(EndpointError::Brackets);
    }
    let (host, port) = match split_once(endpoint, b':') {
        Some((host, port)) => (host, Some(port)),
        None => (endpoint, None),
    };
    if port.is_some_and(|port| contains_any(port, b":")) {
        return Err(if host::is_link_local(endpoint) { EndpointError::LinkLocal } else { EndpointError::Colons });
    }
    if host.is_empty() {
        return Err(EndpointError::NoHost);
    }
    host::check(host)?;
    Ok((host.to_ascii_lowercase(), port))
}

fn contains_several_colons(text: &str) -> bool {
    text.bytes().filter(|&byte| byte == b':').count() > 1
}

/// Writes one text after the other, with less code than `write!`.
fn write_all(f: &mut fmt::Formatter<'_>, parts: &[&str]) -> fmt::Result {
    parts.iter().try_for_each(|part| f.write_str(part))
}

/// Whether one of these ASCII characters is in a text.
fn contains_any(text: &str, wanted: &[u8]) -> bool {
    text.bytes().any(|byte| wanted.contains(&byte))
}

/// `str::split_once` for one ASCII character. It compares bytes, because the standard function works with any pattern
/// and is several times the code in a component whose size is limited.
fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn parse_port(digits: &str) -> Result<u16, EndpointError> {
    let wrong = || EndpointError::Port(digits.into());
    // `u16::from_str` would accept `+443`.
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests;
