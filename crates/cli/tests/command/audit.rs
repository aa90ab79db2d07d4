//! `--audit`: what is in the file when the command is gone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agentapi_host::Route;
use agentapi_mock::{BackupOutcome, Fault, Repeat};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{ENDLESS, Fixture, Process, wait_until};

/// The lines, as operation and event.
fn lines(audit: &Path) -> Vec<String> {
    let text = fs::read_to_string(audit).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.map(|line: Value| format!("{} {}", line["operation"], line["event"]).replace('"', "")).collect()
}

#[test]
fn on_sighup_the_audit_goes_on_in_a_new_file() {
    let fixture = Fixture::with(ENDLESS);
    let [audit, rotated] = ["audit.jsonl", "audit.1"].map(|name| fixture.path(name));
    let running = Process::spawn_backup(fixture.backup_run(&["--audit", audit.to_str().unwrap()]));
    fs::rename(&audit, &rotated).unwrap();
    running.signal(Signal::HUP);
    wait_until("the file is opened anew", || audit.exists());
    // Polls whose answer is the same are counted: another answer is written.
    fixture.agent.change(|state| state.backup.finish(BackupOutcome::Done));
    let is_written = || fs::read_to_string(&audit).is_ok_and(|text| text.contains("\"operation\":\"backup.status\""));
    wait_until("the audit goes on in the new file", is_written);
    assert!(fs::read_to_string(&rotated).unwrap().contains("\"operation\":\"backup.start\""));
}

#[test]
fn a_command_that_is_killed_leaves_the_begin_of_what_it_had_begun() {
    let fixture = Fixture::with(ENDLESS);
    let audit = fixture.path("audit.jsonl");
    fixture.inject(Route::StartBackup, Fault::Latency(Duration::from_secs(600)), Repeat::Always);
    let mut running = Process::spawn(fixture.backup_run(&["--audit", audit.to_str().unwrap()]));
    wait_until("the start has been sent", || fixture.starts() == 1);
    running.signal(Signal::KILL);
    assert_eq!(running.wait(), None);
    let lines = lines(&audit);
    assert_eq!(
        (lines.first().map(String::as_str), lines.last().map(String::as_str)),
        (Some("run begin"), Some("backup.start begin")),
        "{lines:?}"
    );
}

#[test]
fn a_command_that_is_interrupted_says_what_it_has_abandoned() {
    let fixture = Fixture::with(ENDLESS);
    let audit = fixture.path("audit.jsonl");
    fixture.inject(Route::StartBackup, Fault::Latency(Duration::from_secs(600)), Repeat::Always);
    let mut running = Process::spawn(fixture.backup_run(&["--audit", audit.to_str().unwrap()]));
    wait_until("the start has been sent", || fixture.starts() == 1);
    running.signal(Signal::INT);
    running.wait();
    assert!(lines(&audit).ends_with(&["backup.start begin", "backup.start end", "run end"].map(String::from)));
    assert_eq!(fs::read_to_string(&audit).unwrap().matches(r#""outcome":"abandoned""#).count(), 2);
}
