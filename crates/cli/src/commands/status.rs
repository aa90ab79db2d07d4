//! `agentapi status`: what the controller runs, what is due, what is frozen.

use serde_json::Value;

use crate::print::Output;
use crate::print::escape::visible;
use crate::print::severity::{from_word, margin};
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;

/// Asks, and prints.
pub(crate) fn run(daemon: &DaemonOptions, output: Output) -> anyhow::Result<()> {
    let status = block_on(single_threaded()?, daemon.get("/v1/status"))?;
    Ok(output.show(&status, describe)?)
}

fn describe(status: &Value) -> String {
    let mut table = Table::new(&COLUMNS);
    for subject in status["subjects"].as_array().into_iter().flatten() {
        let time = |key: &str| local(&subject[key]);
        let next = if subject["is_paused"] == true { "paused".to_owned() } else { time("next_due") };
        let name = subject["name"].as_str().unwrap_or("");
        let activity = subject.pointer("/activity/state").and_then(Value::as_str).unwrap_or("");
        table.row([name, activity, &next, &time("last_start"), &time("last_success")].map(Into::into));
    }
    let is_empty = status["subjects"].as_array().is_none_or(Vec::is_empty);
    let table = if is_empty { NOTHING.to_owned() } else { table.render(stdout_columns()) };
    let fleet = &status["fleet"];
    let fleet = [describe_bus(fleet), describe_slot(&fleet["slot"]), describe_wish(&fleet["wish"])].concat();
    let beside = [describe_freeze(&status["freeze"]), fleet].concat();
    [table, beside, describe_findings(&status["findings"])].concat()
}

fn describe_freeze(freeze: &Value) -> String {
    if freeze.is_null() {
        return String::new();
    }
    let part = |key: &str| visible(freeze[key].as_str().unwrap_or(""));
    let seconds = freeze["for_s"].as_u64().unwrap_or_default();
    format!("{}: {} for {seconds} s\n", part("holder"), part("stage"))
}

/// Only where it is gone: then the next five minutes have no finding yet.
fn describe_bus(link: &Value) -> String {
    if link["state"] != "lost" {
        return String::new();
    }
    let why = visible(link["why"].as_str().unwrap_or(""));
    let mark = margin(from_word(Some("warning")));
    format!(
        "{mark}the fleet's bus has not answered since {}: {why}; what is planned here goes on\n",
        local(&link["since"])
    )
}

/// Why a backup waits, or runs although it has no slot.
fn describe_slot(slot: &Value) -> String {
    let since = local(&slot["since"]);
    match slot["state"].as_str() {
        Some("waiting") => {
            let holders = slot["holders"].as_array().into_iter().flatten().filter_map(Value::as_str);
            format!("backup: waits for a slot since {since}; {}; {}\n", before_it(&slot["before"]), slots_of(holders))
        }
        Some("held") => format!("backup: has a slot since {since}\n"),
        Some("without") => {
            let why = visible(slot["why"].as_str().unwrap_or(""));
            format!("{}backup: runs without a slot since {since}: {why}\n", margin(from_word(Some("warning"))))
        }
        _ => String::new(),
    }
}

fn before_it(guests: &Value) -> String {
    match guests.as_u64().unwrap_or_default() {
        0 => "no guest is before it".to_owned(),
        1 => "1 guest is before it".to_owned(),
        guests => format!("{guests} guests are before it"),
    }
}

/// None are known where the bus has not answered yet.
fn slots_of<'a>(holders: impl Iterator<Item = &'a str>) -> String {
    let holders: Vec<_> = holders.collect();
    match holders.as_slice() {
        [] => "no guest is known to hold one".to_owned(),
        [one] => format!("{} holds one", visible(one)),
        all => format!("{} hold the slots", visible(&all.join(", "))),
    }
}

/// What the fleet wishes, from when on, and why it is not done.
fn describe_wish(wish: &Value) -> String {
    if wish.is_null() {
        return String::new();
    }
    let part = |key: &str| visible(wish[key].as_str().unwrap_or("")).into_owned();
    let due = if wish["due"].is_null() { String::new() } else { format!("; the next by it {}", local(&wish["due"])) };
    let why = if wish["held_back"].is_null() { String::new() } else { format!(", not begun: {}", part("held_back")) };
    format!("backup: {}: {}{due}{why}\n", part("from"), part("text"))
}

fn describe_findings(findings: &Value) -> String {
    let line = |finding: &Value| {
        let mark = margin(from_word(finding["severity"].as_str()));
        let [subject, text] = ["subject", "text"].map(|key| finding[key].as_str().unwrap_or(""));
        // A message of an extension has lines behind its title.
        let text: Vec<_> = text.lines().map(visible).collect();
        format!("{mark}{}: {}\n", visible(subject), text.join("\n   "))
    };
    findings.as_array().into_iter().flatten().map(line).collect()
}

const NOTHING: &str = "Nothing is configured to run.\n";

const COLUMNS: [Column; 5] = [
    Column::value("NAME", 1),
    Column::words("NOW", 2),
    Column::words("NEXT", 3),
    Column::words("LAST START", 5),
    Column::words("LAST SUCCESS", 4),
];

/// A time of the controller in this machine's zone, to the second. Empty where there is none.
pub(crate) fn local(time: &Value) -> String {
    let parsed = time.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let zoned = parsed.map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::describe_slot;

    #[test]
    fn a_backup_that_waits_says_who_has_the_slots_and_how_many_guests_are_before_it() {
        for (before, holders, text) in [
            (0, json!([]), "; no guest is before it; no guest is known to hold one\n"),
            (1, json!(["web2"]), "; 1 guest is before it; web2 holds one\n"),
            (2, json!(["web2", "db\u{7}"]), "; 2 guests are before it; web2, db\\u{7} hold the slots\n"),
        ] {
            let slot = json!({ "state": "waiting", "since": null, "before": before, "holders": holders });
            let found = describe_slot(&slot);
            assert!(found.starts_with("backup: waits for a slot since ") && found.ends_with(text), "{found}");
        }
    }
}
