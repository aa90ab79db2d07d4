//! What a report says, and what of it is told.

use agentapi_extension::backup::BackupPhase;
use agentapi_extension::host_metrics::{HostStatus, Smart, SmartHealth, StorageTarget};
use agentapi_extension::notify::Severity;
use agentapi_extension::storage::StorageClass;
use agentapi_extension::types::Error;

use super::*;

const HOUR: u64 = 3_600_000;

fn status(phase: BackupPhase, error: &str) -> BackupStatus {
    BackupStatus { vmid: 101, phase, job_id: "job".into(), error: error.into() }
}

fn metrics(temperature_c: i64, health: SmartHealth) -> MetricsView {
    let host = HostStatus {
        node: "pve".into(),
        cpu_percent: 0.0,
        memory_total_bytes: 1,
        memory_used_bytes: 0,
        memory_percent: 0.0,
        disk_total_bytes: 1000,
        disk_used_bytes: 0,
        disk_percent: 0.0,
        loadavg: Vec::new(),
        uptime_seconds: 1,
        cpu_temp_c: None,
    };
    let target = StorageTarget {
        name: "usb".into(),
        kind: "dir".into(),
        state: "available".into(),
        reachable: true,
        total_bytes: 1000,
        used_bytes: 0,
        avail_bytes: 1000,
        used_fraction: 0.0,
        content: "backup".into(),
        mount_path: String::new(),
        class_hint: StorageClass::Slow,
        thin_pool: None,
        smart: Smart { health, temperature_c: Some(temperature_c), percentage_used: None },
    };
    MetricsView { vmid: 101, host, storage_targets: vec![target] }
}

/// A report at this hour after a success at hour 0.
fn report(hour: u64, status: &BackupStatus, metrics: Result<&MetricsView, &CallError>) -> Report {
    let mut history = History::beginning(0);
    history.observe(Some(&self::status(BackupPhase::Done, "")), 0);
    Report::of(&Settings::default(), &history, Ok(status), metrics, hour * HOUR)
}

/// Key, severity, title and text of what is told.
fn told(report: &Report) -> Vec<(String, Severity, String, String)> {
    let messages = messages::of(report, &Settings::default());
    messages.into_iter().map(|message| (message.key, message.severity, message.title, message.text)).collect()
}

#[test]
fn a_backup_is_stale_after_so_long_and_the_message_stays_the_same() {
    let (failed, well) = (status(BackupPhase::Failed, "no space left"), metrics(40, SmartHealth::Passed));
    assert!(told(&report(50, &failed, Ok(&well))).is_empty());
    let message = (
        "backup-stale".to_owned(),
        Severity::Critical,
        "No backup has succeeded for more than 50 h".to_owned(),
        "The latest backup failed: no space left".to_owned(),
    );
    for hour in [51, 99] {
        assert_eq!(told(&report(hour, &failed, Ok(&well))), std::slice::from_ref(&message));
    }
}

#[test]
fn a_finding_is_told_by_its_threshold_and_not_by_a_figure_that_changes() {
    let done = status(BackupPhase::Done, "");
    let hot = |degrees| told(&report(1, &done, Ok(&metrics(degrees, SmartHealth::Failing))));
    let [smart, disk] = [
        ("smart-health:usb", Severity::Critical, "usb: smart health", "Expected PASSED, found FAILING."),
        ("disk-hot:usb", Severity::Warning, "usb: disk hot", "It has reached 55."),
    ]
    .map(|(key, severity, title, text)| (key.to_owned(), severity, title.to_owned(), text.to_owned()));
    assert_eq!(hot(56), [smart.clone(), disk.clone()]);
    assert_eq!(hot(57), [smart, disk]);
}

#[test]
fn what_the_host_does_not_answer_is_an_error_beside_the_age() {
    let error = CallError { call: "host-metrics.collect", error: Error::Agent("starting".into()) };
    let json = serde_json::to_value(report(60, &status(BackupPhase::Done, ""), Err(&error))).unwrap();
    let expected = serde_json::json!({
        "stale": true, "age_h": 60.0, "succeeded": true, "findings": [],
        "errors": [{ "call": "host-metrics.collect", "kind": "agent", "message": "starting" }],
    });
    assert_eq!(json, expected);
    assert!(messages::is_of_host("disk-hot:usb") && !messages::is_of_host("backup-stale"));
}

#[test]
fn an_input_that_cannot_be_right_is_refused() {
    for (input, message) in [
        (r#"{"max_age_h": 0}"#, "input: max_age_h: expected above 0 and at most 87600, found 0"),
        (
            r#"{"thresholds": {"full": {"warning": 80, "critical": 90}}}"#,
            "input: thresholds.full.warning: expected 0 to 1, found 80",
        ),
        (r#"{"max_age": 1}"#, "input: unknown field `max_age`, expected `max_age_h` or `thresholds`"),
    ] {
        let error = agentapi_extension::run::<StaleBackup>(input).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}
