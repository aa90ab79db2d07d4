//! Values of TOML as JSON, and where a JSON value differs from what is expected of it.

use serde_json::{Map, Number, Value};

use crate::difference::Difference;

/// The JSON value of a TOML value. A time becomes its text: JSON has none.
pub(crate) fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        // TOML has infinities, and JSON has not.
        toml::Value::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(values) => values.iter().map(to_json).collect(),
        toml::Value::Table(table) => Value::Object(table_to_json(table)),
    }
}

/// The JSON object of a TOML table.
pub(crate) fn table_to_json(table: &toml::Table) -> Map<String, Value> {
    table.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()
}

/// How much of a value is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Match {
    /// The keys that are expected.
    #[default]
    Partial,
    /// All of it.
    Exact,
}

/// Adds where a value differs from what is expected of it, each place by its path. Lists must be of the same length.
pub(crate) fn compare(path: &str, expected: &Value, found: &Value, how: Match, differences: &mut Vec<Difference>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => compare_objects(path, expected, found, how, differences),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), expected, found, how, differences);
            }
        }
        _ if is_same(expected, found) => {}
        _ => differences.push(Difference::value(path, expected.to_string(), found.to_string())),
    }
}

/// Whether a value is as expected.
pub(crate) fn matches(expected: &Value, found: &Value) -> bool {
    let mut differences = Vec::new();
    compare("", expected, found, Match::Partial, &mut differences);
    differences.is_empty()
}

fn compare_objects(
    path: &str,
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    how: Match,
    differences: &mut Vec<Difference>,
) {
    for (key, expected) in expected {
        let path = format!("{path}.{key}");
        match found.get(key) {
            Some(found) => compare(&path, expected, found, how, differences),
            None => differences.push(Difference::value(&path, expected.to_string(), NOTHING)),
        }
    }
    let unexpected = found.iter().filter(|(key, _)| how == Match::Exact && !expected.contains_key(*key));
    differences
        .extend(unexpected.map(|(key, found)| Difference::value(&format!("{path}.{key}"), NOTHING, found.to_string())));
}

/// Numbers are compared by what they say: `1` in a case is also the `1.0` that an extension writes.
fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) => expected == found || expected.as_f64() == found.as_f64(),
        _ => expected == found,
    }
}

/// What stands in a difference where there is no value.
pub(crate) const NOTHING: &str = "nothing";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Difference, Match, Value, compare, to_json};

    fn paths(expected: &Value, found: &Value, how: Match) -> Vec<String> {
        let mut differences = Vec::new();
        compare("result", expected, found, how, &mut differences);
        differences.iter().map(Difference::title).collect()
    }

    #[test]
    fn only_the_keys_that_are_expected_are_looked_at_unless_all_are() {
        let found = json!({ "a": 1.0, "b": [{ "c": "x", "d": null }], "e": true });
        for (expected, partial, exact) in [
            (json!({}), vec![], vec!["result.a", "result.b", "result.e"]),
            (json!({ "a": 1, "b": [{ "c": "x" }], "e": true }), vec![], vec!["result.b[0].d"]),
            (
                json!({ "a": 2, "b": [], "f": 1, "e": true }),
                vec!["result.a", "result.b", "result.f"],
                vec!["result.a", "result.b", "result.f"],
            ),
            (json!("x"), vec!["result"], vec!["result"]),
        ] {
            assert_eq!(paths(&expected, &found, Match::Partial), partial, "{expected}");
            assert_eq!(paths(&expected, &found, Match::Exact), exact, "{expected}");
        }
    }

    #[test]
    fn a_time_of_toml_is_a_text() {
        let table: toml::Table = "at = 2026-03-01T02:00:00Z\nratio = 0.5\nnames = [\"a\"]".parse().unwrap();
        assert_eq!(
            to_json(&toml::Value::Table(table)),
            json!({ "at": "2026-03-01T02:00:00Z", "ratio": 0.5, "names": ["a"] })
        );
    }
}
