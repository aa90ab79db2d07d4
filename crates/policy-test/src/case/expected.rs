//! What is expected of a run. What is not named is not looked at.

use agentapi_host::policy::{FUNCTIONS, Level};
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::text_or_table::text_or_table;

/// What is expected of one run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) result: Option<Value>,
    /// Whether the result may hold nothing else.
    pub(crate) exact: bool,
    pub(crate) error: Option<ExpectedError>,
    /// All calls, in order.
    pub(crate) calls: Option<Vec<ExpectedCall>>,
    /// Calls that are made in this order, among others.
    pub(crate) calls_include: Vec<ExpectedCall>,
    pub(crate) calls_never: Vec<ExpectedCall>,
    /// All requests by which the agent was asked to act, in order.
    pub(crate) posts: Option<Vec<ExpectedPost>>,
    /// Lines that are logged in this order, among others.
    pub(crate) log: Vec<ExpectedLine>,
    pub(crate) log_never: Vec<ExpectedLine>,
    /// All messages that are raised when the run has ended, by their keys.
    pub(crate) notifications: Option<Vec<ExpectedNotification>>,
    /// The keys of all messages that somebody is told in this run: new ones, and those that have changed.
    pub(crate) told: Option<Vec<String>>,
    pub(crate) state: Table,
    /// Keys that the state does not have.
    pub(crate) state_without: Vec<String>,
}

/// How a run fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    pub(crate) kind: Option<ErrorKind>,
    #[serde(default)]
    pub(crate) contains: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErrorKind {
    Failed,
    Stopped,
    Trapped,
}

impl ErrorKind {
    /// As the host names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Trapped => "trapped",
        }
    }
}

/// A call: `"backup.due"`, `"backup.status+"` for one or more, or a table with more about it.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedCall {
    pub(crate) function: String,
    /// One or more of them, one after another.
    pub(crate) repeated: bool,
    pub(crate) arguments: Table,
    pub(crate) answer: Option<Value>,
    pub(crate) error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallTable {
    function: String,
    #[serde(default)]
    arguments: Table,
    answer: Option<Value>,
    error: Option<String>,
}

impl<'de> Deserialize<'de> for ExpectedCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_table(deserializer, "a function or a table", Self::from_text, Self::from_table)
    }
}

impl ExpectedCall {
    fn from_text(text: &str) -> Result<Self, String> {
        let (function, repeated) = match text.strip_suffix('+') {
            Some(function) => (function, true),
            None => (text, false),
        };
        // A function that is misspelt in `calls_never` would else be never called, indeed.
        if function != SLEEP && !FUNCTIONS.iter().any(|known| known.to_string() == function) {
            return Err(format!("unknown function `{function}`, expected one that can be granted, or {SLEEP}"));
        }
        Ok(Self { function: function.into(), repeated, arguments: Table::new(), answer: None, error: None })
    }

    fn from_table(CallTable { function, arguments, answer, error }: CallTable) -> Result<Self, String> {
        Ok(Self { arguments, answer, error, ..Self::from_text(&function)? })
    }
}

/// Pauses are calls too, of no agent.
pub(crate) const SLEEP: &str = "clock.sleep-ms";

/// A request by which the agent was asked to act: `"/backup"`, or a table with what is in its body.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedPost {
    pub(crate) path: String,
    pub(crate) body: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostTable {
    path: String,
    #[serde(default)]
    body: Table,
}

impl<'de> Deserialize<'de> for ExpectedPost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_table(
            deserializer,
            "a path or a table",
            |path| Ok(Self { path: path.into(), body: Table::new() }),
            |PostTable { path, body }| Ok(Self { path, body }),
        )
    }
}

/// A line of the log: a text that it contains, or a table with the level too.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedLine {
    pub(crate) level: Option<Level>,
    pub(crate) contains: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineTable {
    level: Option<Level>,
    #[serde(default)]
    contains: String,
}

impl<'de> Deserialize<'de> for ExpectedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_table(
            deserializer,
            "a text or a table",
            |text| Ok(Self { level: None, contains: text.into() }),
            |LineTable { level, contains }| Ok(Self { level, contains }),
        )
    }
}

/// A message to the operator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedNotification {
    pub(crate) key: String,
    pub(crate) severity: Option<String>,
    /// A part of the title.
    pub(crate) title: Option<String>,
    /// A part of the text.
    pub(crate) text: Option<String>,
}
