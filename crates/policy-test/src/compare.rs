//! Compares what a run did with what a case expects.

mod calls;

use std::collections::BTreeMap;

use agentapi_host::error_chain;
use agentapi_host::policy::{Level, Notification, ObservedCall, RunError};
use serde_json::Value;

use crate::case::{Expected, ExpectedError, ExpectedLine, ExpectedPost};
use crate::difference::Difference;
use crate::sequence::{Element, align, included};
use crate::value::{Match, NOTHING, compare, matches, table_to_json, to_json};

/// All that is known of one run.
pub(crate) struct RunRecord {
    pub(crate) outcome: Result<String, RunError>,
    pub(crate) calls: Vec<ObservedCall>,
    pub(crate) lines: Vec<(Level, String)>,
    pub(crate) posts: Vec<Post>,
    pub(crate) raised: Vec<Notification>,
    pub(crate) told: Vec<String>,
    pub(crate) state: BTreeMap<String, Vec<u8>>,
}

/// A request by which the agent was asked to act.
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// Everything in which a run is not as expected.
pub(crate) fn differences(expected: &Expected, run: &RunRecord) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare_outcome(expected, &run.outcome, &mut differences);
    calls::compare(expected, &run.calls, &mut differences);
    compare_posts(expected, &run.posts, &mut differences);
    compare_log(expected, &run.lines, &mut differences);
    compare_messages(expected, run, &mut differences);
    compare_state(expected, &run.state, &mut differences);
    differences
}

fn compare_outcome(expected: &Expected, outcome: &Result<String, RunError>, differences: &mut Vec<Difference>) {
    match (&expected.error, outcome) {
        (None, Ok(found)) => {
            let how = if expected.exact { Match::Exact } else { Match::Partial };
            let Some(result) = &expected.result else { return };
            // What is no JSON is a text.
            let found = serde_json::from_str(found).unwrap_or_else(|_| Value::from(&**found));
            compare("result", &to_json(result), &found, how, differences);
        }
        (None, Err(error)) => differences.push(Difference::value("error", NOTHING, describe(error))),
        (Some(error), Ok(found)) => {
            differences.push(Difference::value("error", describe_expected(error), format!("the result {found}")));
        }
        (Some(expected), Err(error)) => {
            let is_kind = expected.kind.is_none_or(|kind| kind.as_str() == error.kind());
            let found = describe(error);
            if !is_kind || !found.contains(&expected.contains) {
                differences.push(Difference::value("error", describe_expected(expected), found));
            }
        }
    }
}

fn describe(error: &RunError) -> String {
    format!("{}: {}", error.kind(), error_chain(error))
}

fn describe_expected(error: &ExpectedError) -> String {
    let kind = error.kind.map_or("an error", |kind| kind.as_str());
    if error.contains.is_empty() { kind.into() } else { format!("{kind}: … {} …", error.contains) }
}

impl Element<Post> for ExpectedPost {
    fn is_repeated(&self) -> bool {
        false
    }

    fn matches(&self, found: &Post) -> bool {
        self.path == found.path && matches(&Value::Object(table_to_json(&self.body)), &found.body)
    }
}

fn compare_posts(expected: &Expected, found: &[Post], differences: &mut Vec<Difference>) {
    let Some(expected) = &expected.posts else { return };
    if align(expected, found).is_whole {
        return;
    }
    if expected.iter().map(|post| &post.path).eq(found.iter().map(|post| &post.path)) {
        for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
            let body = Value::Object(table_to_json(&expected.body));
            compare(&format!("posts[{index}].body"), &body, &found.body, Match::Partial, differences);
        }
        return;
    }
    let list = |posts: Vec<String>| if posts.is_empty() { NOTHING.to_owned() } else { posts.join(", ") };
    let expected = expected.iter().map(|post| match post.body.is_empty() {
        true => post.path.clone(),
        false => format!("{} {}", post.path, Value::Object(table_to_json(&post.body))),
    });
    let found = found.iter().map(|post| format!("{} {}", post.path, post.body));
    differences.push(Difference::value("posts", list(expected.collect()), list(found.collect())));
}

impl Element<(Level, String)> for ExpectedLine {
    fn is_repeated(&self) -> bool {
        false
    }

    fn matches(&self, (level, line): &(Level, String)) -> bool {
        self.level.is_none_or(|expected| expected == *level) && line.contains(&self.contains)
    }
}

fn compare_log(expected: &Expected, found: &[(Level, String)], differences: &mut Vec<Difference>) {
    let describe = |line: &ExpectedLine| match line.level {
        Some(level) => format!("{level}: … {} …", line.contains),
        None => format!("… {} …", line.contains),
    };
    if let Some(missing) = expected.log.get(included(&expected.log, found)) {
        differences.push(Difference::value("log", describe(missing), "no such line, in this order"));
    }
    for never in &expected.log_never {
        if let Some((level, line)) = found.iter().find(|line| never.matches(line)) {
            let expected = format!("no line {}", describe(never));
            differences.push(Difference::value("log_never", expected, format!("{level}: {line}")));
        }
    }
}

fn compare_messages(expected: &Expected, run: &RunRecord, differences: &mut Vec<Difference>) {
    if let Some(expected) = &expected.told
        && *expected != run.told
    {
        differences.push(Difference::value("told", list(expected), list(&run.told)));
    }
    let Some(expected) = &expected.notifications else { return };
    for message in expected {
        let at = format!("notifications.{}", message.key);
        let Some(found) = run.raised.iter().find(|found| found.key == message.key) else {
            differences.push(Difference::value(&at, "raised", "not raised"));
            continue;
        };
        // Severities are compared by the names that they have in a file.
        let severity = serde_json::to_value(found.severity).unwrap_or_default();
        if let Some(expected) = &message.severity {
            compare(&format!("{at}.severity"), &Value::from(&**expected), &severity, Match::Exact, differences);
        }
        for (part, expected, found) in [("title", &message.title, &found.title), ("text", &message.text, &found.text)] {
            if let Some(expected) = expected
                && !found.contains(expected)
            {
                differences.push(Difference::value(&format!("{at}.{part}"), format!("… {expected} …"), found));
            }
        }
    }
    let unexpected = run.raised.iter().filter(|found| !expected.iter().any(|message| message.key == found.key));
    differences.extend(unexpected.map(|found| {
        Difference::value(&format!("notifications.{}", found.key), "not raised", format!("raised: {}", found.title))
    }));
}

fn compare_state(expected: &Expected, found: &BTreeMap<String, Vec<u8>>, differences: &mut Vec<Difference>) {
    for (key, value) in &expected.state {
        let at = format!("state.{key}");
        let Some(found) = found.get(key).map(|bytes| String::from_utf8_lossy(bytes)) else {
            differences.push(Difference::value(&at, to_json(value).to_string(), NOTHING));
            continue;
        };
        match value {
            toml::Value::String(text) if *text == found => {}
            toml::Value::String(text) => differences.push(Difference::value(&at, text, found)),
            value => {
                let found = serde_json::from_str(&found).unwrap_or_else(|_| Value::from(&*found));
                compare(&at, &to_json(value), &found, Match::Partial, differences);
            }
        }
    }
    for key in &expected.state_without {
        if let Some(found) = found.get(key) {
            let found = String::from_utf8_lossy(found);
            differences.push(Difference::value(&format!("state.{key}"), NOTHING, found));
        }
    }
}

fn list(keys: &[String]) -> String {
    if keys.is_empty() { "nobody, of nothing".into() } else { keys.join(", ") }
}
