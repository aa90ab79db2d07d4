//! A recorded case, as it stands in the file, and how it is played. `recorded/README.md` describes the fields.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use agentapi_scripted_agent::{Answer, Certificates, Listener, Script, ScriptedAgent};
use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use crate::compare::is_wanted_of;
use crate::wire::check_wire;

/// One exchange and the outcomes that are right.
pub struct Case {
    /// `group/op/slug`.
    pub id: String,
    /// The operation, by its name in `agentapi call`.
    pub op: String,
    /// Its arguments, and those of the connection.
    pub args: Map<String, Value>,
    /// What the agent plays; null where there is nothing to play.
    pub server: Value,
    /// Why the wanted outcomes are right.
    pub rule: String,
    /// The outcomes of which any is right; none where every outcome is.
    pub want: Option<Vec<Value>>,
    /// What must have arrived at the agent.
    pub wire: Wire,
}

/// The requests that must have arrived at the agent.
pub enum Wire {
    /// These, in this order.
    Same(Vec<Value>),
    /// Exactly one.
    One,
    /// None.
    None,
    /// Whatever arrived.
    Any,
    /// At most one, where the case does not say more.
    NotTwice,
}

impl Case {
    /// The recorded cases.
    ///
    /// # Panics
    ///
    /// If they are not as many as were recorded: a file that is cut short proves nothing.
    pub fn recorded() -> Vec<Self> {
        let recorded = Self::read(&folder().join("cases.jsonl.gz"));
        assert_eq!(recorded.len(), RECORDED, "recorded cases");
        recorded
    }

    /// The cases of a file: JSON Lines, gzipped if its name ends in `.gz`.
    ///
    /// # Panics
    ///
    /// If it cannot be read, or a line is no case.
    pub fn read(file: &Path) -> Vec<Self> {
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

    /// Starts the agent that plays it.
    ///
    /// # Errors
    ///
    /// A script that cannot be read, and what [`ScriptedAgent::start`] fails with.
    pub async fn start_agent(&self, certificates: &Certificates) -> io::Result<ScriptedAgent> {
        let script = match &self.server {
            Value::Null => Script::new([Answer::new(200, "{}")]),
            server => serde_json::from_value(server.clone()).map_err(io::Error::other)?,
        };
        let args = Value::from(self.args.clone()).to_string();
        ScriptedAgent::start(script.listeners_named_in(&args), certificates).await
    }

    /// Whether outcome and requests are right; an error says what is not.
    ///
    /// # Errors
    ///
    /// What was wanted, and what was found.
    pub fn judge(&self, agent: &ScriptedAgent, outcome: &Value) -> Result<(), String> {
        if let Some(wanted) = &self.want
            && !wanted.iter().any(|wanted| is_wanted_of(self, wanted, outcome))
        {
            let wanted = Value::from(wanted.clone());
            return Err(format!("wanted {wanted}\n  got    {outcome}"));
        }
        check_wire(self, agent).map_err(|why| format!("{why}; the outcome was {outcome}"))
    }

    /// Whether the agent hangs, so that the case lasts as long as its deadline.
    pub fn lasts_until_deadline(&self) -> bool {
        self.server["behaviour"].as_str().is_some_and(|behaviour| behaviour.starts_with("hang"))
    }

    /// Whether its agent has to listen on `[::1]`: a listener is asked for by its placeholder.
    pub fn needs_ipv6(&self) -> bool {
        let placeholder = Listener::Ipv6.placeholder();
        Value::from(self.args.clone()).to_string().contains(placeholder)
            || self.server.to_string().contains(placeholder)
    }
}

/// The certificates that the recorded cases name.
pub fn certificates() -> Certificates {
    Certificates::with_folder(folder().join("certs"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded")
}

/// The cases in `cases.jsonl.gz`. Written down here as well, so that a file which is cut short shows.
const RECORDED: usize = 2943;
