//! Each kind of error that an operation can give, and its exact text.

use agentapi_host::{Error, Route, error_chain};
use agentapi_scripted_agent::{Answer, Delivery, Opening};

use crate::support::{client_of, host, host_with_short_deadline, json, perform, start_scripted, target_at, target_of};

/// The kinds of error that every operation can give, each with an answer that causes it.
fn failures() -> Vec<(&'static str, Answer)> {
    let answer = |body: &str| Answer::new(200, body);
    vec![
        ("unreachable", answer("").opening(Opening::Refused)),
        ("tls", answer("").opening(Opening::Garbage)),
        ("interrupted", answer("").delivery(Delivery::CloseBeforeResponse)),
        ("deadline", answer("").delivery(Delivery::Hang)),
        ("http-status", Answer::new(500, r#"{"ok":false,"error":"no"}"#)),
        ("response-too-large", answer(&" ".repeat(1024 * 1024 + 1))),
        ("bad-envelope", answer("<html>")),
        ("agent", answer(r#"{"ok":false,"error":"busy"}"#)),
        ("decode", answer(r#"{"ok":true,"data":{"vmid":"x"}}"#)),
    ]
}

#[tokio::test]
async fn every_operation_gives_every_kind_of_error() {
    for route in Route::ALL {
        for (kind, answer) in failures() {
            // An assignment returns nothing, so the data of its answer is not read.
            if (kind, route) == ("decode", Route::AssignDisk) {
                continue;
            }
            let peer = start_scripted([answer]).await;
            let host = if kind == "deadline" { host_with_short_deadline() } else { host() };
            let client = host.agent(target_of(&peer)).unwrap();
            let error = perform(&client, route).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{route}: {error:?}");
        }
        let peer = start_scripted([Answer::new(200, "")]).await;
        let client = host().agent(target_at(peer.port(), [peer.other_fingerprint()])).unwrap();
        assert_eq!(perform(&client, route).await.unwrap_err().kind(), "pin-mismatch", "{route}");
    }
}

async fn text_of(answer: Answer) -> String {
    let peer = start_scripted([answer]).await;
    let client = host_with_short_deadline().agent(target_of(&peer)).unwrap();
    let error = client.storage().await.unwrap_err();
    error_chain(&error).replace(&peer.port().to_string(), "PORT")
}

#[tokio::test]
async fn the_texts_say_what_happened() {
    let cases = [
        ("unreachable", "127.0.0.1:PORT cannot be reached: Connection refused (os error 111)"),
        ("tls", "TLS with 127.0.0.1:PORT failed: received corrupt message of type InvalidContentType"),
        (
            "interrupted",
            "GET /storage: the connection to 127.0.0.1:PORT broke before the whole answer was there: connection closed \
             before message completed",
        ),
        ("deadline", "no answer within 1000 ms: the time was over while waiting for the answer to begin"),
        ("http-status", "GET /storage: HTTP 500: no"),
        ("response-too-large", "the answer is larger than 1048576 bytes"),
        ("bad-envelope", "the answer is not the agent's envelope: expected value at line 1 column 1"),
        ("agent", "busy"),
        (
            "decode",
            "the answer's data has another shape than documented: data: vmid: expected a 64-bit integer, found a string (\"x\")",
        ),
    ];
    for ((kind, answer), (expected_kind, text)) in failures().into_iter().zip(cases) {
        assert_eq!((kind, text_of(answer).await.as_str()), (expected_kind, text));
    }
}

#[tokio::test]
async fn as_json_an_error_is_its_kind_message_and_what_it_carries() {
    let answers = [
        Answer::new(500, ""),
        Answer::new(200, r#"{"ok":false,"error":"busy"}"#),
        Answer::new(403, r#"{"ok":false,"data":{"device":"/dev/sda"}}"#),
    ];
    let (client, _peer) = client_of(answers).await;
    let error = json(&client.storage().await.unwrap_err());
    assert_eq!(error.to_string(), r#"{"kind":"http-status","message":"GET /storage: HTTP 500","status":500}"#);
    let error = json(&client.storage().await.unwrap_err());
    assert_eq!(error.to_string(), r#"{"kind":"agent","message":"busy"}"#);
    let error = perform(&client, Route::FormatDisk).await.unwrap_err();
    assert!(matches!(error, Error::FormatRefused(_)));
    assert_eq!(json(&error)["kind"], "format-refused");
    assert_eq!(json(&error)["value"]["device"], "/dev/sda");
    assert_eq!(json(&error)["value"]["data_bearing"], true);
}
