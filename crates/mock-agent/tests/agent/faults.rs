//! Tests of every fault as a client sees it, byte for byte, over real TLS.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use agentapi_contract::{Fingerprint, Route};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector, Scenario};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, connect_tls, connect_trusting, until_all_closed};

const ONCE: Repeat = Repeat::Times(1);
const SHORT: Duration = Duration::from_millis(50);
/// No test takes it: what would hang fails instead.
const LONG: Duration = Duration::from_secs(10);

/// An agent where this fault happens once.
async fn agent_with(route: impl Into<RouteSelector>, fault: Fault) -> MockAgent {
    let agent = MockAgent::start().await.unwrap();
    agent.inject(route, fault, ONCE);
    agent
}

/// Asks for /backup/due on a connection whose bytes are looked at.
async fn ask(agent: &MockAgent) -> TlsStream<TcpStream> {
    let mut tls = connect_tls(agent).await.unwrap();
    ask_again(agent, &mut tls).await;
    tls
}

async fn ask_again(agent: &MockAgent, tls: &mut TlsStream<TcpStream>) {
    let token = agent.token();
    let request = format!("GET /backup/due HTTP/1.1\r\nhost: agent\r\nauthorization: Bearer {token}\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
}

/// All bytes until the connection ends, and how it ends.
async fn read_to_end(mut tls: TlsStream<TcpStream>) -> (String, io::Result<()>) {
    let mut bytes = Vec::new();
    let end = timeout(LONG, tls.read_to_end(&mut bytes)).await.unwrap();
    (String::from_utf8(bytes).unwrap(), end.map(drop))
}

/// All bytes up to the whole body, whatever the head says about its length.
async fn read_to_body(tls: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(BODY.as_bytes()) {
        let more = timeout(LONG, tls.read_buf(&mut bytes)).await.unwrap();
        assert_ne!(more.unwrap(), 0);
    }
    String::from_utf8(bytes).unwrap()
}

/// The body of the answer, as it comes when nothing goes wrong.
const BODY: &str =
    r#"{"ok":true,"data":{"vmid":101,"due":true,"reason":"last backup 26h ago, policy daily"},"error":""}"#;

#[track_caller]
fn assert_length_and_body(answer: &str, length: usize, body: &str) {
    let (head, found) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
    assert!(!head.contains("connection"), "{head}");
    assert_eq!(found, body);
}

#[tokio::test]
async fn latency_holds_the_answer_back() {
    let agent = agent_with(Route::BackupDue, Fault::Latency(SHORT)).await;
    let mut client = Client::connect(&agent).await.unwrap();
    let asked = Instant::now();
    assert_eq!(client.call(Route::BackupDue, "").await.0, 200);
    assert!(asked.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_dripped_answer_is_whole_and_takes_a_pause_for_each_byte() {
    let agent = agent_with(Route::BackupDue, Fault::Drip(Duration::from_millis(1))).await;
    let mut client = Client::connect(&agent).await.unwrap();
    let asked = Instant::now();
    let (_, body) = client.send(Method::GET, "/backup/due", "").await.unwrap();
    assert_eq!(body, BODY);
    assert!(asked.elapsed() >= Duration::from_millis(BODY.len() as u64));
}

#[tokio::test]
async fn a_reset_comes_after_exactly_the_bytes_asked_for() {
    for (byte, before) in [(0, ""), (1, "H"), (15, "HTTP/1.1 200 OK")] {
        let agent = agent_with(Route::BackupDue, Fault::ResetAt(byte)).await;
        let (answer, end) = read_to_end(ask(&agent).await).await;
        assert_eq!(answer, before);
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_ends_in_good_form() {
    let agent = agent_with(Route::BackupDue, Fault::CloseBeforeAnswer).await;
    let (answer, end) = read_to_end(ask(&agent).await).await;
    assert_eq!(answer, "");
    end.unwrap();
}

#[tokio::test]
async fn a_connection_closed_after_the_answer_did_not_announce_it() {
    let agent = agent_with(Route::BackupDue, Fault::CloseAfterAnswer).await;
    let (answer, end) = read_to_end(ask(&agent).await).await;
    assert_length_and_body(&answer, BODY.len(), BODY);
    end.unwrap();
}

#[tokio::test]
async fn half_a_body_comes_with_the_length_of_the_whole() {
    let agent = agent_with(Route::BackupDue, Fault::HalfBody).await;
    let (answer, end) = read_to_end(ask(&agent).await).await;
    assert_length_and_body(&answer, BODY.len(), &BODY[..BODY.len() / 2]);
    end.unwrap();
}

#[tokio::test]
async fn half_of_an_answer_to_head_is_its_head_and_the_end() {
    let agent = agent_with(RouteSelector::Any, Fault::HalfBody).await;
    let mut tls = connect_tls(&agent).await.unwrap();
    let request = format!("HEAD /storage HTTP/1.1\r\nhost: agent\r\nauthorization: Bearer {}\r\n\r\n", agent.token());
    tls.write_all(request.as_bytes()).await.unwrap();
    let (answer, end) = read_to_end(tls).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    end.unwrap();
}

#[tokio::test]
async fn a_length_too_great_is_followed_by_the_whole_body_and_the_end() {
    let agent = agent_with(Route::BackupDue, Fault::WrongLength(7)).await;
    let (answer, end) = read_to_end(ask(&agent).await).await;
    assert_length_and_body(&answer, BODY.len() + 7, BODY);
    end.unwrap();
}

#[tokio::test]
async fn a_length_too_small_is_followed_by_the_whole_body_and_the_next_answer() {
    let agent = agent_with(Route::BackupDue, Fault::WrongLength(-7)).await;
    let mut tls = ask(&agent).await;
    let answer = read_to_body(&mut tls).await;
    assert_length_and_body(&answer, BODY.len() - 7, BODY);
    agent.inject(RouteSelector::Any, Fault::CloseAfterAnswer, ONCE);
    ask_again(&agent, &mut tls).await;
    let (answer, _) = read_to_end(tls).await;
    assert_length_and_body(&answer, BODY.len(), BODY);
}

#[tokio::test]
async fn a_length_can_be_wrong_by_any_number() {
    for (off_by, length) in [(i64::MIN, 0), (i64::MAX, BODY.len() + (4 << 20))] {
        let agent = agent_with(Route::BackupDue, Fault::WrongLength(off_by)).await;
        agent.inject(RouteSelector::Any, Fault::CloseAfterAnswer, ONCE);
        let mut tls = ask(&agent).await;
        let answer = read_to_body(&mut tls).await;
        assert_length_and_body(&answer, length, BODY);
    }
}

#[tokio::test]
async fn malformed_json_has_its_own_length_and_keeps_the_connection() {
    let agent = agent_with(Route::BackupDue, Fault::MalformedJson).await;
    let mut client = Client::connect(&agent).await.unwrap();
    let (status, body) = client.send(Method::GET, "/backup/due", "").await.unwrap();
    assert_eq!((status, &body[..]), (200, &BODY.as_bytes()[..BODY.len() - 1]));
    assert_eq!(client.call(Route::BackupDue, "").await.0, 200);
    assert_eq!(agent.connections(), 1);
}

#[tokio::test]
async fn an_injected_status_is_answered_and_nothing_is_done() {
    let agent = agent_with(Route::StartBackup, Fault::Status(StatusCode::BAD_GATEWAY)).await;
    let mut client = Client::connect(&agent).await.unwrap();
    let (status, envelope) = client.call(Route::StartBackup, "{}").await;
    let wanted = json!({"ok": false, "data": null, "error": "injected fault"});
    assert_eq!((status, envelope), (502, wanted));
    assert_eq!(client.call(Route::BackupStatus, "").await.1["data"]["phase"], "idle");
}

#[tokio::test]
async fn an_injected_401_is_the_one_of_a_wrong_token() {
    let agent = agent_with(Route::StartBackup, Fault::Unauthorized).await;
    let mut client = Client::connect(&agent).await.unwrap();
    let injected = client.call(Route::StartBackup, "{}").await;
    assert_eq!(client.call(Route::BackupStatus, "").await.1["data"]["phase"], "idle");
    assert_eq!(injected, client.with_token("wrong").call(Route::Storage, "").await);
}

#[tokio::test]
async fn an_operation_whose_answer_is_lost_is_done_all_the_same() {
    for fault in [Fault::ResetAt(0), Fault::CloseBeforeAnswer, Fault::HalfBody] {
        let agent = agent_with(Route::StartBackup, fault).await;
        let mut client = Client::connect(&agent).await.unwrap();
        assert!(client.send(Method::POST, "/backup", "{}").await.is_err(), "{fault}");
        let mut client = Client::connect(&agent).await.unwrap();
        let (_, status) = client.call(Route::BackupStatus, "").await;
        assert_eq!(status["data"]["phase"], "running", "{fault}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_met_by_the_next_connection_and_is_the_one_announced() {
    let agent = agent_with(Route::Storage, Fault::NewCertificate).await;
    let (first, second) = (agent.fingerprint(), agent.next_fingerprint());
    let mut client = Client::connect(&agent).await.unwrap();
    let answer = client.start(Method::GET, "/storage", "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["connection"], "close");
    let mut after = Client::connect(&agent).await.unwrap();
    assert_eq!((client.fingerprint, after.fingerprint), (first, second));
    assert_eq!(agent.fingerprint(), second);
    assert_eq!(after.call(Route::Storage, "").await.0, 200);
}

#[tokio::test]
async fn a_rotation_leaves_open_connections_as_they_are() {
    let agent = MockAgent::start().await.unwrap();
    let mut client = Client::connect(&agent).await.unwrap();
    agent.rotate_certificate().unwrap();
    assert_eq!(client.call(Route::Storage, "").await.0, 200);
    let presented: Fingerprint = Client::connect(&agent).await.unwrap().fingerprint;
    assert_ne!(presented, client.fingerprint);
}

#[tokio::test]
async fn a_leaf_trusted_as_a_root_is_trusted_while_it_is_served_and_no_longer() {
    let agent = MockAgent::start().await.unwrap();
    let (first, second) = (agent.leaf_der(), agent.next_leaf_der());
    for (trusted, other) in [(&first, &second), (&second, &first)] {
        assert_eq!(&agent.leaf_der(), trusted);
        assert!(connect_trusting(&agent, trusted.clone()).await.is_ok());
        let refused = connect_trusting(&agent, other.clone()).await.unwrap_err().to_string();
        assert!(refused.contains("invalid peer certificate"), "{refused}");
        agent.rotate_certificate().unwrap();
    }
}

#[tokio::test]
async fn a_slow_handshake_is_only_late() {
    let agent = agent_with(RouteSelector::Any, Fault::SlowHandshake(SHORT)).await;
    let asked = Instant::now();
    let mut client = Client::connect(&agent).await.unwrap();
    assert!(asked.elapsed() >= SHORT);
    assert_eq!(client.call(Route::Storage, "").await.0, 200);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_and_one_in_its_place_let_in() {
    let agent = MockAgent::start().await.unwrap();
    agent.inject(RouteSelector::Any, Fault::ConnectionLimit(1), Repeat::Always);
    let first = Client::connect(&agent).await.unwrap();
    assert!(Client::connect(&agent).await.is_err());
    assert_eq!((agent.connections(), agent.open_connections()), (1, 1));
    drop(first);
    until_all_closed(&agent).await;
    assert!(Client::connect(&agent).await.is_ok());
}

#[tokio::test]
async fn a_fault_meets_its_own_route_only_and_no_more_often_than_asked() {
    let agent = agent_with(Route::Disks, Fault::Status(StatusCode::IM_A_TEAPOT)).await;
    let mut client = Client::connect(&agent).await.unwrap();
    for (route, status) in [(Route::Storage, 200), (Route::Disks, 418), (Route::Disks, 200)] {
        assert_eq!(client.call(route, "").await.0, status);
    }
}

#[tokio::test]
async fn faults_of_the_scenario_are_there_from_the_start_until_cleared() {
    let faults = vec!["any:status=500".parse().unwrap()];
    let scenario = Scenario { faults, ..Scenario::default() };
    let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
    let mut client = Client::connect(&agent).await.unwrap();
    assert_eq!(client.call(Route::Storage, "").await.0, 500);
    agent.clear_faults();
    let (status, envelope): (u16, Value) = client.call(Route::Storage, "").await;
    assert_eq!((status, &envelope["ok"]), (200, &json!(true)));
}

#[tokio::test]
async fn no_connection_is_left_after_a_fault_that_ends_it() {
    let faults = [Fault::ResetAt(9), Fault::CloseBeforeAnswer, Fault::CloseAfterAnswer, Fault::HalfBody];
    let agent = MockAgent::start().await.unwrap();
    for fault in faults {
        agent.inject(Route::BackupDue, fault, ONCE);
        // How each of them ends has its own test.
        let _ = read_to_end(ask(&agent).await).await;
    }
    until_all_closed(&agent).await;
}
