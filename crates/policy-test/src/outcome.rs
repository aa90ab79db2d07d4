//! What cases came to.

use std::path::PathBuf;
use std::time::Duration;

use agentapi_host::policy::Level;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::difference::Difference;

/// What one case came to.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseOutcome {
    /// The file that it is in.
    pub file: PathBuf,
    /// The line where it begins.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// How much time passed for the extension.
    #[serde(rename = "virtual_ms", serialize_with = "milliseconds")]
    pub virtual_time: Duration,
    /// How much time it took.
    #[serde(rename = "real_ms", serialize_with = "milliseconds")]
    pub real_time: Duration,
    /// Its runs, up to the first that was not as expected.
    pub runs: Vec<RunOutcome>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_run: Option<String>,
}

/// What one run came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunOutcome {
    /// In what it was not as expected.
    pub differences: Vec<Difference>,
    /// What it logged.
    pub lines: Vec<(Level, String)>,
}

impl CaseOutcome {
    /// Whether all was as expected.
    pub fn is_ok(&self) -> bool {
        self.not_run.is_none() && self.runs.iter().all(|run| run.differences.is_empty())
    }
}

impl Serialize for RunOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines: Vec<_> = self.lines.iter().map(|(level, line)| format!("{level}: {line}")).collect();
        let mut run = serializer.serialize_struct("RunOutcome", 2)?;
        run.serialize_field("differences", &self.differences)?;
        run.serialize_field("log", &lines)?;
        run.end()
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
