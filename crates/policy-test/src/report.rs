//! The report for people: a line for each case, what differs at a glance, and a line that sums it up.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use agentapi_contract::visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::difference::{Difference, Kind};
use crate::outcome::{CaseOutcome, RunOutcome};

/// Describes what cases came to, in lines of at most 80 columns.
pub fn report(outcomes: &[CaseOutcome], took: Duration) -> String {
    let mut text = String::new();
    let mut file = Path::new("");
    // Writing to a `String` never fails, here and below.
    for outcome in outcomes {
        if outcome.file != file {
            file = &outcome.file;
            let _ = writeln!(text, "{}", visible(&file.display().to_string()));
        }
        line(&mut text, outcome);
        if !outcome.is_ok() {
            details(&mut text, outcome);
        }
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.is_ok()).count();
    let (count, ok) = (outcomes.len(), outcomes.len() - failed);
    let cases = if count == 1 { "case" } else { "cases" };
    let _ = writeln!(text, "{count} {cases}: {ok} ok, {failed} failed; {}", real(took));
    text
}

fn line(text: &mut String, outcome: &CaseOutcome) {
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    let (virtual_time, real_time) = (span(outcome.virtual_time), real(outcome.real_time));
    let head = format!("  {word:6} {virtual_time:>8} {real_time:>8}  ");
    let name = wrap(&outcome.name, COLUMNS - head.len(), head.len());
    let _ = writeln!(text, "{head}{name}");
}

fn details(text: &mut String, outcome: &CaseOutcome) {
    let _ = writeln!(text, "    {}:{}", visible(&outcome.file.display().to_string()), outcome.line);
    if let Some(why) = &outcome.not_run {
        let _ = writeln!(text, "    it could not be run: {}", wrap(why, COLUMNS - 8, 8));
    }
    let several = outcome.runs.len() > 1;
    let failed = outcome.runs.iter().enumerate().filter(|(_, run)| !run.differences.is_empty());
    for (index, run) in failed {
        if several {
            let _ = writeln!(text, "    run {} of the case", index + 1);
        }
        run_details(text, run);
    }
}

fn run_details(text: &mut String, run: &RunOutcome) {
    for difference in &run.differences {
        describe(text, difference);
    }
    if run.lines.is_empty() {
        let _ = writeln!(text, "    nothing was logged");
        return;
    }
    let _ = writeln!(text, "    log of the run");
    let hidden = run.lines.len().saturating_sub(MAX_LINES);
    if hidden > 0 {
        let _ = writeln!(text, "      ({hidden} lines before)");
    }
    for (level, line) in run.lines.iter().skip(hidden) {
        let _ = writeln!(text, "      {level:5} {}", cut(line, COLUMNS - 12));
    }
}

fn describe(text: &mut String, difference: &Difference) {
    let _ = writeln!(text, "    {}", cut(&difference.title(), COLUMNS - 4));
    match &difference.kind {
        Kind::Value { expected, found } => {
            let _ = writeln!(text, "      expected {}", wrap(expected, COLUMNS - 15, 15));
            let _ = writeln!(text, "      found    {}", wrap(found, COLUMNS - 15, 15));
        }
        Kind::Calls { rows } => {
            let left = rows.iter().map(|row| visible(&row.expected).width()).max().unwrap_or_default();
            let left = left.clamp("expected".len(), HALF);
            let right = COLUMNS - 8 - left - 2;
            let _ = writeln!(text, "        {:left$}  found", "expected");
            for row in rows {
                let mark = if row.differs { ">" } else { " " };
                let expected = cut(&row.expected, left);
                let pad = left - expected.width();
                let line = format!("      {mark} {expected}{:pad$}  {}", "", cut(&row.found, right));
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
    }
}

/// A span of virtual time, as short as it can be read.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

fn real(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// As much of a text as fits into one line, with nothing in it that a terminal would obey.
fn cut(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut width = 1;
    let fitting = text.chars().take_while(|c| {
        width += c.width().unwrap_or_default();
        width <= columns
    });
    fitting.chain(['…']).collect()
}

/// Breaks a text into lines; those after the first are indented. At most [`MAX_VALUE_LINES`] of them.
fn wrap(text: &str, columns: usize, indent: usize) -> String {
    let text = visible(text);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let last = lines.last_mut();
            let Some(line) = last else { break };
            let space = usize::from(!line.is_empty());
            if line.width() + space + word.width() <= columns {
                line.push_str(if space > 0 { " " } else { "" });
                line.push_str(word);
                break;
            }
            if word.width() > columns {
                // A word that is longer than a line, such as JSON: broken where the line ends.
                let left = columns.saturating_sub(line.width() + space);
                let at = byte_at(word, left);
                if at > 0 {
                    let (head, tail) = word.split_at(at);
                    line.push_str(if space > 0 { " " } else { "" });
                    line.push_str(head);
                    word = tail;
                }
            }
            lines.push(String::new());
        }
    }
    if lines.len() > MAX_VALUE_LINES {
        lines.truncate(MAX_VALUE_LINES);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", cut(last, columns - 1).trim_end_matches('…'));
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// Where in a text so many columns end, in bytes.
fn byte_at(text: &str, columns: usize) -> usize {
    let mut width = 0;
    for (at, c) in text.char_indices() {
        width += c.width().unwrap_or_default();
        if width > columns {
            return at;
        }
    }
    text.len()
}

/// As wide is a terminal at least, and the log of a CI.
const COLUMNS: usize = 80;
/// The widest column of expected calls.
const HALF: usize = 34;
/// Lines of a log that are shown: the end of it is what led to the difference.
const MAX_LINES: usize = 20;
/// Lines of one value that are shown.
const MAX_VALUE_LINES: usize = 12;
