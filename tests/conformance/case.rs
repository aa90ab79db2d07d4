//! A recorded case, as it stands in the file. `README.md` describes the fields.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use agentapi_scripted_agent::Listener;
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
    /// The outcomes of which any is right; none where every outcome is.
    pub(crate) want: Option<Vec<Value>>,
    pub(crate) wire: Wire,
}

/// The requests that must have arrived at the agent.
pub(crate) enum Wire {
    /// These, in this order.
    Same(Vec<Value>),
    One,
    None,
    Any,
    /// At most one, where the case does not say more.
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

    /// Whether the agent hangs, so that the case lasts as long as its deadline.
    pub(crate) fn lasts_until_deadline(&self) -> bool {
        self.server["behaviour"].as_str().is_some_and(|behaviour| behaviour.starts_with("hang"))
    }

    /// Whether its agent has to listen on `[::1]`: a listener is asked for by its placeholder.
    pub(crate) fn needs_ipv6(&self) -> bool {
        let placeholder = Listener::Ipv6.placeholder();
        Value::from(self.args.clone()).to_string().contains(placeholder)
            || self.server.to_string().contains(placeholder)
    }
}
