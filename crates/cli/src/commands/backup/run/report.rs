//! The report of the backup loop, as text and as JSON, with the report of the freeze.

use std::fmt::Write;
use std::time::Duration;

use agentapi_host::policy::{BackupOutcome, BackupReport, CallFailure};
use agentapi_host::quiesce::{Consistency, Report};
use serde_json::{Value, json};

use crate::print::escape::visible;

/// The loop's report, with the field `freeze`: null if nothing was frozen.
pub(super) fn to_json(report: &BackupReport, freeze_report: Option<&Report>) -> Value {
    let freeze = freeze_report.map(|freeze| {
        json!({
            "frozen_ms": milliseconds(freeze.frozen),
            "ended_by": freeze.ended_by.to_string(),
            "thaw_attempts": freeze.attempts,
            "failures": freeze.failures,
        })
    });
    let mut report = json!(with_consistency_of_host(report, freeze_report));
    if let Some(fields) = report.as_object_mut() {
        fields.insert("freeze".into(), freeze.unwrap_or_default());
    }
    report
}

/// The same for people: how the backup ended, what it is worth, how long the applications were frozen.
pub(super) fn describe(report: &BackupReport, freeze: Option<&Report>) -> String {
    let report = &with_consistency_of_host(report, freeze);
    let consistency = report.consistency.as_deref();
    let worth = consistency.map(|consistency| describe_consistency(consistency, &report.consistency_reason));
    let parts = [Some(describe_outcome(report)), worth, freeze.map(describe_freeze)];
    parts.into_iter().flatten().collect()
}

/// The extension says what it thinks the backup is worth. The host knows: it saw when the applications stood still, and when
/// the agent said that it had what it needed.
fn with_consistency_of_host(report: &BackupReport, freeze: Option<&Report>) -> BackupReport {
    let mut report = report.clone();
    if let (Some(_), Some(freeze)) = (&report.consistency, freeze) {
        (report.consistency, report.consistency_reason) = match freeze.consistency() {
            Consistency::Application => (Some("application".into()), String::new()),
            Consistency::Crash { reason } => (Some("crash".into()), reason),
        };
    }
    report
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

fn describe_consistency(consistency: &str, reason: &str) -> String {
    match consistency {
        "application" => "It is application-consistent: the applications stood still.\n".into(),
        other => format!("It is {}-consistent: {}.\n", visible(other), visible(reason)),
    }
}

fn describe_freeze(freeze: &Report) -> String {
    let times = if freeze.attempts == 1 { String::new() } else { format!(" at attempt {}", freeze.attempts) };
    let time = milliseconds(freeze.frozen);
    let mut text = format!("The applications were frozen for {time} ms, and thawed{times}.\n");
    for failure in &freeze.failures {
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

    fn text(json: &str) -> String {
        describe(&BackupReport::parse(json).unwrap(), None)
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
