//! Compares the requests that arrived at the agent with those that should have.

use agentapi_scripted_agent::{ReceivedRequest, ScriptedAgent};
use serde_json::Value;

use crate::case::{Case, Wire};
use crate::compare::is_same;

pub(crate) fn check_wire(case: &Case, agent: &ScriptedAgent) -> Result<(), String> {
    let arrived = agent.requests();
    let count = |expected: &str, is_right: bool| match is_right {
        true => Ok(()),
        false => Err(format!("{expected} expected, {} arrived", arrived.len())),
    };
    match &case.wire {
        Wire::Any => Ok(()),
        Wire::None => count("no request", arrived.is_empty()),
        Wire::One => count("one request", arrived.len() == 1),
        Wire::NotTwice => count("at most one request", arrived.len() <= 1),
        Wire::Same(requests) => {
            count(&format!("{} requests", requests.len()), arrived.len() == requests.len())?;
            let pairs = requests.iter().zip(&arrived);
            pairs.into_iter().try_for_each(|(wanted, arrived)| check_request(case, agent, wanted, arrived))
        }
    }
}

/// A field that the recorded request lacks is not compared.
fn check_request(case: &Case, agent: &ScriptedAgent, wanted: &Value, arrived: &ReceivedRequest) -> Result<(), String> {
    let text = |key: &str| wanted.get(key).and_then(Value::as_str);
    let differs = |what: &str, wanted: &str, found: &str| Err(format!("{what}: {wanted} expected, {found} arrived"));
    if text("method").is_some_and(|method| method != arrived.method) {
        return differs("method", text("method").unwrap_or_default(), &arrived.method);
    }
    if text("path").is_some_and(|path| path != arrived.path) {
        return differs("path", text("path").unwrap_or_default(), &arrived.path);
    }
    if wanted.get("conn").and_then(Value::as_u64).is_some_and(|conn| conn != arrived.connection as u64) {
        return differs("connection", &wanted["conn"].to_string(), &arrived.connection.to_string());
    }
    for (name, value) in wanted.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().replace("PORT", &agent.port().to_string());
        let found = arrived.header(name).unwrap_or_default();
        if found != value {
            return differs(name, &value, found);
        }
    }
    match text("body") {
        Some(body) if !is_same_body(case, body, &arrived.body) => {
            differs("body", body, &String::from_utf8_lossy(&arrived.body))
        }
        _ => Ok(()),
    }
}

fn is_same_body(case: &Case, wanted: &str, arrived: &[u8]) -> bool {
    if wanted.is_empty() || arrived.is_empty() {
        return wanted.as_bytes() == arrived;
    }
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let (Some(mut wanted), Some(mut arrived)) = (parse(wanted.as_bytes()), parse(arrived)) else { return false };
    // The original sent the durable id that it was given even without a confirmation, where it means nothing.
    if case.op == "format-disk" && wanted["confirmed"] == false {
        wanted["durable_id"].take();
        arrived["durable_id"].take();
    }
    is_same(&wanted, &arrived)
}
