//! A recorded case, as it stands in the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// One exchange and the outcomes that are right.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) op: String,
    pub(crate) args: Map<String, Value>,
    /// What the agent plays; null where there is nothing to play.
    pub(crate) server: Value,
    pub(crate) rule: String,
    /// The outcomes that are right, any one of them; null for any.
    pub(crate) want: Option<Vec<Value>>,
    pub(crate) wire: Wire,
}

/// What must have arrived at the agent.
pub(crate) enum Wire {
    Same(Vec<Value>),
    One,
    None,
    Any,
    /// Nothing is said, but that a request is not sent twice.
    NotTwice,
}

impl Case {
    pub(crate) fn read(file: &Path) -> Vec<Self> {
        let opened = File::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let packed = file.extension().is_some_and(|extension| extension == "gz");
        let text: Box<dyn Read> = if packed { Box::new(GzDecoder::new(opened)) } else { Box::new(opened) };
        let lines = BufReader::new(text).lines().map(|line| line.unwrap());
        lines.filter(|line| !line.trim().is_empty()).map(|line| Self::parse(&line)).collect()
    }

    fn parse(line: &str) -> Self {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let text =
            |case: &Value, key: &str| case[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}")).to_owned();
        let want = match case["want"].take() {
            Value::Null => None,
            Value::Array(outcomes) => Some(outcomes),
            other => Some(vec![other]),
        };
        let wire = match case["wire"].as_str() {
            Some("same") => Wire::Same(case["requests"].as_array().cloned().unwrap_or_default()),
            Some("one") => Wire::One,
            Some("none") => Wire::None,
            _ if want.is_none() => Wire::NotTwice,
            Some("any") | None => Wire::Any,
            Some(other) => panic!("wire {other} in {line}"),
        };
        let args = case["args"].as_object().cloned().unwrap_or_default();
        let (id, op, rule) = (text(&case, "id"), text(&case, "op"), text(&case, "rule"));
        Self { id, op, args, server: case["server"].take(), rule, want, wire }
    }

    /// Whether the case lasts as long as its deadline.
    pub(crate) fn waits(&self) -> bool {
        self.server["behaviour"].as_str().is_some_and(|behaviour| behaviour.starts_with("hang"))
    }
}
