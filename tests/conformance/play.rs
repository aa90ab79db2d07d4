//! Plays a case: starts a scripted agent and a client, performs the operation, and judges the outcome.

use std::time::Duration;

use agentapi_cli::Request;
use agentapi_host::{Agent, Error, Host, Target};
use agentapi_host_conformance::case::Case;
use agentapi_scripted_agent::{Certificates, ScriptedAgent};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

/// Far longer than any deadline in a case: a case that has not ended by then hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(40);

/// The verdict on a case.
pub(crate) struct Report {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) verdict: Verdict,
}

pub(crate) enum Verdict {
    Passed,
    Failed(String),
    /// It was not played; holds the reason.
    Skipped(String),
}

pub(crate) fn skip(case: Case, why: &str) -> Report {
    Report { id: case.id, rule: case.rule, verdict: Verdict::Skipped(why.into()) }
}

pub(crate) async fn play(case: Case, host: &Host, certificates: &Certificates) -> Report {
    let verdict = match case.start_agent(certificates).await {
        // A case without its agent is a failure whatever the reason, or a machine without a network would pass.
        Err(why) => Verdict::Failed(format!("it cannot be played: {why}")),
        Ok(agent) => match timeout(HANG_TIMEOUT, perform(&case, &agent, host)).await {
            Err(_) => Verdict::Failed(format!("it hangs: no outcome after {HANG_TIMEOUT:?}")),
            Ok(outcome) => case.judge(&agent, &outcome).map_or_else(Verdict::Failed, |()| Verdict::Passed),
        },
    };
    Report { id: case.id, rule: case.rule, verdict }
}
/// Performs as many calls as the case has, through one client. The outcome is that of the last one.
async fn perform(case: &Case, agent: &ScriptedAgent, host: &Host) -> Value {
    let filled = agent.fill(&Value::from(case.args.clone()).to_string());
    let args: Map<String, Value> = serde_json::from_str(&filled).unwrap();
    let client = match connect(&args, agent, host).await {
        Ok(client) => client,
        Err(error) => return error_json(&error),
    };
    let line = json!({"op": case.op, "args": args}).to_string();
    let mut outcome = Value::Null;
    for _ in 0..args.get("repeat").and_then(Value::as_u64).unwrap_or(1) {
        let operation = Request::read(line.as_bytes()).operation.unwrap();
        outcome = match operation.run(&client).await {
            Ok(value) => json!({"ok": true, "value": value}),
            Err(error) => error_json(&error),
        };
    }
    outcome
}

fn error_json(error: &Error) -> Value {
    serde_json::to_value(error).unwrap()
}

async fn connect(args: &Map<String, Value>, agent: &ScriptedAgent, host: &Host) -> Result<Agent, Error> {
    let text = |key: &str, default: String| args.get(key).and_then(Value::as_str).map_or(default, String::from);
    let endpoint = text("endpoint", format!("127.0.0.1:{}", agent.port()));
    let token = text("token", "guest-token-abc123".into());
    let fingerprint = text("fingerprint", agent.fingerprint());
    let host = match args.get("timeout_ms").and_then(Value::as_u64) {
        Some(limit) => host.with_deadline(Duration::from_millis(limit)),
        None => host.clone(),
    };
    host.agent(Target::parse(&endpoint, &token, [fingerprint])?)
}
