//! A case, as it stands in a file.

mod expected;
mod text_or_table;

use std::path::PathBuf;

use agentapi_mock::FaultRule;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Table, Value};

pub(crate) use expected::{Expected, ExpectedCall, ExpectedError, ExpectedLine, ExpectedPost, SLEEP};

/// What a file holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    /// The extension's file, from the folder of the case file.
    pub(crate) extension: Option<PathBuf>,
    /// The grants, from the folder of the case file.
    pub(crate) grants: Option<PathBuf>,
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Spanned<Case>>,
}

/// One case: what is there, one run or several, and what is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// For people.
    #[serde(rename = "description")]
    pub(crate) _description: Option<String>,
    #[serde(default)]
    pub(crate) input: Option<Value>,
    pub(crate) scenario: Option<Spanned<Value>>,
    /// A recording, by which the agent answers in place of a scenario.
    pub(crate) replay: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(crate) faults: Vec<FaultRule>,
    #[serde(default)]
    pub(crate) clock: Option<StartTime>,
    #[serde(default)]
    pub(crate) state: Table,
    pub(crate) freeze: Option<Freeze>,
    pub(crate) approve: Option<Approval>,
    pub(crate) limits: Option<Spanned<Table>>,
    pub(crate) expect: Option<Expected>,
    #[serde(default, rename = "run")]
    pub(crate) runs: Vec<Run>,
}

/// One run of a case that has several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// How long after the run before it begins.
    #[serde(default)]
    pub(crate) after: Pause,
    /// That of the case if it has none of its own.
    pub(crate) input: Option<Value>,
    /// What of the agent is different from now on.
    pub(crate) scenario: Option<Spanned<Table>>,
    #[serde(default)]
    pub(crate) faults: Vec<FaultRule>,
    #[serde(default)]
    pub(crate) expect: Expected,
}

/// How a freeze of the applications ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Freeze {
    Works,
    Fails,
}

/// A wipe that a person agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) device: String,
    pub(crate) durable_id: String,
}

impl<'de> Deserialize<'de> for Approval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once('=') {
            Some((device, id)) if !device.is_empty() && !id.is_empty() => {
                Ok(Self { device: device.to_owned(), durable_id: id.to_owned() })
            }
            _ => Err(serde::de::Error::custom("expected DEVICE=DURABLE-ID")),
        }
    }
}

/// A time in the form of RFC 3339, as a time of TOML or as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartTime(pub(crate) jiff::Timestamp);

impl<'de> Deserialize<'de> for StartTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::Datetime(time) => time.to_string(),
            Value::String(text) => text,
            _ => String::new(),
        };
        let time =
            text.parse().map_err(|_| serde::de::Error::custom("expected a time such as 2026-03-01T02:00:00Z"))?;
        Ok(Self(time))
    }
}

/// A span of time such as `36h` or `1d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pause(pub(crate) std::time::Duration);

impl<'de> Deserialize<'de> for Pause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_pause(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected a span such as \"36h\" or \"7d\""))
    }
}

fn parse_pause(text: &str) -> Option<std::time::Duration> {
    // A day is 24 hours here: a virtual clock knows no summer time.
    let duration = match text.strip_suffix('d').and_then(|days| days.trim().parse::<i64>().ok()) {
        Some(days) => SignedDuration::from_hours(days.checked_mul(24)?),
        None => text.parse().ok()?,
    };
    duration.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_pause;

    #[test]
    fn a_pause_is_in_days_or_as_people_write_it() {
        const HOUR: u64 = 3600;
        for (text, hours) in [("36h", 36), ("7d", 168), ("90m", 1), ("1h 30m", 1)] {
            assert_eq!(parse_pause(text).unwrap().as_secs() / HOUR, hours, "{text}");
        }
        assert_eq!(parse_pause("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "7", "-1h", "soon", "9223372036854775807d"] {
            assert_eq!(parse_pause(wrong), None, "{wrong}");
        }
    }
}
