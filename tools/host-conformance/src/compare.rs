//! Compares an outcome with the one that is wanted.

use serde_json::{Map, Value};

use crate::case::Case;

/// The rule by which a command may be quoted in another way than the original quoted it.
const QUOTED: &str = "as Go, quoted for a shell where needed";

/// Whether an outcome is the one that a case wants.
pub(crate) fn is_wanted_of(case: &Case, wanted: &Value, outcome: &Value) -> bool {
    if wanted["ok"] == true && outcome["ok"] == true && case.rule == QUOTED {
        return is_quoted(case, &wanted["value"], &outcome["value"]);
    }
    is_wanted(wanted, outcome)
}

/// Whether an outcome is the wanted one. A field that is not given in the wanted one is not compared.
pub(crate) fn is_wanted(wanted: &Value, outcome: &Value) -> bool {
    if (wanted["ok"] == true) != (outcome["ok"] == true) {
        return false;
    }
    let is_given = |key: &str| wanted.get(key).is_some();
    (!is_given("kind") || wanted["kind"] == outcome["kind"])
        && (!is_given("status") || wanted["status"] == outcome["status"])
        && (!is_given("message") || wanted["message"] == outcome["message"])
        && (!is_given("value") || is_same(&wanted["value"], &outcome["value"]))
}

/// Whether two values are the same: an absent list, `null` and `[]` are, and numbers are compared as numbers.
pub(crate) fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => is_same_object(wanted, found),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| is_same(wanted, found))
        }
        (Value::Number(wanted), Value::Number(found)) => {
            // Not as floats where both are integers: those beyond 2^53 would be rounded.
            wanted == found || (wanted.as_f64() == found.as_f64() && !(wanted.is_i64() && found.is_i64()))
        }
        _ => wanted == found || (is_nothing(wanted) && is_nothing(found)),
    }
}

fn is_same_object(wanted: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    let keys = wanted.keys().chain(found.keys());
    let value = |object: &Map<String, Value>, key: &String| object.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter().all(|key| is_same(&value(wanted, key), &value(found, key)))
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether the command, split as a shell splits it, is the words that the case gives. Where no value needs quoting it
/// must also be the text of the original.
fn is_quoted(case: &Case, wanted: &Value, found: &Value) -> bool {
    let argument = |key: &str| case.args.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let [op, host, id] = ["op", "host_scope", "durable_id"].map(argument);
    let is_plain =
        |text: &String| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c));
    if [&op, &host, &id].into_iter().all(is_plain) && wanted != found {
        return false;
    }
    let words = ["felhom-opsign", "-op", &op, "-host", &host, "-durable-id", &id].map(String::from);
    found.as_str().and_then(shlex::split).is_some_and(|split| split == words)
}
