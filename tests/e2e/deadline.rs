//! Promise 5: one deadline for the whole call, from the name to the last byte, also against a peer that drips.

use std::time::{Duration, Instant};

use agentapi_host::{DEFAULT_DEADLINE, Error, Phase, Route, Target, error_chain};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use agentapi_scripted_agent::{Answer, Delivery, Framing, Opening};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{JOB, SHORT, STORAGE, hasty_host, host, pinned, scripted, to_mock, to_scripted};

/// Runs a call that must end at the deadline, and returns how far it had come.
async fn phase_at_deadline(answer: Answer) -> Phase {
    let peer = scripted([answer]).await;
    let client = hasty_host().agent(to_scripted(&peer)).unwrap();
    let begun = Instant::now();
    let error = client.storage().await.unwrap_err();
    let took = begun.elapsed();
    assert!(took >= SHORT && took < DEFAULT_DEADLINE, "{took:?}: {error:?}");
    match error {
        Error::Deadline { limit: SHORT, phase, .. } => phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_peer_that_drips_is_cut_off() {
    let drip = Delivery::Drip(Duration::from_millis(50));
    let phase = phase_at_deadline(Answer::new(200, STORAGE).delivery(drip)).await;
    assert!(matches!(phase, Phase::Waiting | Phase::Receiving));
}

#[tokio::test]
async fn a_peer_that_never_answers_is_cut_off() {
    assert_eq!(phase_at_deadline(Answer::new(200, STORAGE).delivery(Delivery::Hang)).await, Phase::Waiting);
}

#[tokio::test]
async fn a_peer_that_stops_in_the_head_or_body_is_cut_off() {
    assert_eq!(phase_at_deadline(Answer::new(200, STORAGE).delivery(Delivery::HangMidHeaders)).await, Phase::Waiting);
    assert_eq!(phase_at_deadline(Answer::new(200, STORAGE).delivery(Delivery::HangMidBody)).await, Phase::Receiving);
    let unending = Answer::new(200, STORAGE).framing(Framing::Close).delivery(Delivery::HangAfterBody);
    assert_eq!(phase_at_deadline(unending).await, Phase::Receiving);
}

#[tokio::test]
async fn a_peer_that_never_finishes_the_handshake_is_cut_off() {
    assert_eq!(phase_at_deadline(Answer::new(200, STORAGE).opening(Opening::HandshakeHang)).await, Phase::Handshake);
}

#[tokio::test]
async fn a_refused_connection_is_no_deadline_and_comes_at_once() {
    let peer = scripted([Answer::new(200, STORAGE).opening(Opening::Refused)]).await;
    let client = hasty_host().agent(to_scripted(&peer)).unwrap();
    let error = client.storage().await.unwrap_err();
    assert_eq!(error.kind(), "unreachable");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("Connection refused"), "{cause}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let connection = pinned(1, ["ab".repeat(32)]);
    let endpoint = "no-such-host.invalid:1".parse().unwrap();
    let client = hasty_host().agent(Target { endpoint, ..connection }).unwrap();
    assert_eq!(client.storage().await.unwrap_err().kind(), "unreachable");
}

#[tokio::test]
async fn the_client_works_again_after_a_deadline() {
    let peer = scripted([Answer::new(200, JOB).delivery(Delivery::Hang), Answer::new(200, STORAGE)]).await;
    let client = hasty_host().agent(to_scripted(&peer)).unwrap();
    assert_eq!(client.start_backup().await.unwrap_err().kind(), "deadline");
    assert_eq!(client.storage().await.unwrap().vmid, 101);
    assert_eq!(peer.requests().len(), 2);
}

/// The time that a call takes which must end at the deadline: the shortest of a few, as the machine may be busy.
async fn quickest(connection: &Target) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let client = hasty_host().agent(connection.clone()).unwrap();
        let begun = Instant::now();
        let error = client.storage().await.unwrap_err();
        assert_eq!(error.kind(), "deadline", "{error:?}");
        quickest = quickest.min(begun.elapsed());
    }
    quickest
}

#[tokio::test]
async fn a_body_that_comes_slowly_or_not_at_all_has_no_time_of_its_own() {
    let long = STORAGE.to_string() + &" ".repeat(4000);
    for delivery in [Delivery::HangMidBody, Delivery::Drip(Duration::from_millis(1))] {
        let peer = scripted([Answer::new(200, long.clone()).delivery(delivery)]).await;
        let took = quickest(&to_scripted(&peer)).await;
        assert!(took < SHORT * 3 / 2, "{delivery:?}: {took:?}");
    }
}

#[tokio::test]
async fn the_time_that_the_handshake_took_is_gone() {
    let mock = MockAgent::start().await.unwrap();
    mock.inject(RouteSelector::Any, Fault::SlowHandshake(SHORT * 3 / 4), Repeat::Always);
    mock.inject(Route::Storage, Fault::Latency(SHORT * 100), Repeat::Always);
    let took = quickest(&to_mock(&mock)).await;
    assert!(took < SHORT * 3 / 2, "{took:?}");
}

#[tokio::test]
async fn a_peer_that_does_not_accept_is_unreachable() {
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let deaf = deaf.listen(1).unwrap();
    let address = deaf.local_addr().unwrap();
    // Until its queue is full, the system accepts in its place.
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(SHORT / 2, TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    let client = hasty_host().agent(pinned(address.port(), ["ab".repeat(32)])).unwrap();
    let error = client.storage().await.unwrap_err();
    let expected = format!("{address} cannot be reached: no answer within {} ms", SHORT.as_millis());
    assert_eq!((error.kind(), error_chain(&error)), ("unreachable", expected));
}

#[test]
fn a_call_may_take_fifteen_seconds_unless_set_otherwise() {
    assert_eq!(DEFAULT_DEADLINE, Duration::from_secs(15));
    assert_eq!(format!("{:?}", host()), "Host { deadline: 15s, .. }");
}
