//! The report for a CI: XML as JUnit writes it.

use std::fmt::Write;
use std::time::Duration;

use crate::outcome::CaseOutcome;
use crate::report::report;

/// Describes what cases came to as XML, a suite for each file.
pub fn junit(outcomes: &[CaseOutcome], took: Duration) -> String {
    let failed = |cases: &[CaseOutcome]| cases.iter().filter(|case| !case.is_ok()).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failures, time) = (outcomes.len(), failed(outcomes), took.as_secs_f64());
    // Writing to a `String` never fails, here and below.
    let _ = writeln!(xml, "<testsuites tests=\"{tests}\" failures=\"{failures}\" time=\"{time:.3}\">");
    for cases in outcomes.chunk_by(|one, other| one.file == other.file) {
        let file = cases.first().map(|case| case.file.display().to_string()).unwrap_or_default();
        let (file, tests, failures) = (escape(&file), cases.len(), failed(cases));
        let time: f64 = cases.iter().map(|case| case.real_time.as_secs_f64()).sum();
        let _ =
            writeln!(xml, "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{time:.3}\">");
        cases.iter().for_each(|case| test_case(&mut xml, &file, case));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn test_case(xml: &mut String, file: &str, case: &CaseOutcome) {
    let (name, line, time) = (escape(&case.name), case.line, case.real_time.as_secs_f64());
    let _ = write!(
        xml,
        "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{line}\" time=\"{time:.3}\""
    );
    if case.is_ok() {
        xml.push_str("/>\n");
        return;
    }
    let first = case.runs.iter().flat_map(|run| &run.differences).next();
    let message = case.not_run.clone().or_else(|| first.map(|first| format!("{} differs", first.title())));
    let message = escape(&message.unwrap_or_default());
    let text = escape(&report(std::slice::from_ref(case), case.real_time));
    let _ = writeln!(xml, ">\n      <failure message=\"{message}\">{text}</failure>\n    </testcase>");
}

/// A text as it may stand in an attribute or an element. Control characters may not, in no form: XML 1.0, section 2.2.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
