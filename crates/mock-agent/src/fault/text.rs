//! The text form of a fault rule, which [`FaultRule`] documents, and what can be wrong with a text.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;

use super::{Fault, FaultRule, Repeat};
use crate::selector::{RouteSelector, UnknownRoute};

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
