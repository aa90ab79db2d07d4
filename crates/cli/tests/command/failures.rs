//! The messages and exit statuses of commands that fail.

use serde_json::json;

#[cfg(target_os = "linux")]
use crate::support::streams::{Fault, Stream, with_fault};
use crate::support::{Fixture, ZEROS, one_line_of_json, run};

#[test]
fn a_wrong_fingerprint_is_shown_beside_the_right_one_and_the_agent_sees_nothing() {
    let fixture = Fixture::start();
    let message = fixture.fail(&["storage", "--fingerprint", ZEROS]);
    let (endpoint, presented) = (fixture.agent.endpoint(), fixture.agent.fingerprint());
    let expected = format!(
        "error: the certificate of {endpoint} is not the pinned one; nothing was sent: compare out of band with \
         `agentapi fingerprint {endpoint}`; if the certificate was renewed, give the new fingerprint as a second \
         --fingerprint\n  expected   {}\n  presented  {presented}\n",
        ["00"; 32].join(":")
    );
    assert_eq!(message, expected);
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn a_wrong_pin_is_also_logged_where_a_filter_asks_for_warnings() {
    let fixture = Fixture::start();
    for filter in [&["--log", "warn"][..], &["-v"]] {
        let message = fixture.fail(&[&["storage", "--fingerprint", ZEROS], filter].concat());
        assert_eq!(message.matches("WARN").count(), 1, "{message}");
        assert!(message.contains("the agent is not the pinned one"), "{message}");
    }
}

#[test]
fn an_agent_that_is_down_is_a_question_with_the_cause_below() {
    let fixture = Fixture::start();
    let (endpoint, command) = (fixture.agent.endpoint(), fixture.command(&["backup", "due"]));
    fixture.stop();
    let outcome = run(command);
    assert_eq!(outcome.status, Some(1));
    let (first, causes) = outcome.stderr.split_once('\n').unwrap();
    let expected = format!("error: {endpoint} cannot be reached; is the agent running, and is the endpoint right?");
    assert_eq!(first, expected);
    assert!(causes.starts_with("  caused by: Connection refused"), "{causes}");
}

#[test]
fn a_wrong_token_is_suspected_where_the_agent_says_401() {
    let fixture = Fixture::start();
    let mut command = fixture.command(&["storage"]);
    command.env("AGENTAPI_TOKEN", "another-token");
    let outcome = run(command);
    let expected = "error: GET /storage: HTTP 401: missing or wrong bearer token; check the token: is it this \
                    guest's, and still valid?\n";
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), expected));
}

#[test]
fn a_call_without_an_answer_ends_at_the_deadline() {
    let fixture = Fixture::with(r#"faults = ["any:latency=60000"]"#);
    let message = fixture.end_with(5, &["backup", "start", "--deadline-ms", "2000"]);
    assert!(message.starts_with("error: no answer within 2000 ms: the time was over while waiting"), "{message}");
    assert!(message.contains("; the agent may have acted: look before you repeat"), "{message}");
}

#[test]
fn a_deadline_may_stand_in_the_environment() {
    let fixture = Fixture::with(r#"faults = ["any:latency=60000"]"#);
    let with_deadline = |text: &str, arguments: &[&str]| {
        let mut command = fixture.command(arguments);
        command.env("AGENTAPI_DEADLINE_MS", text);
        run(command)
    };
    let ended = with_deadline("1500", &["backup", "start"]);
    assert!(ended.stderr.starts_with("error: no answer within 1500 ms"), "{ended:?}");
    let ended = with_deadline("60000", &["backup", "start", "--deadline-ms", "1400"]);
    assert!(ended.stderr.starts_with("error: no answer within 1400 ms"), "{ended:?}");
    for wrong in ["", "0", "1.5", "15s", "86400001"] {
        let outcome = with_deadline(wrong, &["storage"]);
        let expected =
            format!("AGENTAPI_DEADLINE_MS: expected a number of 1 to 86400000, found {wrong:?}; nothing was sent\n");
        assert!(outcome.status == Some(2) && outcome.stderr.ends_with(&expected), "{outcome:?}");
    }
}

#[test]
fn a_broken_answer_to_a_post_says_to_look_first() {
    let fixture = Fixture::with(r#"faults = ["start-backup:half-body"]"#);
    let message = fixture.end_with(5, &["backup", "start"]);
    assert!(message.starts_with("error: POST /backup: the connection to 127.0.0.1:"), "{message}");
    assert!(
        message.contains("the agent may have acted: see `agentapi backup status` before you repeat it\n"),
        "{message}"
    );
    assert!(message.contains("\n  caused by: "), "{message}");
}

#[test]
fn only_a_call_that_may_have_changed_something_ends_unknown() {
    let fixture = Fixture::with(r#"faults = ["any:status=503"]"#);
    let format = ["disks", "format", "/dev/sdb1", "--fstype", "ext4"];
    let acting: [&[&str]; 4] = [
        &["backup", "start"],
        &["disks", "eject", "/mnt/x"],
        &["disks", "assign", "u", "/x", "--fstype", "ext4"],
        &format,
    ];
    for arguments in acting {
        assert!(fixture.end_with(5, arguments).contains("may have acted"), "{arguments:?}");
    }
    for arguments in [&["backup", "status"][..], &["backup", "due"], &["disks", "list"], &["storage"], &["metrics"]] {
        fixture.end_with(1, arguments);
    }
    // The agent's own answer that it does not do it, and a request of which nothing was sent.
    let refusing = Fixture::with(r#"faults = ["any:status=409"]"#);
    refusing.end_with(1, &["backup", "start"]);
    refusing.end_with(1, &["backup", "start", "--fingerprint", ZEROS]);
}

#[test]
fn a_component_that_cannot_be_read_is_named() {
    let message = Fixture::start().fail(&["storage", "--component", "/nonexistent.wasm"]);
    assert!(
        message.contains("\n  caused by: the component /nonexistent.wasm cannot be read\n  caused by: No such"),
        "{message}"
    );
}

#[test]
fn with_json_an_error_is_one_object_on_stderr() {
    let fixture = Fixture::with(r#"faults = ["storage:status=503"]"#);
    let error = json!({"kind": "http-status", "message": "GET /storage: HTTP 503: injected fault", "status": 503});
    assert_eq!(one_line_of_json(&fixture.fail(&["storage", "--json"])), error);
    let error = one_line_of_json(&fixture.fail(&["disks", "list", "--json", "--fingerprint", ZEROS]));
    assert_eq!(error["kind"], "pin-mismatch");
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("is not the pinned one: expected fingerprint 00:00"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stderr_that_cannot_be_written_changes_no_exit_status() {
    let fixture = Fixture::with("backup.duration_ms = 0");
    let cases: [(&[&str], i32); 6] = [
        (&["storage", "-vvv"], 0),
        (&["backup", "run", "--even-if-not-due", "--poll-ms", "10"], 0),
        (&["storage", "--fingerprint", ZEROS, "-v"], 1),
        (&["storage", "--fingerprint", ZEROS, "--json"], 1),
        (&["disks", "format", "/dev/sdc1", "--fstype", "ext4"], 1),
        (&["storage", "--nonsense"], 2),
    ];
    for (arguments, status) in cases {
        for fault in [Fault::BrokenPipe, Fault::FullDisk] {
            let command = with_fault(fixture.command(arguments), Stream::Stderr, fault);
            assert_eq!(run(command).status, Some(status), "{arguments:?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_stdout_is_no_failure() {
    let fixture = Fixture::start();
    for arguments in [&["storage"][..], &["disks", "list", "--json"], &["--help"], &["demo"]] {
        let outcome = run(with_fault(fixture.command(arguments), Stream::Stdout, Fault::BrokenPipe));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn any_of_several_fingerprints_may_match() {
    let fixture = Fixture::start();
    let pin = fixture.agent.fingerprint().to_string();
    fixture.succeed(&["storage", "--fingerprint", ZEROS, "--fingerprint", &pin]);
    let mut command = fixture.command(&["storage"]);
    command.env("AGENTAPI_FINGERPRINT", format!("{ZEROS},{pin}"));
    assert_eq!(run(command).status, Some(0));
}
