//! Plays a recorded case to a program.

use std::time::Duration;

use agentapi_scripted_agent::{Certificates, ScriptedAgent};
use serde_json::{Map, Value};

use crate::case::Case;
use crate::machine::has_ipv6;
use crate::program::{Program, Target};
use crate::scene::TOKEN;

/// As many of the recorded cases as were asked for, evenly spread over all that can be played to this program.
pub(crate) fn chosen(program: &Program, count: Option<usize>) -> Vec<Case> {
    let has_ipv6 = has_ipv6();
    let can_be_played = |case: &Case| {
        (has_ipv6 || !case.needs_ipv6())
            && fits_environment(case)
            && (program.controller.is_none() || (is_of_operations(case) && is_passed_on(case)))
    };
    let cases: Vec<_> = Case::recorded().into_iter().filter(can_be_played).collect();
    let count = count.unwrap_or(cases.len()).min(cases.len());
    let all = cases.len();
    // The n-th of `count` is there if a multiple of all / count falls on it.
    let is_chosen = |index: usize| (index + 1) * count / all > index * count / all;
    cases.into_iter().enumerate().filter(|(index, _)| is_chosen(*index)).map(|(_, case)| case).collect()
}

/// A variable of the environment cannot hold every text, and a comma separates fingerprints.
fn fits_environment(case: &Case) -> bool {
    let text = |key: &str| case.args.get(key).and_then(Value::as_str).unwrap_or_default();
    !["endpoint", "token", "fingerprint"].map(text).concat().contains('\0') && !text("fingerprint").contains(',')
}

/// Whether it is about an operation, and not about the connection with which a controller starts.
fn is_of_operations(case: &Case) -> bool {
    let of_connection = ["endpoint", "token", "fingerprint"];
    case.op != "new" && !of_connection.into_iter().any(|key| case.args.contains_key(key))
}

/// Whether a controller asks its agent for the operation as it is asked for it: not for a confirmed wipe, about which it asks
/// a person, nor with arguments that are longer than the body of a request may be.
fn is_passed_on(case: &Case) -> bool {
    let is_confirmed = case.args.get("confirmed").is_some_and(|confirmed| *confirmed == true);
    !is_confirmed && Value::from(case.args.clone()).to_string().len() <= MAX_BODY_BYTES
}

/// Plays it.
pub(crate) async fn play(case: &Case, program: &Program, certificates: &Certificates) -> Result<(), String> {
    let agent = case.start_agent(certificates).await.map_err(|why| why.to_string())?;
    let filled = agent.fill(&Value::from(case.args.clone()).to_string());
    let mut args: Map<String, Value> = serde_json::from_str(&filled).expect("a filled case is JSON");
    let target = target_of(&mut args, &agent);
    let calls = args.remove("repeat").and_then(|calls| calls.as_u64()).unwrap_or(1);
    let mut running = program.start(&target, Vec::new()).await?;
    let mut outcome = Value::Null;
    for _ in 0..calls {
        outcome = running.call(&case.op, &args).await?;
    }
    case.judge(&agent, &outcome)
}

/// Takes what is of the connection out of a case's arguments.
fn target_of(args: &mut Map<String, Value>, agent: &ScriptedAgent) -> Target {
    let mut take = |key: &str, default: String| match args.remove(key) {
        Some(Value::String(text)) => text,
        _ => default,
    };
    let endpoint = take("endpoint", format!("127.0.0.1:{}", agent.port()));
    let fingerprints = vec![take("fingerprint", agent.fingerprint())];
    let token = take("token", TOKEN.into());
    let deadline = args.remove("timeout_ms").and_then(|limit| limit.as_u64()).map(Duration::from_millis);
    Target { endpoint, fingerprints, token, deadline }
}

/// The longest body that the controller's API takes.
const MAX_BODY_BYTES: usize = 64 * 1024;
