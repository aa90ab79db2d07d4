//! The report of the backup loop, as text and as JSON, with the report of the freeze.

use std::fmt::Write;
use std::time::Duration;

use agentapi_host::policy::{BackupOutcome, BackupReport, CallFailure};
use agentapi_host::quiesce::{Consistency, Report, Status};
use serde_json::{Value, json};

use crate::extension::thaw::Freeze;
use crate::print::escape::visible;

/// What a backup is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Worth {
    /// `application`, `crash`, or `unknown` before all is thawed.
    pub(super) consistency: String,
    /// Why it is not application-consistent; empty where it is.
    pub(super) reason: String,
}

impl Worth {
    pub(super) fn is_less_than_application(&self) -> bool {
        self.consistency != "application"
    }
}

/// What the backup is worth, if one was taken. The extension says what it thinks; the host knows, because it saw when the
/// applications stood still and when the agent said that it had what it needed. Only the thaw shows whether somebody else
/// had thawed, or a program that held has failed.
pub(super) fn worth(report: &BackupReport, freeze: &Freeze) -> Option<Worth> {
    let of_extension = report.consistency.as_ref()?;
    let (consistency, reason) = match freeze {
        Freeze::Nothing => (of_extension.clone(), report.consistency_reason.clone()),
        Freeze::Thawed(freeze) => match freeze.consistency() {
            Consistency::Application => ("application".into(), String::new()),
            Consistency::Crash { reason } => ("crash".into(), reason),
        },
        Freeze::Thawing(_) => ("unknown".into(), "the applications are not thawed yet".into()),
    };
    Some(Worth { consistency, reason })
}

/// The loop's report, with the field `freeze`: null if nothing was frozen.
pub(super) fn to_json(report: &BackupReport, freeze: &Freeze) -> Value {
    let of_freeze = match freeze {
        Freeze::Nothing => Value::Null,
        Freeze::Thawed(Report { frozen, ended_by, attempts, failures, .. }) => json!({
            "thawed": true,
            "frozen_ms": milliseconds(*frozen),
            "ended_by": ended_by.to_string(),
            "thaw_attempts": attempts,
            "failures": failures,
        }),
        Freeze::Thawing(Status { waits_for, attempts, failures, .. }) => json!({
            "thawed": false,
            "waits_for": waits_for.as_deref(),
            "thaw_attempts": attempts,
            "failures": failures,
        }),
    };
    let mut of_host = report.clone();
    if let Some(Worth { consistency, reason }) = worth(report, freeze) {
        (of_host.consistency, of_host.consistency_reason) = (Some(consistency), reason);
    }
    let mut report = json!(of_host);
    if let Some(fields) = report.as_object_mut() {
        fields.insert("freeze".into(), of_freeze);
    }
    report
}

/// The same for people: how the backup ended, what it is worth, how long the applications were frozen.
pub(super) fn describe(report: &BackupReport, freeze: &Freeze) -> String {
    describe_outcome(report) + &describe_worth(report, freeze)
}

/// What it is worth, and how long the applications were frozen.
pub(super) fn describe_worth(report: &BackupReport, freeze: &Freeze) -> String {
    let worth = worth(report, freeze).map(|worth| describe_consistency(&worth, report.outcome)).unwrap_or_default();
    worth + &describe_freeze(freeze)
}

fn describe_outcome(report: &BackupReport) -> String {
    let (job, reason) = (visible(&report.job_id), visible(&report.reason));
    let error = report.error.as_ref().map(describe_failure).unwrap_or_default();
    match report.outcome {
        BackupOutcome::Done => format!("Backup {job} is done.\n"),
        BackupOutcome::Failed => format!("Backup {job} failed: {reason}.\n"),
        BackupOutcome::NotDue => format!("No backup is due: {reason}.\n"),
        BackupOutcome::AlreadyRunning => format!("Backup {job} is running already: nothing was started.\n"),
        BackupOutcome::Busy => format!("Nothing was started: {reason}.\n"),
        BackupOutcome::NotFrozen => format!("Nothing was started: the applications could not be frozen: {reason}.\n"),
        BackupOutcome::NotStarted => format!("No backup was started: {error}.\n"),
        BackupOutcome::Unknown => format!(
            "It is not known whether a backup was started: {error}. Before you start another, see `agentapi backup status`.\n"
        ),
        BackupOutcome::Lost => {
            format!("Backup {job} was started and is out of sight: {reason}{error}. See `agentapi backup status`.\n")
        }
        BackupOutcome::StillRunning => format!("Backup {job} is {reason}. See `agentapi backup status`.\n"),
        // The enum may grow in the host library before this command knows the new outcome.
        other => format!("{other:?}: {reason}{error}\n"),
    }
}

fn describe_failure(failure: &CallFailure) -> String {
    let CallFailure { call, kind, message, .. } = failure;
    let message = if message.is_empty() { String::new() } else { format!(": {}", visible(message)) };
    format!("{} failed with {}{message}", visible(call), visible(kind))
}

fn describe_consistency(Worth { consistency, reason }: &Worth, outcome: BackupOutcome) -> String {
    let it = if outcome == BackupOutcome::Unknown { "If one was, it" } else { "It" };
    match consistency.as_str() {
        "application" => "It is application-consistent: the applications stood still.\n".into(),
        "unknown" => "What it is worth is known when they are thawed.\n".into(),
        other => format!("{it} is {}-consistent: {}.\n", visible(other), visible(reason)),
    }
}

fn describe_freeze(freeze: &Freeze) -> String {
    let (mut text, failures) = match freeze {
        Freeze::Nothing => return String::new(),
        Freeze::Thawing(_) => {
            return "THE APPLICATIONS ARE NOT THAWED YET: see stderr for what is waited for.\n".into();
        }
        Freeze::Thawed(Report { frozen, attempts, failures, .. }) => {
            let times = if *attempts == 1 { String::new() } else { format!(" at attempt {attempts}") };
            let time = milliseconds(*frozen);
            (format!("The applications were frozen for {time} ms, and thawed{times}.\n"), failures)
        }
    };
    for failure in failures {
        // Writing to a `String` never fails.
        let _ = writeln!(text, "  {}", visible(failure));
    }
    text
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use agentapi_host::policy::BackupReport;

    use super::describe;
    use crate::extension::thaw::Freeze;

    fn text(json: &str) -> String {
        describe(&BackupReport::parse(json).unwrap(), &Freeze::Nothing)
    }

    #[test]
    fn a_report_for_people_says_how_it_ended_why_and_what_the_backup_is_worth() {
        let lost = r#"{"outcome":"lost","job_id":"bk-1","reason":"","consistency":"crash","consistency_reason":"x\u001b",
            "error":{"call":"backup.status","kind":"deadline","message":"late"}}"#;
        let expected = "Backup bk-1 was started and is out of sight: backup.status failed with deadline: late. See \
                        `agentapi backup status`.\nIt is crash-consistent: x\\u{1b}.\n";
        assert_eq!(text(lost), expected);
        let unknown = r#"{"outcome":"unknown","job_id":"","reason":"",
            "error":{"call":"backup.start","kind":"interrupted","message":"reset"}}"#;
        let expected = "It is not known whether a backup was started: backup.start failed with interrupted: reset. Before \
                        you start another, see `agentapi backup status`.\n";
        assert_eq!(text(unknown), expected);
        let not_started = r#"{"outcome":"not-started","job_id":"","reason":"",
            "error":{"call":"backup.start","kind":"http-status","message":""}}"#;
        assert_eq!(text(not_started), "No backup was started: backup.start failed with http-status.\n");
        let busy = r#"{"outcome":"busy","job_id":"","reason":"nightly holds the freeze"}"#;
        assert_eq!(text(busy), "Nothing was started: nightly holds the freeze.\n");
    }
}
