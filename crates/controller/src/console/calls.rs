//! What a run has called, from the audit: a line each, with its place in the time of the run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::console::time::length;
use crate::console::words::shown;
use crate::run::Run;

/// A call, or many that gave the same.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) operation: String,
    pub(super) outcome: String,
    pub(super) is_well: bool,
    /// Since the run began.
    pub(super) after: String,
    pub(super) took: String,
    /// Where its bar begins and how long it is, in hundredths of the run.
    pub(super) from: f64,
    pub(super) width: f64,
}

/// A line of the audit, as far as it is shown. Other keys, and other kinds of lines, are left out.
#[derive(Deserialize)]
struct Line {
    at_unix_ms: i64,
    extension_sha256: String,
    operation: String,
    event: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    milliseconds: i64,
    #[serde(default)]
    times: u64,
}

/// What the run has called so far; the latest if that is much. Nothing where the audit cannot be read, or has it no more.
pub(super) async fn of_run(audit: PathBuf, run: &Run, now: Timestamp) -> Vec<Call> {
    let Some(started) = run.started_at else { return Vec::new() };
    let (digest, ended) = (run.digest.clone(), run.ended_at.unwrap_or(now));
    let read = move || calls(&tail(&audit).unwrap_or_default(), &digest, started, ended);
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn tail(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn calls(text: &str, digest: &str, started: Timestamp, ended: Timestamp) -> Vec<Call> {
    let (first, last) = (started.as_millisecond(), ended.as_millisecond() + SLACK_MS);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let of_run = lines.filter(|line| line.extension_sha256 == digest && (first..=last).contains(&line.at_unix_ms));
    let told = of_run.filter(|line| ["end", "repeated"].contains(&line.event.as_str()) && line.operation != "run");
    let whole = (ended.as_millisecond() - first).max(1);
    let mut calls: Vec<_> = told.map(|line| Call::new(&line, first, whole)).collect();
    calls.drain(..calls.len().saturating_sub(MAX_CALLS));
    calls
}

impl Call {
    fn new(line: &Line, first: i64, whole: i64) -> Self {
        let ms = |ms: i64| length(SignedDuration::from_millis(ms.max(0)));
        let began = line.at_unix_ms - line.milliseconds - first;
        let part = |ms: i64| (100.0 * ms as f64 / whole as f64).clamp(0.0, 100.0);
        let from = part(began);
        let repeated = || match line.times {
            1 => "the same once more".to_owned(),
            times => format!("the same {times} times more"),
        };
        let is_end = line.event == "end";
        Self {
            operation: shown(&line.operation),
            outcome: if is_end { shown(&line.outcome) } else { repeated() },
            is_well: !is_end || line.outcome == "ok",
            after: ms(began),
            took: if is_end { ms(line.milliseconds) } else { String::new() },
            from,
            width: part(line.milliseconds).max(1.0).min(100.0 - from.min(99.0)),
        }
    }
}

/// Of the audit's end: that of some thousand calls.
const MAX_BYTES: u64 = 1 << 20;
/// Rows of the page.
const MAX_CALLS: usize = 100;
/// The audit's last line is written as the run ends.
const SLACK_MS: i64 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64, digest: &str, rest: &str) -> String {
        format!(
            "{{\"at_unix_ms\":{at},\"extension\":\"x\",\"extension_sha256\":\"{digest}\",\"run\":\"r\",\"id\":1,{rest}}}\n"
        )
    }

    #[test]
    fn the_lines_of_a_run_become_calls_with_their_place_in_its_time() {
        let text = [
            "half a line of the end\n".to_owned(),
            line(900, "ab", r#""operation":"backup.due","event":"end","outcome":"ok","milliseconds":1"#),
            line(1200, "ab", r#""operation":"disks.list","event":"begin""#),
            line(1300, "ab", r#""operation":"disks.list","event":"end","outcome":"ok","milliseconds":100"#),
            line(1400, "cd", r#""operation":"disks.list","event":"end","outcome":"ok","milliseconds":100"#),
            line(1500, "ab", r#""operation":"backup.status","event":"repeated","times":4,"last_unix_ms":1450"#),
            line(2000, "ab", r#""operation":"backup.start","event":"end","outcome":"denied","milliseconds":0"#),
            line(2000, "ab", r#""operation":"run","event":"end","outcome":"ok","milliseconds":1000"#),
        ];
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let calls = calls(&text.concat(), "ab", at(1000), at(2000));
        let told: Vec<_> =
            calls.iter().map(|call| (call.operation.as_str(), call.outcome.as_str(), call.is_well)).collect();
        let expected = [
            ("disks.list", "ok", true),
            ("backup.status", "the same 4 times more", true),
            ("backup.start", "denied", false),
        ];
        assert_eq!(told, expected);
        assert_eq!((calls[0].from, calls[0].width, calls[0].after.as_str()), (20.0, 10.0, "200 ms"));
        assert_eq!((calls[2].from, calls[2].width), (100.0, 1.0));
    }
}
