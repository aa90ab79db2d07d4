//! What one client does with its kept-alive connections, and what its requests show.

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::*;
use crate::network::credentials::random_token;
use agentapi_mock::MockAgent;

const DEADLINE: Duration = Duration::from_secs(10);

fn client(endpoint: &str, token: &str, fingerprint: &str) -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let credentials = Credentials::new(token.parse().unwrap(), random_token(&provider).unwrap()).unwrap();
    let pins = Pins::from(fingerprint.parse::<agentapi_contract::Fingerprint>().unwrap());
    Client::new(endpoint.parse().unwrap(), pins, Arc::new(credentials), Permits::default(), provider).unwrap()
}

/// A connection that its peer has closed, which nobody has noticed yet.
async fn closed_unnoticed() -> SendRequest<Full<Bytes>> {
    let (near, far) = tokio::io::duplex(1024);
    let (mut sender, mut connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::select! {
        biased;
        _ = &mut connection => panic!("the connection has ended"),
        ready = sender.ready() => ready.unwrap(),
    }
    drop(far);
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn a_post_of_which_nothing_has_left_is_sent_on_a_new_connection() {
    let agent = MockAgent::start().await.unwrap();
    let client = client(&agent.endpoint(), agent.token(), &agent.fingerprint().to_string());
    client.idle.keep(closed_unnoticed().await, 1);
    let exchange = client.exchange(Route::StartBackup, "{}".into(), Deadline::after(DEADLINE)).await;
    assert_eq!(exchange.outcome.ok().unwrap().status, StatusCode::ACCEPTED);
    assert_eq!((exchange.attempts, exchange.is_reused), (2, false));
    assert_eq!((agent.connections(), agent.requests().len()), (1, 1));
}

#[test]
fn debug_text_of_a_request_does_not_show_the_token() {
    let client = client("agent", "guest-token", &"ab".repeat(32));
    let request = format!("{:?}", client.request(Route::Storage, Bytes::new()));
    assert!(request.contains("authorization") && !request.contains("guest-token"), "{request}");
}
