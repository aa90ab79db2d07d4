//! `agentapi check`: its exit status, its first line, and that both are there whatever goes wrong.

use serde_json::json;

use crate::support::{Fixture, ZEROS, command, one_line_of_json, run};

const WELL: &str = "[backup]\ndue = false\n[[storage_targets]]\nname = \"a\"\nreachable = true\ntotal_bytes = 10\n";

/// The status and the first line of a check.
fn check(fixture: &Fixture, arguments: &[&str]) -> (Option<i32>, String) {
    let outcome = run(fixture.command(&[&["check"], arguments].concat()));
    assert_eq!(outcome.stderr, "", "a monitoring program reads stdout alone");
    (outcome.status, outcome.stdout.lines().next().unwrap().into())
}

#[test]
fn the_status_is_that_of_monitoring_plugins() {
    let ok = "OK - guest 101 on pve: 3 mounts, 4 disks, 1 storage target, no backup due";
    assert_eq!(check(&Fixture::with(WELL), &[]), (Some(0), ok.into()));
    let due = Fixture::with(&WELL.replace("due = false", "reason = \"26h ago\""));
    assert_eq!(check(&due, &[]), (Some(1), "WARNING - a backup of guest 101 is due: 26h ago".into()));
    let full = Fixture::with(&format!("{WELL}used_fraction = 0.96\n"));
    assert_eq!(check(&full, &[]), (Some(2), "CRITICAL - a: used: 96.0% (from 95.0% on)".into()));
    let silent = Fixture::with(&format!("faults = [\"disks:status=503\"]\n{WELL}"));
    assert_eq!(check(&silent, &[]), (Some(3), "UNKNOWN - GET /disks: HTTP 503: injected fault".into()));
}

#[test]
fn an_agent_that_cannot_be_asked_is_unknown_and_said_once_on_stdout() {
    let fixture = Fixture::start();
    let (status, line) = check(&fixture, &["--fingerprint", ZEROS]);
    assert_eq!(status, Some(3));
    assert!(line.starts_with("UNKNOWN - the certificate of 127.0.0.1:"), "{line}");
    let (status, line) = check(&fixture, &["--endpoint", "https://agent"]);
    assert_eq!(status, Some(3));
    assert!(line.starts_with("UNKNOWN - endpoint: "), "{line}");
    assert_eq!(run(fixture.command(&["check", "--endpoint", "127.0.0.1:1"])).stdout.lines().count(), 1);
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn wrong_usage_is_unknown_because_2_would_be_critical() {
    for arguments in [&["check", "--nonsense"][..], &["check", "--log", "a=b=c"], &["check"]] {
        assert_eq!(run(command(arguments)).status, Some(3), "{arguments:?}");
    }
    assert_eq!(run(command(&["check", "--help"])).status, Some(0));
    assert_eq!(run(command(&["policy", "check", "--nonsense"])).status, Some(2));
}

#[test]
fn a_failed_backup_is_critical() {
    let fixture = Fixture::with(&WELL.replace("due = false", "due = false\nduration_ms = 0\nfailure = \"no space\""));
    fixture.succeed(&["backup", "start"]);
    assert_eq!(check(&fixture, &[]), (Some(2), "CRITICAL - backup bk-101-1 of guest 101 failed: no space".into()));
}

#[test]
fn json_has_the_same_for_programs() {
    let fixture = Fixture::with(&format!("{WELL}used_fraction = 0.96\n"));
    let outcome = run(fixture.command(&["check", "--json"]));
    assert_eq!(outcome.status, Some(2));
    let text = "a: used: 96.0% (from 95.0% on)";
    let finding = json!({
        "severity": "critical", "what": "target-full", "where": "a", "text": text, "measured": 0.96, "threshold": 0.95,
    });
    let expected = json!({ "status": "critical", "summary": text, "findings": [finding] });
    assert_eq!(one_line_of_json(&outcome.stdout), expected);
    let down = run(fixture.command(&["check", "--json", "--endpoint", "127.0.0.1:1"]));
    assert_eq!((down.status, &one_line_of_json(&down.stdout)["status"]), (Some(3), &json!("unknown")));
}
