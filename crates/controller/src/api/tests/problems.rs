//! What is wrong is told as problem JSON, whoever finds it.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::from_fn;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::{Fixture, send};
use crate::api::body::{self, MAX_BYTES};

#[tokio::test]
async fn what_is_wrong_is_told_as_a_problem() {
    let fixture = Fixture::new().await;
    for (method, path, body, status, kind) in [
        (Method::GET, "/v1/nothing", "", 404, "not-found"),
        (Method::DELETE, "/v1/runs", "", 405, "method-not-allowed"),
        (Method::GET, "/v1/runs/7", "", 404, "not-found"),
        (Method::GET, "/v1/runs/x", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?limit=x", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?colour=red", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?state=finished", "", 400, "invalid-argument"),
        (Method::POST, "/v1/runs/7/stop", "", 409, "conflict"),
        (Method::POST, "/v1/subjects/x/run", "", 404, "not-found"),
        (Method::POST, "/v1/agent/eject-disk", "{", 400, "invalid-argument"),
        (Method::POST, "/v1/agent/eject-disk", r#"{"where":"/mnt/none"}"#, 502, "http-status"),
    ] {
        let (found, problem) = fixture.ask(method, path, body).await;
        assert_eq!(
            (found.as_u16(), &problem["kind"], &problem["status"]),
            (status, &json!(kind), &json!(status)),
            "{path}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn methods_media_types_and_lengths_are_refused_with_what_would_be_right() {
    let fixture = Fixture::new().await;
    let main = &fixture.sockets.main;
    let ((_, problem), headers) = send(main, Method::POST, "/v1/runs", &[], "").await;
    assert_eq!((&problem["kind"], headers["allow"].to_str().unwrap()), (&json!("method-not-allowed"), "GET,HEAD"));
    assert_eq!(headers["content-type"], "application/problem+json");

    let body = r#"{"where":"/mnt"}"#;
    let ((_, problem), _) = send(main, Method::POST, "/v1/agent/eject-disk", &[], body).await;
    assert_eq!((&problem["status"], &problem["kind"]), (&json!(415), &json!("unsupported-media-type")));

    let body = format!(r#"{{"where":"{}"}}"#, "x".repeat(MAX_BYTES));
    for key in ["", "a"] {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let headers = if key.is_empty() { &headers[..1] } else { &headers };
        let ((_, problem), _) = send(main, Method::POST, "/v1/agent/eject-disk", headers, &body).await;
        assert_eq!((&problem["status"], &problem["kind"]), (&json!(413), &json!("too-large")), "{key}");
    }
}

/// The answer to these bytes: its first line, and the JSON of its body.
async fn answer_to(fixture: &Fixture, bytes: &[u8]) -> (String, Value) {
    let mut stream = UnixStream::connect(&fixture.sockets.main).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // What is not read of the request may reset the connection, after the answer.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_request_is_refused_after_its_body_was_read_so_that_its_sender_hears_why() {
    let fixture = Fixture::new().await;
    let body = "x".repeat(MAX_BYTES);
    let head = format!("POST /v1/agent/eject-disk HTTP/1.1\r\nhost: x\r\ncontent-length: {MAX_BYTES}\r\n\r\n");
    let mut stream = UnixStream::connect(&fixture.sockets.read_only).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Nothing is said, and the connection stays open, before all of it is there.
    for half in [&body[..MAX_BYTES / 2], &body[MAX_BYTES / 2..]] {
        let early = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(early.is_err(), "{early:?}");
        stream.write_all(half.as_bytes()).await.unwrap();
    }
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n") && answer.contains("\"kind\":\"denied\""), "{answer}");
}

#[tokio::test]
async fn a_body_that_never_comes_does_not_keep_its_connection() {
    let read = from_fn(|request, next| body::read(Duration::from_millis(10), request, next));
    let router = Router::new().fallback(async || "read").layer(read);
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = router.oneshot(Request::post("/").body(body).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn heads_that_cannot_be_read_are_refused_as_everything_else_is() {
    let fixture = Fixture::new().await;
    let long = format!("GET /v1/live HTTP/1.1\r\na: {}", "b".repeat(17 * 1024));
    let many = format!("GET /v1/live HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    for (bytes, status, kind) in [
        (long.as_str(), 431, "head-too-large"),
        (&many, 431, "head-too-large"),
        ("GET /v1/live SMTP\r\n\r\n", 400, "invalid-argument"),
        ("\u{1}\u{2}\r\n\r\n", 400, "invalid-argument"),
    ] {
        let (line, problem) = answer_to(&fixture, bytes.as_bytes()).await;
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
        assert_eq!((&problem["kind"], &problem["status"]), (&json!(kind), &json!(status)), "{problem}");
    }
    // The head before it was answered: what is refused is the second one of the connection.
    let mut stream = UnixStream::connect(&fixture.sockets.main).await.unwrap();
    stream.write_all(b"GET /v1/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    let mut rest = String::new();
    let _ = stream.read_to_string(&mut rest).await;
    assert!(rest.contains("\"kind\":\"invalid-argument\""), "{rest}");
}

#[tokio::test]
async fn what_a_format_without_a_confirmation_needs_is_told() {
    let fixture = Fixture::new().await;
    let disks = fixture.get("/v1/agent/disks").await.1["disks"].clone();
    let disk = disks.as_array().unwrap().iter().find(|disk| disk["role"] == "user-data").unwrap();
    let body = json!({ "device": disk["backing_device"], "fstype": "ext4", "durable_id": disk["durable_id"] });
    let (_, problem) = fixture.ask(Method::POST, "/v1/agent/format-disk", &body.to_string()).await;
    assert_eq!((&problem["status"], &problem["kind"]), (&json!(409), &json!("needs-confirmation")));
    assert_eq!(problem["value"]["durable_id"], disk["durable_id"]);
    assert_eq!(fixture.get("/v1/agent/disks").await.1["disks"], disks, "nothing was wiped");
}

#[tokio::test]
async fn an_event_says_who_has_had_the_agent_act_and_how_it_went() {
    let fixture = Fixture::new().await;
    let headers = [("content-type", "application/json")];
    for place in ["/mnt/none", "/mnt/felhom/media"] {
        let body = json!({ "where": place }).to_string();
        let _ = send(&fixture.sockets.main, Method::POST, "/v1/agent/eject-disk", &headers, &body).await;
    }
    // What was posted before is written by now.
    fixture.store.writer().write(|_| Ok(())).await.unwrap();
    let (_, events) = fixture.get("/v1/events").await;
    let told: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| &event["text"]).collect();
    let (uid, pid) = (rustix::process::getuid().as_raw(), std::process::id());
    let asked = format!("user {uid} (process {pid}) has asked to eject the disk at ");
    let [none, media] = &told[..] else { panic!("{told:?}") };
    assert!(none.as_str().unwrap().starts_with(&format!("{asked}/mnt/none: not done: ")), "{none}");
    assert_eq!(media, &&json!(format!("{asked}/mnt/felhom/media: done")));
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["kind"] == "agent-asked"), "{events}");
}
