//! Promise 7: a POST is never sent twice; a GET on a kept-alive connection that the agent closed succeeds.

use std::time::Duration;

use agentapi_host::{Error, Route};
use agentapi_scripted_agent::{Answer, Delivery};

use crate::support::{JOB, STORAGE, client_of, perform};

/// An answer after which the agent closes the connection without having said so.
fn then_closed(body: &str) -> Answer {
    Answer::new(200, body).delivery(Delivery::CloseBeforeRequest)
}

/// No answer: the agent reads the request and closes the connection.
fn dropped() -> Answer {
    Answer::new(200, STORAGE).delivery(Delivery::CloseBeforeResponse)
}

#[tokio::test]
async fn a_post_on_a_connection_closed_before_the_request_is_sent_once() {
    let (client, peer) = client_of([Answer::new(200, JOB), then_closed(JOB), Answer::new(200, JOB)]).await;
    for _ in 0..20 {
        match client.start_backup().await {
            // Either the close was seen in time, and a new connection was made, or the call says that it does not know.
            Ok(job) => assert_eq!(job.job_id, "bk-101-1"),
            Err(error) => assert_eq!(error.kind(), "interrupted"),
        }
    }
    assert!(peer.requests().len() <= 20, "{} requests of 20 calls", peer.requests().len());
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
    let (client, peer) = client_of([then_closed(STORAGE)]).await;
    for _ in 0..20 {
        client.storage().await.unwrap();
    }
    assert_eq!(peer.requests().len(), 20);
}

#[tokio::test]
async fn a_get_is_sent_again_once_and_only_on_a_kept_alive_connection() {
    let (client, peer) = client_of([Answer::new(200, STORAGE), dropped(), Answer::new(200, STORAGE)]).await;
    client.storage().await.unwrap();
    client.storage().await.unwrap();
    assert_eq!(peer.requests().len(), 3, "the second call was sent again");

    let (client, peer) = client_of([dropped(), Answer::new(200, STORAGE)]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted", "a new connection is no stale one");
    assert_eq!(peer.requests().len(), 1);

    let (client, peer) = client_of([Answer::new(200, STORAGE), dropped()]).await;
    client.storage().await.unwrap();
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted");
    assert_eq!(peer.requests().len(), 3, "twice is enough");
}

#[tokio::test]
async fn no_post_is_sent_again_whatever_it_asks_for() {
    for route in [Route::StartBackup, Route::AssignDisk, Route::EjectDisk, Route::FormatDisk] {
        let (client, peer) = client_of([Answer::new(200, STORAGE), dropped(), Answer::new(200, JOB)]).await;
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
    let (client, peer) = client_of([slow(), slow(), slow(), dropped()]).await;
    let (first, second, third) = tokio::join!(client.storage(), client.storage(), client.storage());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(peer.connections(), 3);
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted");
    assert_eq!(peer.requests().len(), 5);
}
