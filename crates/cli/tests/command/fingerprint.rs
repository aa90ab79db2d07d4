//! `agentapi fingerprint`.

use serde_json::json;

use crate::support::{Fixture, command, one_line_of_json, run};

#[test]
fn the_presented_certificate_is_shown_and_no_request_is_sent() {
    let fixture = Fixture::start();
    let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint().to_string());
    let outcome = run(command(&["fingerprint", &endpoint]));
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    for text in [&pin, &endpoint, "CN=mock host agent", "No request and no token were sent, and nothing is trusted"] {
        assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
    }
    let json = one_line_of_json(&run(command(&["fingerprint", &endpoint, "--json"])).stdout);
    assert_eq!((&json["fingerprint"], &json["endpoint"]), (&json!(pin), &json!(endpoint)));
    assert!(json["not_before"].as_str() < json["not_after"].as_str(), "{json}");
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn an_endpoint_that_is_down_or_no_endpoint_is_an_error() {
    let fixture = Fixture::start();
    let endpoint = fixture.agent.endpoint();
    fixture.stop();
    let outcome = run(command(&["fingerprint", &endpoint]));
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("cannot be reached; is the agent running"), "{outcome:?}");
    let outcome = run(command(&["fingerprint", "https://agent"]));
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.starts_with("error: endpoint: expected host"), "{outcome:?}");
}
