//! Never twice: a POST is not sent again once it can have arrived; a GET on an idle connection that the agent has
//! closed is.

use std::time::Duration;

use agentapi_host::{Error, Route};
use agentapi_scripted_agent::{Answer, Delivery};

use crate::support::{JOB, STORAGE, client_of, perform};

/// An answer after which the agent closes a connection that it promised to keep.
fn answer_and_close(body: &str) -> Answer {
    Answer::new(200, body).delivery(Delivery::CloseBeforeRequest)
}

/// No answer: the agent reads the request and closes the connection.
fn close_unanswered() -> Answer {
    Answer::new(200, STORAGE).delivery(Delivery::CloseBeforeResponse)
}

#[tokio::test]
async fn a_post_on_a_connection_closed_before_the_request_is_sent_once() {
    const CALLS: usize = 20;
    // Every second answer closes its connection, and a call can only be interrupted by the close before it, so that
    // half of them succeed in any case. The client mostly sees the close in time, and makes a new connection.
    const MIN_SUCCESSES: usize = CALLS * 3 / 4;
    let answers = (0..CALLS / 2).flat_map(|_| [Answer::new(200, JOB), answer_and_close(JOB)]);
    let (client, peer) = client_of(answers).await;
    let mut kinds = Vec::new();
    for _ in 0..CALLS {
        kinds.push(match client.start_backup().await {
            Ok(job) if job.job_id == "bk-101-1" => "ok",
            Ok(_) => "another job",
            Err(error) => error.kind(),
        });
    }
    let successes = kinds.iter().filter(|kind| **kind == "ok").count();
    let interrupted = kinds.iter().filter(|kind| **kind == "interrupted").count();
    assert_eq!(kinds[0], "ok", "the first call has a new connection");
    assert_eq!(successes + interrupted, CALLS, "{kinds:?}");
    assert!(successes >= MIN_SUCCESSES, "{successes} of {CALLS} calls succeeded: {kinds:?}");
    // An interrupted POST was sent on a connection that the agent no longer read, so each request is one of a success.
    assert_eq!(peer.requests().len(), successes, "{kinds:?}");
}

#[tokio::test]
async fn a_post_whose_connection_breaks_after_the_request_is_not_sent_again() {
    let deliveries = [
        Delivery::CloseBeforeResponse,
        Delivery::CloseMidHeaders,
        Delivery::Reset,
        Delivery::ResetMidBody,
        Delivery::TruncateBody,
    ];
    for delivery in deliveries {
        let answers = [Answer::new(200, STORAGE), Answer::new(200, JOB).delivery(delivery), Answer::new(200, JOB)];
        let (client, peer) = client_of(answers).await;
        client.storage().await.unwrap();
        let error = client.start_backup().await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{delivery:?}: {error:?}");
        assert_eq!(peer.requests().len(), 2, "{delivery:?}");
        assert_eq!(client.start_backup().await.unwrap().job_id, "bk-101-1", "{delivery:?}: the next call works");
        assert_eq!(peer.requests().len(), 3, "{delivery:?}");
    }
}

#[tokio::test]
async fn a_get_on_a_connection_that_the_agent_closed_succeeds() {
    let (client, peer) = client_of([answer_and_close(STORAGE)]).await;
    for _ in 0..20 {
        client.storage().await.unwrap();
    }
    assert_eq!(peer.requests().len(), 20);
}

#[tokio::test]
async fn a_get_is_sent_again_once_and_only_on_a_kept_alive_connection() {
    let (client, peer) = client_of([Answer::new(200, STORAGE), close_unanswered(), Answer::new(200, STORAGE)]).await;
    client.storage().await.unwrap();
    client.storage().await.unwrap();
    assert_eq!(peer.requests().len(), 3, "the second call was sent again");

    let (client, peer) = client_of([close_unanswered(), Answer::new(200, STORAGE)]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted", "a new connection is no stale one");
    assert_eq!(peer.requests().len(), 1);

    let (client, peer) = client_of([Answer::new(200, STORAGE), close_unanswered()]).await;
    client.storage().await.unwrap();
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted");
    assert_eq!(peer.requests().len(), 3, "sent again once, not twice");
}

#[tokio::test]
async fn no_post_is_sent_again_whatever_it_asks_for() {
    for route in [Route::StartBackup, Route::AssignDisk, Route::EjectDisk, Route::FormatDisk] {
        let (client, peer) = client_of([Answer::new(200, STORAGE), close_unanswered(), Answer::new(200, JOB)]).await;
        client.storage().await.unwrap();
        assert_eq!(perform(&client, route).await.unwrap_err().kind(), "interrupted", "{route}");
        assert_eq!(peer.requests().len(), 2, "{route}");
    }
}

#[tokio::test]
async fn a_get_whose_answer_breaks_off_is_not_sent_again() {
    for delivery in [Delivery::TruncateBody, Delivery::ResetMidBody] {
        let broken = Answer::new(200, STORAGE).delivery(delivery);
        let (client, peer) = client_of([Answer::new(200, STORAGE), broken, Answer::new(200, STORAGE)]).await;
        client.storage().await.unwrap();
        assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted", "{delivery:?}");
        assert_eq!(peer.requests().len(), 2, "{delivery:?}");
    }
}

#[tokio::test]
async fn a_get_is_sent_again_once_however_many_connections_are_stale() {
    let slow = || Answer::new(200, STORAGE).delivery(Delivery::Drip(Duration::from_millis(1)));
    let (client, peer) = client_of([slow(), slow(), slow(), close_unanswered()]).await;
    let (first, second, third) = tokio::join!(client.storage(), client.storage(), client.storage());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(peer.connections(), 3);
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted");
    assert_eq!(peer.requests().len(), 5);
}
