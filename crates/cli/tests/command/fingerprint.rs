//! `agentapi fingerprint`.

use serde_json::json;

use crate::support::{Fixture, command, one_line_of_json, run};

#[test]
fn it_shows_the_certificate_and_sends_no_request() {
    let fixture = Fixture::start();
    let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint().to_string());
    let ended = run(command(&["fingerprint", &endpoint]));
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    for text in [&pin, &endpoint, "CN=mock host agent", "No request and no token were sent, and nothing is trusted"] {
        assert!(ended.stdout.contains(text), "{text}: {}", ended.stdout);
    }
    let json = one_line_of_json(&run(command(&["fingerprint", &endpoint, "--json"])).stdout);
    assert_eq!((&json["fingerprint"], &json["endpoint"]), (&json!(pin), &json!(endpoint)));
    assert!(json["not_before"].as_str() < json["not_after"].as_str(), "{json}");
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn it_says_why_there_is_nothing_to_show() {
    let fixture = Fixture::start();
    let endpoint = fixture.agent.endpoint();
    fixture.stop();
    let ended = run(command(&["fingerprint", &endpoint]));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("cannot be reached; is the agent running"), "{ended:?}");
    let ended = run(command(&["fingerprint", "https://agent"]));
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.starts_with("error: endpoint: expected host"), "{ended:?}");
}
