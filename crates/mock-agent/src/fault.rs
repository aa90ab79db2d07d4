//! Faults on demand: what can go wrong, for which requests, and how often.
//!
//! A [`FaultRule`] has a text form for scenario files and the command line, `ROUTE:FAULT[=VALUE][*TIMES]`. ROUTE is
//! an operation (`backup-due`, `format-disk`, ...) or `any`. Without `*TIMES` the fault stays.
//!
//! | FAULT | what the client meets | the operation |
//! | --- | --- | --- |
//! | `latency=MS` | the answer comes late | is done |
//! | `drip=MS` | the answer comes a byte at a time, with a pause after each | is done |
//! | `reset-at=N` | TCP reset after N bytes of the answer, head included | is done |
//! | `close-before-answer` | the connection is closed without an answer | is done |
//! | `close-after-answer` | it is closed after an answer that promised to keep it | is done |
//! | `half-body` | half of the body, then the connection is closed | is done |
//! | `wrong-length=+N` | Content-Length says N more than come, then it is closed | is done |
//! | `wrong-length=-N` | Content-Length says N fewer; they come all the same | is done |
//! | `malformed-json` | a body that stops before its last brace, with right length | is done |
//! | `status=CODE` | this status, `ok: false` | is **not** done |
//! | `unauthorized` | 401, as for a wrong token | is **not** done |
//! | `new-certificate` | right answer; new connections meet the next certificate | is done |
//! | `slow-handshake=MS` | the TLS handshake starts late; route `any` | |
//! | `connection-limit=N` | a connection beyond N open ones is closed at once; route `any` | |
//!
//! A request meets one fault at most: the first injected that is meant for it and not used up. So a list of faults
//! with `*1` is a sequence. A new connection meets the connection faults likewise.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::selector::{RouteSelector, UnknownRoute};

/// Something that goes wrong. The module's table says what a client meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer comes this much later.
    Latency(Duration),
    /// The answer comes a byte at a time, each in a TLS record of its own, with this pause after each.
    Drip(Duration),
    /// TCP reset after this many bytes of the answer, head included; 0 is before the answer.
    ResetAt(u64),
    /// The connection is closed, in good form, without an answer.
    CloseBeforeAnswer,
    /// The connection is closed, in good form, after an answer that did not announce it.
    CloseAfterAnswer,
    /// Half of the body comes, then the connection is closed, in good form.
    HalfBody,
    /// Content-Length is this much off. Positive: the rest never comes, the connection is closed. Negative: the
    /// bytes too many come all the same, and the connection stays open.
    WrongLength(i64),
    /// The body stops before its last byte, and Content-Length agrees with it.
    MalformedJson,
    /// This status (200 or above) with `ok: false`, and nothing done.
    Status(StatusCode),
    /// The answer to a wrong token, and nothing done.
    Unauthorized,
    /// The next certificate is served from now on; this connection ends with its answer.
    NewCertificate,
    /// The handshake of a new connection starts this much later.
    SlowHandshake(Duration),
    /// A new connection is closed at once where this many are open already.
    ConnectionLimit(usize),
}

impl Fault {
    /// Whether the fault is met by connections, before any request is known.
    pub(crate) const fn is_of_connection(self) -> bool {
        matches!(self, Self::SlowHandshake(_) | Self::ConnectionLimit(_))
    }
}

/// How often a fault happens before it is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Every time.
    Always,
    /// This many times.
    Times(u32),
}

/// A fault, the requests it is for, and how often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FaultRule {
    /// Which requests meet it. Connection faults do not look at it.
    pub route: RouteSelector,
    /// What goes wrong.
    pub fault: Fault,
    /// How often.
    pub repeat: Repeat,
}

impl FaultRule {
    /// A rule for this route, or for every one with [`RouteSelector::Any`].
    pub fn new(route: impl Into<RouteSelector>, fault: Fault, repeat: Repeat) -> Self {
        Self { route: route.into(), fault, repeat }
    }
}

/// Why a text is no [`FaultRule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultRuleError {
    /// There is no colon between route and fault.
    #[error("expected ROUTE:FAULT, as in `any:half-body`, found {0:?}")]
    NoColon(String),
    /// The route is not known.
    #[error("unknown route {0:?}")]
    Route(String, #[source] UnknownRoute),
    /// The fault is not known, or lacks its value, or has one it does not take.
    #[error("unknown fault {0:?}, or its value is missing or too much")]
    Fault(String),
    /// The value is not a number that fits.
    #[error("the value of {0:?} is not a number in range")]
    Number(String, #[source] ParseIntError),
    /// The status is not one that an answer can have.
    #[error("status {0} is not in 200..=999")]
    Status(u16),
    /// The number of times is not a number that fits.
    #[error("{0:?} is not a number of times")]
    Times(String, #[source] ParseIntError),
    /// A connection fault was given a route.
    #[error("{0:?} concerns connections, so its route is `any`")]
    RouteOfConnection(String),
}

impl FromStr for FaultRule {
    type Err = FaultRuleError;

    fn from_str(text: &str) -> Result<Self, FaultRuleError> {
        let (route, rest) = text.split_once(':').ok_or_else(|| FaultRuleError::NoColon(text.to_owned()))?;
        let route = route.parse().map_err(|cause| FaultRuleError::Route(route.to_owned(), cause))?;
        let (fault, repeat) = match rest.split_once('*') {
            Some((fault, times)) => (fault, Repeat::Times(parse_times(times)?)),
            None => (rest, Repeat::Always),
        };
        let rule = Self { route, fault: parse_fault(fault)?, repeat };
        if rule.fault.is_of_connection() && route != RouteSelector::Any {
            return Err(FaultRuleError::RouteOfConnection(fault.to_owned()));
        }
        Ok(rule)
    }
}

impl TryFrom<String> for FaultRule {
    type Error = FaultRuleError;

    fn try_from(text: String) -> Result<Self, FaultRuleError> {
        text.parse()
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.route, self.fault)?;
        match self.repeat {
            Repeat::Always => Ok(()),
            Repeat::Times(times) => write!(formatter, "*{times}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(late) => write!(formatter, "latency={}", late.as_millis()),
            Self::Drip(pause) => write!(formatter, "drip={}", pause.as_millis()),
            Self::ResetAt(byte) => write!(formatter, "reset-at={byte}"),
            Self::CloseBeforeAnswer => formatter.write_str("close-before-answer"),
            Self::CloseAfterAnswer => formatter.write_str("close-after-answer"),
            Self::HalfBody => formatter.write_str("half-body"),
            Self::WrongLength(off_by) => write!(formatter, "wrong-length={off_by:+}"),
            Self::MalformedJson => formatter.write_str("malformed-json"),
            Self::Status(status) => write!(formatter, "status={}", status.as_u16()),
            Self::Unauthorized => formatter.write_str("unauthorized"),
            Self::NewCertificate => formatter.write_str("new-certificate"),
            Self::SlowHandshake(late) => write!(formatter, "slow-handshake={}", late.as_millis()),
            Self::ConnectionLimit(open) => write!(formatter, "connection-limit={open}"),
        }
    }
}

fn parse_fault(text: &str) -> Result<Fault, FaultRuleError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let milliseconds = |value| parse_number(text, value).map(Duration::from_millis);
    Ok(match (name, value) {
        ("latency", Some(value)) => Fault::Latency(milliseconds(value)?),
        ("drip", Some(value)) => Fault::Drip(milliseconds(value)?),
        ("reset-at", Some(value)) => Fault::ResetAt(parse_number(text, value)?),
        ("close-before-answer", None) => Fault::CloseBeforeAnswer,
        ("close-after-answer", None) => Fault::CloseAfterAnswer,
        ("half-body", None) => Fault::HalfBody,
        ("wrong-length", Some(value)) => Fault::WrongLength(parse_number(text, value)?),
        ("malformed-json", None) => Fault::MalformedJson,
        ("status", Some(value)) => Fault::Status(parse_status(parse_number(text, value)?)?),
        ("unauthorized", None) => Fault::Unauthorized,
        ("new-certificate", None) => Fault::NewCertificate,
        ("slow-handshake", Some(value)) => Fault::SlowHandshake(milliseconds(value)?),
        ("connection-limit", Some(value)) => Fault::ConnectionLimit(parse_number(text, value)?),
        _ => return Err(FaultRuleError::Fault(text.to_owned())),
    })
}

fn parse_number<T: FromStr<Err = ParseIntError>>(fault: &str, value: &str) -> Result<T, FaultRuleError> {
    let number = value.parse();
    number.map_err(|cause| FaultRuleError::Number(fault.to_owned(), cause))
}

/// An informational status would not be an answer: the client would go on waiting.
fn parse_status(code: u16) -> Result<StatusCode, FaultRuleError> {
    match StatusCode::from_u16(code) {
        Ok(status) if !status.is_informational() => Ok(status),
        _ => Err(FaultRuleError::Status(code)),
    }
}

fn parse_times(text: &str) -> Result<u32, FaultRuleError> {
    let times = text.parse();
    times.map_err(|cause| FaultRuleError::Times(text.to_owned(), cause))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_contract::Route;

    use super::{Fault, FaultRule, Repeat, RouteSelector};

    #[test]
    fn every_fault_in_its_text_form_is_read_back() {
        for text in [
            "any:latency=500",
            "storage:drip=10*1",
            "start-backup:reset-at=40*3",
            "disks:close-before-answer",
            "disks:close-after-answer",
            "disks:half-body",
            "disks:wrong-length=+5",
            "disks:wrong-length=-5",
            "disks:malformed-json",
            "disks:status=503",
            "disks:unauthorized",
            "any:new-certificate*1",
            "any:slow-handshake=2000",
            "any:connection-limit=4",
        ] {
            let rule: FaultRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
    }

    #[test]
    fn a_text_says_route_fault_and_times() {
        let wanted = FaultRule {
            route: RouteSelector::Only(Route::StartBackup),
            fault: Fault::Latency(Duration::from_millis(250)),
            repeat: Repeat::Times(2),
        };
        assert_eq!("start-backup:latency=250*2".parse(), Ok(wanted));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        for (text, error) in [
            ("half-body", "expected ROUTE:FAULT, as in `any:half-body`, found \"half-body\""),
            ("backups:half-body", "unknown route \"backups\""),
            ("any:half", "unknown fault \"half\", or its value is missing or too much"),
            ("any:half-body=1", "unknown fault \"half-body=1\", or its value is missing or too much"),
            ("any:latency", "unknown fault \"latency\", or its value is missing or too much"),
            ("any:latency=1s", "the value of \"latency=1s\" is not a number in range"),
            ("any:status=101", "status 101 is not in 200..=999"),
            ("any:half-body*x", "\"x\" is not a number of times"),
            ("disks:slow-handshake=1", "\"slow-handshake=1\" concerns connections, so its route is `any`"),
        ] {
            let found = text.parse::<FaultRule>().unwrap_err().to_string();
            assert_eq!(found, error, "{text}");
        }
    }
}
