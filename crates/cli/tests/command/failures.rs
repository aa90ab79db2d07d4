//! What is said when it does not work.

use serde_json::json;

use crate::support::{Fixture, one_line_of_json, run};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_wrong_fingerprint_is_shown_beside_the_right_one_and_the_agent_sees_nothing() {
    let fixture = Fixture::start();
    let said = fixture.not_done(&["storage", "--fingerprint", ZEROS]);
    let (endpoint, presented) = (fixture.agent.endpoint(), fixture.agent.fingerprint());
    let expected = format!(
        "error: the certificate of {endpoint} is not the pinned one; nothing was sent: compare out of band with \
         `agentapi fingerprint {endpoint}`; if the certificate was renewed, give the new fingerprint as a second \
         --fingerprint\n  caused by: expected fingerprint {}, presented {presented}\n",
        ["00"; 32].join(":")
    );
    assert_eq!(said, expected);
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn a_wrong_pin_is_also_logged_where_a_filter_asks_for_warnings() {
    let fixture = Fixture::start();
    for filter in [&["--log", "warn"][..], &["-v"]] {
        let said = fixture.not_done(&[&["storage", "--fingerprint", ZEROS], filter].concat());
        assert_eq!(said.matches("WARN").count(), 1, "{said}");
        assert!(said.contains("the agent is not the pinned one"), "{said}");
    }
}

#[test]
fn an_agent_that_is_down_is_asked_after() {
    let fixture = Fixture::start();
    let (endpoint, command) = (fixture.agent.endpoint(), fixture.command(&["backup", "due"]));
    fixture.stop();
    let ended = run(command);
    assert_eq!(ended.status, Some(1));
    let (first, causes) = ended.stderr.split_once('\n').unwrap();
    let expected = format!("error: {endpoint} cannot be reached; is the agent running, and is the endpoint right?");
    assert_eq!(first, expected);
    assert!(causes.starts_with("  caused by: Connection refused"), "{causes}");
}

#[test]
fn a_wrong_token_is_suspected_where_the_agent_says_401() {
    let fixture = Fixture::start();
    let mut command = fixture.command(&["storage"]);
    command.env("AGENTAPI_TOKEN", "another-token");
    let ended = run(command);
    let expected = "error: GET /storage: HTTP 401; check the token: is it this guest's, and still valid?\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), expected));
}

#[test]
fn a_late_answer_ends_at_the_deadline() {
    let fixture = Fixture::with(r#"faults = ["any:latency=60000"]"#);
    let said = fixture.not_done(&["backup", "start", "--deadline-ms", "2000"]);
    assert!(said.starts_with("error: no answer within 2000 ms: the time was over while waiting"), "{said}");
    assert!(said.contains("; the agent may have acted: look before you repeat"), "{said}");
}

#[test]
fn a_broken_answer_to_a_post_says_to_look_first() {
    let fixture = Fixture::with(r#"faults = ["start-backup:half-body"]"#);
    let said = fixture.not_done(&["backup", "start"]);
    assert!(said.starts_with("error: POST /backup: the connection to 127.0.0.1:"), "{said}");
    assert!(said.contains("the agent may have acted: see `agentapi backup status` before you repeat it\n"), "{said}");
    assert!(said.contains("\n  caused by: "), "{said}");
}

#[test]
fn a_component_that_cannot_be_read_is_named() {
    let said = Fixture::start().not_done(&["storage", "--component", "/nonexistent.wasm"]);
    assert!(
        said.contains("\n  caused by: the component /nonexistent.wasm cannot be read\n  caused by: No such"),
        "{said}"
    );
}

#[test]
fn with_json_an_error_is_one_object_on_stderr() {
    let fixture = Fixture::with(r#"faults = ["storage:status=503"]"#);
    let error = json!({"kind": "http-status", "message": "GET /storage: HTTP 503", "status": 503});
    assert_eq!(one_line_of_json(&fixture.not_done(&["storage", "--json"])), error);
    let error = one_line_of_json(&fixture.not_done(&["disks", "list", "--json", "--fingerprint", ZEROS]));
    assert_eq!(error["kind"], "pin-mismatch");
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("is not the pinned one: expected fingerprint 00:00"), "{text}");
}

#[test]
fn any_of_several_fingerprints_may_match() {
    let fixture = Fixture::start();
    let pin = fixture.agent.fingerprint().to_string();
    fixture.done(&["storage", "--fingerprint", ZEROS, "--fingerprint", &pin]);
    let mut command = fixture.command(&["storage"]);
    command.env("AGENTAPI_FINGERPRINT", format!("{ZEROS},{pin}"));
    assert_eq!(run(command).status, Some(0));
}
