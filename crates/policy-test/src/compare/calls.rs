//! Calls: all of them, some among others, and those that must not be made.

use agentapi_host::policy::ObservedCall;
use serde_json::Value;

use crate::case::{Expected, ExpectedCall, SLEEP};
use crate::difference::{Difference, Row};
use crate::sequence::{Alignment, Element, align, included};
use crate::value::{self, Match, NOTHING, matches, table_to_json, to_json};

impl Element<&ObservedCall> for ExpectedCall {
    fn is_repeated(&self) -> bool {
        self.repeated
    }

    fn matches(&self, found: &&ObservedCall) -> bool {
        found.function.to_string() == self.function && self.has_details(found)
    }
}

impl ExpectedCall {
    fn has_details(&self, found: &ObservedCall) -> bool {
        let answer = self.answer.as_ref().map(to_json);
        matches(&self.arguments(), &found.arguments)
            && match &found.outcome {
                Ok(found) => self.error.is_none() && answer.is_none_or(|answer| matches(&answer, found)),
                Err(error) => answer.is_none() && self.error.as_ref().is_none_or(|kind| *kind == error.kind),
            }
    }

    fn arguments(&self) -> Value {
        Value::Object(table_to_json(&self.arguments))
    }

    fn describe(&self) -> String {
        let mut text = self.function.clone();
        if self.repeated {
            text.push('+');
        }
        if !self.arguments.is_empty() {
            text = format!("{text} {}", self.arguments());
        }
        match (&self.answer, &self.error) {
            (_, Some(kind)) => format!("{text} ! {kind}"),
            (Some(answer), None) => format!("{text} = {}", to_json(answer)),
            (None, None) => text,
        }
    }
}

/// Adds in which calls a run is not as expected.
pub(super) fn compare(expected: &Expected, calls: &[ObservedCall], differences: &mut Vec<Difference>) {
    if let Some(expected) = &expected.calls {
        let found = relevant(expected, calls);
        let alignment = align(expected, &found);
        if !alignment.is_whole {
            differences.push(Difference::calls("calls", rows(expected, &found, &alignment)));
            explain(expected, &found, &alignment, differences);
        }
    }
    let found = relevant(&expected.calls_include, calls);
    if let Some(missing) = expected.calls_include.get(included(&expected.calls_include, &found)) {
        differences.push(Difference::value("calls_include", missing.describe(), list(&found)));
    }
    for never in &expected.calls_never {
        if let Some(found) = calls.iter().find(|found| never.matches(found)) {
            let expected = format!("no {}", never.describe());
            differences.push(Difference::value("calls_never", expected, describe(found)));
        }
    }
}

/// The calls without pauses, unless pauses are what is looked at.
fn relevant<'a>(expected: &[ExpectedCall], calls: &'a [ObservedCall]) -> Vec<&'a ObservedCall> {
    let has_pauses = expected.iter().any(|call| call.function == SLEEP);
    calls.iter().filter(|call| has_pauses || call.function.to_string() != SLEEP).collect()
}

/// Where the first call that differs is the right function: what of it is not as expected.
fn explain(
    expected: &[ExpectedCall],
    found: &[&ObservedCall],
    alignment: &Alignment,
    differences: &mut Vec<Difference>,
) {
    let index = alignment.matched.len();
    let (Some(expected), Some(found)) = (expected.get(alignment.expected), found.get(index)) else { return };
    if found.function.to_string() != expected.function {
        return;
    }
    let at = format!("calls[{index}]");
    let mut compare = |part: &str, expected: &Value, found: &Value| {
        value::compare(&format!("{at}.{part}"), expected, found, Match::Partial, differences);
    };
    compare("arguments", &expected.arguments(), &found.arguments);
    match (&found.outcome, &expected.answer, &expected.error) {
        (Ok(found), Some(answer), _) => compare("answer", &to_json(answer), found),
        (Ok(found), None, Some(kind)) => compare("error", &Value::from(&**kind), found),
        (Err(error), _, Some(kind)) => compare("error", &Value::from(&**kind), &Value::from(&*error.kind)),
        (Err(error), Some(answer), None) => compare("answer", &to_json(answer), &Value::from(&*error.kind)),
        (_, None, None) => {}
    }
}

/// Both lists side by side, up to a little beyond the first row that differs.
fn rows(expected: &[ExpectedCall], found: &[&ObservedCall], alignment: &Alignment) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, element) in expected.iter().take(alignment.expected).enumerate() {
        let count = alignment.matched.iter().filter(|matched| **matched == index).count();
        let first = alignment.matched.iter().position(|matched| *matched == index);
        let found = first.and_then(|first| found.get(first)).map(|call| describe(call)).unwrap_or_default();
        rows.push(Row { expected: element.describe(), found: times(&found, count), differs: false });
    }
    let hidden = rows.len().saturating_sub(ROWS_BEFORE);
    if hidden > 1 {
        rows.splice(
            ..hidden,
            [Row { expected: format!("({hidden} as expected)"), found: String::new(), differs: false }],
        );
    }
    let missing = expected.iter().skip(alignment.expected).map(ExpectedCall::describe);
    let mut missing = missing.collect::<Vec<_>>();
    let mut left = grouped(found.get(alignment.matched.len()..).unwrap_or_default());
    for list in [&mut missing, &mut left] {
        let hidden = list.len().saturating_sub(ROWS_AFTER);
        list.truncate(ROWS_AFTER);
        list.push(if hidden > 0 { format!("({hidden} more)") } else { END.into() });
    }
    let count = missing.len().max(left.len());
    let (mut missing, mut left) = (missing.into_iter(), left.into_iter());
    rows.extend((0..count).map(|row| Row {
        expected: missing.next().unwrap_or_default(),
        found: left.next().unwrap_or_default(),
        differs: row == 0,
    }));
    rows
}

/// Calls that are the same, one after another, as one.
fn grouped(calls: &[&ObservedCall]) -> Vec<String> {
    let texts: Vec<_> = calls.iter().map(|call| describe(call)).collect();
    texts
        .chunk_by(|one, other| one == other)
        .map(|same| times(same.first().map_or("", |text| text), same.len()))
        .collect()
}

fn times(text: &str, count: usize) -> String {
    if count > 1 { format!("{text} ({count} times)") } else { text.to_owned() }
}

fn list(calls: &[&ObservedCall]) -> String {
    if calls.is_empty() { NOTHING.into() } else { grouped(calls).join(", ") }
}

fn describe(call: &ObservedCall) -> String {
    match &call.outcome {
        Ok(_) => call.function.to_string(),
        Err(error) => format!("{} ! {}", call.function, error.kind),
    }
}

/// What stands behind the last call.
const END: &str = "(end)";
/// Rows in front of the first that differs: what led there.
const ROWS_BEFORE: usize = 6;
/// Rows from there on.
const ROWS_AFTER: usize = 6;
