//! Idempotency keys: what has one is done once.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Fixture, send};
use crate::store::{RequestDigest, RequestKey};

const RUN: &str = "/v1/subjects/backup/run";
const EJECT: &str = "/v1/agent/eject-disk";

async fn runs(fixture: &Fixture) -> usize {
    fixture.get("/v1/runs").await.1["runs"].as_array().unwrap().len()
}

async fn wait_for_the_end(fixture: &Fixture, run: i64) {
    while fixture.get(&format!("/v1/runs/{run}")).await.1["state"] != "done" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_done_once() {
    let fixture = Fixture::new().await;
    let first = fixture.post(RUN, "a", "").await;
    assert_eq!(first, (StatusCode::OK, json!({ "run": 1 })));
    wait_for_the_end(&fixture, 1).await;
    assert_eq!(fixture.post(RUN, "a", "").await, first);
    assert_eq!(runs(&fixture).await, 1);
    assert_eq!(fixture.post(RUN, "b", "").await, (StatusCode::OK, json!({ "run": 2 })));
    // A refusal is an answer too.
    let stop = "/v1/runs/1/stop";
    let refused = fixture.post(stop, "c", "").await;
    assert_eq!((refused.0, &refused.1["kind"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert_eq!(fixture.post(stop, "c", "").await, refused);
}

#[tokio::test]
async fn another_request_with_a_key_that_was_used_is_refused() {
    let fixture = Fixture::new().await;
    fixture.post(EJECT, "a", r#"{"where":"/mnt/none"}"#).await;
    for (path, body) in [(EJECT, r#"{"where":"/mnt/other"}"#), (RUN, ""), ("/v1/subjects/backup/pause", "")] {
        let (status, problem) = fixture.post(path, "a", body).await;
        assert_eq!((status, &problem["kind"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key-reused")), "{path}");
    }
    assert_eq!(runs(&fixture).await, 0);
}

#[tokio::test]
async fn while_the_first_is_worked_on_the_second_is_told_so_and_afterwards_the_answer() {
    let fixture = Arc::new(Fixture::new().await);
    let parked = fixture.store.park();
    // What pauses is not held up by a freeze, and its answer comes when it is written down.
    let pause = "/v1/subjects/backup/pause";
    let first = tokio::spawn({
        let fixture = Arc::clone(&fixture);
        async move { fixture.post(pause, "a", "").await }
    });
    while fixture.get("/v1/status").await.1["subjects"][0]["is_paused"] != true {
        tokio::task::yield_now().await;
    }
    let (status, problem) = fixture.post(pause, "a", "").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::CONFLICT, &json!("in-progress")));
    let (status, problem) = fixture.post("/v1/subjects/backup/resume", "a", "").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key-reused")));
    drop(parked);
    let first = first.await.unwrap();
    assert_eq!(first, (StatusCode::OK, json!({ "changed": true })));
    assert_eq!(fixture.post(pause, "a", "").await, first);
}

#[tokio::test]
async fn what_acts_is_refused_while_nothing_can_be_written_down_and_its_key_stays_free() {
    let fixture = Fixture::new().await;
    let parked = fixture.store.park();
    for (path, body) in [(RUN, ""), (EJECT, r#"{"where":"/mnt/none"}"#), ("/v1/agent/start-backup", "")] {
        let (status, problem) = fixture.post(path, "a", body).await;
        assert_eq!((status, &problem["kind"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("frozen")), "{path}");
    }
    drop(parked);
    assert_eq!(fixture.post(RUN, "a", "").await, (StatusCode::OK, json!({ "run": 1 })));
}

/// As a controller leaves it that is killed between the two.
#[tokio::test]
async fn what_was_begun_by_a_controller_that_is_gone_is_not_done_again() {
    let fixture = Fixture::new().await;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(format!("POST\n{RUN}\n\n").as_bytes());
    let mut digest = RequestDigest::default();
    digest.copy_from_slice(context.finish().as_ref());
    let key = RequestKey { uid: rustix::process::getuid().as_raw(), key: "a".into() };
    fixture.store.writer().write(move |tx| tx.begin_request(Timestamp::now(), &key, &digest)).await.unwrap();
    let (status, problem) = fixture.post(RUN, "a", "").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::CONFLICT, &json!("outcome-unknown")), "{problem}");
    assert_eq!(runs(&fixture).await, 0);
}

#[tokio::test]
async fn a_hundred_at_once_with_one_key_are_one_run() {
    let fixture = Arc::new(Fixture::new().await);
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.post(RUN, "a", "").await.1 })
        })
        .collect();
    for answer in asking {
        let answer: Value = answer.await.unwrap();
        assert!(answer == json!({ "run": 1 }) || answer["kind"] == "in-progress", "{answer}");
    }
    wait_for_the_end(&fixture, 1).await;
    assert_eq!(runs(&fixture).await, 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_and_a_start_without_one_too() {
    let fixture = Fixture::new().await;
    for key in ["", "a b", "\u{e9}", &"x".repeat(129)] {
        let (status, problem) = fixture.post(RUN, key, "").await;
        assert_eq!((status, &problem["kind"]), (StatusCode::BAD_REQUEST, &json!("invalid-argument")), "{key}");
    }
    let two = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(send(&fixture.sockets.main, Method::POST, RUN, &two, "").await.0.0, StatusCode::BAD_REQUEST);
    assert_eq!(runs(&fixture).await, 0);

    let start = "/v1/agent/start-backup";
    assert_eq!(fixture.ask(Method::POST, start, "").await.0, StatusCode::BAD_REQUEST);
    let (status, job) = fixture.post(start, "s", "").await;
    assert_eq!((status, &job["phase"]), (StatusCode::OK, &json!("running")), "{job}");
    assert_eq!(fixture.post(start, "s", "").await, (status, job), "and not a second backup");
}
