//! What people and Prometheus are told: findings, notices, metrics.

use std::path::PathBuf;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Fixture;
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};

#[tokio::test]
async fn findings_are_listed_and_stand_in_the_status_also_while_the_store_is_parked() {
    let fixture = Fixture::new().await;
    let (kind, severity) = (FindingKind::NoSuccess, Severity::Critical);
    let since = "2026-11-26T10:00:00Z".parse().unwrap();
    let finding = Finding { kind, subject: "backup".into(), severity, since, text: "no success".into() };
    fixture.finder.send_replace(Arc::new(vec![finding]));
    let _parked = fixture.store.park();
    let expected = json!([{ "kind": "no-success", "subject": "backup", "severity": "critical",
        "since": "2026-11-26T10:00:00Z", "text": "no success" }]);
    assert_eq!(fixture.get("/v1/findings").await.1["findings"], expected);
    assert_eq!(fixture.get("/v1/status").await.1["findings"], expected);
}

#[tokio::test]
async fn a_test_message_is_delivered_or_it_is_said_why_not() {
    let fixture = Fixture::new().await;
    let listed = json!([{ "name": "works", "severity": "warning" }, { "name": "fails", "severity": "warning" }]);
    assert_eq!(fixture.get("/v1/notify").await.1["notify"], listed);
    let test = async |name: &str| fixture.ask(Method::POST, &format!("/v1/notify/{name}/test"), "").await;
    assert_eq!(test("works").await, (StatusCode::OK, json!({ "delivered": true })));
    let (status, problem) = test("fails").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::BAD_GATEWAY, &json!("not-delivered")));
    assert_eq!(problem["detail"], "sh ended with exit status: 3: no route");
    assert_eq!(test("nobody").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_are_open_to_the_read_only_socket_and_wait_for_no_store() {
    let fixture = Fixture::new().await;
    let _parked = fixture.store.park();
    let scraped = scrape(&fixture.sockets.read_only).await;
    assert!(scraped.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(scraped.contains("agentapi_runs_total{subject=\"backup\",outcome=\"done\"} 0\n"), "{scraped}");
}

/// What Prometheus gets, with the head.
async fn scrape(socket: &PathBuf) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
