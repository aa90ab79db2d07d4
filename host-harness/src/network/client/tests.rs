//! What one client does with its kept-alive connections, and what its requests show.

use agentapi_mock::MockAgent;
use agentapi_quiesce::error_chain;
use agentapi_scripted_agent::{Answer, Certificates, Opening, Script, ScriptedAgent};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use super::{
    Arc, Bytes, Client, Connection, Credentials, Deadline, Duration, Fingerprint, Permits, Pins, Route, StatusCode,
};
use crate::network::credentials::random_token;
use crate::network::driver::Driver;

const DEADLINE: Duration = Duration::from_secs(10);

fn client(endpoint: &str, token: &str, fingerprint: &str) -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let credentials = Credentials::new(token.parse().unwrap(), random_token(&provider).unwrap()).unwrap();
    let pins = Pins::from(fingerprint.parse::<Fingerprint>().unwrap());
    Client::new(endpoint.parse().unwrap(), pins, Arc::new(credentials), Permits::default(), provider).unwrap()
}

/// How long hyper waits before it looks at a connection: far longer than the client gives it to see a FIN.
const UNNOTICED: Duration = Duration::from_millis(50);

/// A connection that its peer has closed. hyper sees that at the first look, which comes after a delay.
async fn closed_by_peer(look_after: Duration) -> Connection {
    let (near, far) = tokio::io::duplex(1024);
    let (mut sender, mut connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::select! {
        biased;
        _ = &mut connection => panic!("the connection has ended"),
        ready = sender.ready() => ready.unwrap(),
    }
    drop(far);
    let driver = Driver::new(async move {
        if !look_after.is_zero() {
            sleep(look_after).await;
        }
        drop(connection.await);
    });
    Connection { sender, driver, state: Arc::default(), leaf: Fingerprint::from_bytes([0; Fingerprint::LEN]) }
}

/// Starts a backup with this idle connection at hand: how often it was sent, after it arrived once.
async fn attempts_of_a_post(idle: Connection) -> u32 {
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
    assert_eq!(attempts_of_a_post(closed_by_peer(UNNOTICED).await).await, 1);
}

#[tokio::test]
async fn a_post_does_not_try_a_connection_whose_close_has_arrived() {
    assert_eq!(attempts_of_a_post(closed_by_peer(Duration::ZERO).await).await, 1);
}

/// Opens a connection to an agent that does something unasked before it is asked, and sends a POST over it then.
async fn post_after_unasked(answer: Answer) -> (crate::Error, ScriptedAgent) {
    let agent = ScriptedAgent::start(Script::new([answer]), &Certificates::generate()).await.unwrap();
    let endpoint = format!("127.0.0.1:{}", agent.port());
    let client = client(&endpoint, "guest-token", &agent.fingerprint());
    let (route, deadline) = (Route::StartBackup, Deadline::after(DEADLINE));
    let connection = client.connect(route, deadline).await.unwrap();
    agent.wait_for_unasked(1).await;
    let failure = client.attempt(connection, route, "{}".into(), deadline).await.err().expect("no answer is right");
    (client.final_error(route, failure), agent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_connection_that_breaks_before_the_request_is_sent_is_unreachable() {
    for opening in [Opening::SpeaksFirst, Opening::CloseAfterHandshake] {
        for _ in 0..20 {
            let answer = Answer::new(200, r#"{"ok":true,"data":{}}"#).opening(opening.clone());
            let (error, agent) = post_after_unasked(answer).await;
            assert_eq!((error.kind(), error.may_have_acted()), ("unreachable", false), "{opening:?}: {error:?}");
            let why = error_chain(&error);
            let why = why.strip_prefix(&format!("127.0.0.1:{} cannot be reached: ", agent.port())).unwrap();
            // hyper may have noticed, or the connection's task may have ended. No body was written, in any case.
            assert!(!why.is_empty() && !why.contains("body"), "{why}");
            assert_eq!(agent.requests().len(), 0);
        }
    }
}

#[test]
fn debug_text_of_a_request_does_not_show_the_token() {
    let client = client("agent", "guest-token", &"ab".repeat(32));
    let request = format!("{:?}", client.request(Route::Storage, Bytes::new()));
    assert!(request.contains("authorization") && !request.contains("guest-token"), "{request}");
}

#[tokio::test]
async fn an_answer_at_hand_is_given_without_a_request_and_with_secrets_masked() {
    let agent = MockAgent::start().await.unwrap();
    let client = client(&agent.endpoint(), agent.token(), &agent.fingerprint().to_string());
    let body = format!("it is {}", agent.token());
    let client = client.with_answer_at_hand(Some(body.into()));
    let exchange = client.exchange(Route::Storage, Bytes::new(), Deadline::after(DEADLINE)).await;
    let answer = exchange.outcome.ok().unwrap();
    assert_eq!((answer.status, exchange.attempts, exchange.leaf), (StatusCode::OK, 0, None));
    let body = String::from_utf8(answer.body.into()).unwrap();
    assert!(body.starts_with("it is ") && !body.contains(agent.token()), "{body}");
    assert!(agent.requests().is_empty(), "nothing is sent");
}
