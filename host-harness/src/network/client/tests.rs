//! What one client does with its kept-alive connections, and what its requests show.

use std::sync::Arc;

use agentapi_contract::Fingerprint;
use agentapi_mock::MockAgent;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use super::{Bytes, Client, Credentials, Deadline, Duration, Full, Permits, Pins, Route, SendRequest, StatusCode};
use crate::network::credentials::random_token;

const DEADLINE: Duration = Duration::from_secs(10);

fn client(endpoint: &str, token: &str, fingerprint: &str) -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let credentials = Credentials::new(token.parse().unwrap(), random_token(&provider).unwrap()).unwrap();
    let pins = Pins::from(fingerprint.parse::<Fingerprint>().unwrap());
    Client::new(endpoint.parse().unwrap(), pins, Arc::new(credentials), Permits::default(), provider).unwrap()
}

/// How long the task of a connection waits before it looks at it: far longer than the client gives it to see a FIN.
const UNNOTICED: Duration = Duration::from_millis(50);

/// A connection that its peer has closed. Its task sees that at the first look, which comes after a delay.
async fn closed_by_peer(look_after: Duration) -> SendRequest<Full<Bytes>> {
    let (near, far) = tokio::io::duplex(1024);
    let (mut sender, mut connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::select! {
        biased;
        _ = &mut connection => panic!("the connection has ended"),
        ready = sender.ready() => ready.unwrap(),
    }
    drop(far);
    tokio::spawn(async move {
        if !look_after.is_zero() {
            sleep(look_after).await;
        }
        connection.await
    });
    sender
}

/// Starts a backup with this idle connection at hand: how often it was sent, after it arrived once.
async fn attempts_of_a_post(idle: SendRequest<Full<Bytes>>) -> u32 {
    let agent = MockAgent::start().await.unwrap();
    let client = client(&agent.endpoint(), agent.token(), &agent.fingerprint().to_string());
    client.idle.keep(idle, 1);
    let exchange = client.exchange(Route::StartBackup, "{}".into(), Deadline::after(DEADLINE)).await;
    assert_eq!(exchange.outcome.ok().unwrap().status, StatusCode::ACCEPTED);
    assert!(!exchange.is_reused);
    assert_eq!((agent.connections(), agent.requests().len()), (1, 1));
    exchange.attempts
}

#[tokio::test]
async fn a_post_of_which_nothing_has_left_is_sent_on_a_new_connection() {
    assert_eq!(attempts_of_a_post(closed_by_peer(UNNOTICED).await).await, 2);
}

#[tokio::test]
async fn a_post_does_not_try_a_connection_whose_close_has_arrived() {
    assert_eq!(attempts_of_a_post(closed_by_peer(Duration::ZERO).await).await, 1);
}

#[test]
fn debug_text_of_a_request_does_not_show_the_token() {
    let client = client("agent", "guest-token", &"ab".repeat(32));
    let request = format!("{:?}", client.request(Route::Storage, Bytes::new()));
    assert!(request.contains("authorization") && !request.contains("guest-token"), "{request}");
}
