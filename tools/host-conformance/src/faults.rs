//! Plays the faults of the mock agent to a program, on a new and on an idle connection.

use std::time::Duration;

use agentapi_mock::{FaultRule, MockAgent};
use serde_json::Value;

use crate::program::{Program, Target};
use crate::scene::arguments;

/// The outcome of a call that went well; the others are kinds of errors.
const OK: &str = "ok";
/// Shorter than any fault that is to outlast it.
const DEADLINE: Duration = Duration::from_millis(1500);
/// Of reading and acting, the shortest and the longest.
const OPERATIONS: [&str; 4] = ["storage", "start-backup", "format-disk", "host-metrics"];
/// A fault as `agentapi mock --fault` has it, and the outcomes that are right.
const FAULTS: [(&str, &[&str]); 16] = [
    ("latency=20", &[OK]),
    ("latency=30000", &["deadline"]),
    ("drip=100", &["deadline"]),
    ("reset-at=0", &["interrupted"]),
    ("reset-at=12", &["interrupted"]),
    ("close-before-answer", &["interrupted"]),
    ("close-after-answer", &[OK]),
    ("half-body", &["interrupted"]),
    ("wrong-length=+7", &["interrupted"]),
    ("wrong-length=-7", &["bad-envelope"]),
    ("malformed-json", &["bad-envelope"]),
    ("status=503", &["http-status"]),
    ("unauthorized", &["http-status"]),
    ("new-certificate", &[OK]),
    ("slow-handshake=30000", &["deadline"]),
    ("connection-limit=0", &["tls"]),
];

/// An operation that meets a fault.
pub(crate) struct FaultCase {
    fault: &'static str,
    wanted: &'static [&'static str],
    op: &'static str,
    /// Whether a call went before it, whose connection it may use.
    is_warm: bool,
}

impl FaultCase {
    pub(crate) fn all() -> Vec<Self> {
        let of_fault = |(fault, wanted)| {
            OPERATIONS.into_iter().flat_map(move |op| [false, true].map(|is_warm| Self { fault, wanted, op, is_warm }))
        };
        FAULTS.into_iter().flat_map(of_fault).collect()
    }

    pub(crate) fn name(&self) -> String {
        let connection = if self.is_warm { "after a call" } else { "as the first call" };
        format!("{} meets {} {connection}", self.op, self.fault)
    }

    /// Plays it.
    pub(crate) async fn play(&self, program: &Program) -> Result<(), String> {
        let mock = MockAgent::start().await.map_err(|why| why.to_string())?;
        let target = Target {
            endpoint: mock.endpoint(),
            fingerprints: vec![mock.fingerprint().to_string(), mock.next_fingerprint().to_string()],
            token: mock.token().into(),
            deadline: Some(DEADLINE),
        };
        let mut running = program.start(&target, Vec::new()).await?;
        running.wait_until_ready().await?;
        if self.is_warm {
            running.call("storage", &arguments("storage")).await?;
        }
        let rule: FaultRule = format!("any:{}*1", self.fault).parse().expect("the table has faults");
        mock.inject(rule.route, rule.fault, rule.repeat);
        let before = mock.requests().len();
        let outcome = running.call(self.op, &arguments(self.op)).await?;
        self.judge(&outcome, mock.requests().len() - before)?;
        // The fault is used up by now, or no longer there: whatever it was, the program goes on.
        mock.clear_faults();
        let next = running.call("storage", &arguments("storage")).await?;
        if next["ok"] != true {
            return Err(format!("the call after it: {next}"));
        }
        running.end().await.map(drop)
    }

    fn judge(&self, outcome: &Value, arrived: usize) -> Result<(), String> {
        let found = if outcome["ok"] == true { OK } else { outcome["kind"].as_str().unwrap_or_default() };
        // On an idle connection a GET may be sent again, and a fault of new connections need not be met.
        let is_get = matches!(self.op, "storage" | "host-metrics");
        let is_of_connection = self.fault.starts_with("slow-handshake") || self.fault.starts_with("connection-limit");
        let is_second_try = self.is_warm && is_get && self.wanted == ["interrupted"];
        let is_right =
            self.wanted.contains(&found) || (found == OK && (is_second_try || self.is_warm && is_of_connection));
        if !is_right {
            return Err(format!("wanted {}\n  got    {outcome}", self.wanted.join(" or ")));
        }
        match arrived {
            0 | 1 => Ok(()),
            2 if is_get => Ok(()),
            _ => Err(format!("its request arrived {arrived} times")),
        }
    }
}
