//! One deadline bounds the whole call, from the name to the last byte, also against a peer that sends byte by byte.

use std::time::{Duration, Instant};

use agentapi_host::{DEFAULT_DEADLINE, Error, Phase, Route, Target, error_chain};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use agentapi_scripted_agent::{Answer, Delivery, Framing, Opening};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{
    JOB, SHORT, STORAGE, host, host_with_short_deadline, start_scripted, target_at, target_of, target_of_mock,
};

/// Makes a call that must end at the deadline, and returns its phase then.
async fn phase_at_deadline(answer: Answer) -> Phase {
    let peer = start_scripted([answer]).await;
    let client = host_with_short_deadline().agent(target_of(&peer)).unwrap();
    let started = Instant::now();
    let error = client.storage().await.unwrap_err();
    let took = started.elapsed();
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
    // How far the answer is by then depends on how busy the machine is.
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
    let peer = start_scripted([Answer::new(200, STORAGE).opening(Opening::Refused)]).await;
    let client = host_with_short_deadline().agent(target_of(&peer)).unwrap();
    let error = client.storage().await.unwrap_err();
    assert_eq!(error.kind(), "unreachable");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("Connection refused"), "{cause}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let target = target_at(1, ["ab".repeat(32)]);
    let endpoint = "no-such-host.invalid:1".parse().unwrap();
    let client = host_with_short_deadline().agent(Target { endpoint, ..target }).unwrap();
    assert_eq!(client.storage().await.unwrap_err().kind(), "unreachable");
}

#[tokio::test]
async fn the_client_works_again_after_a_deadline() {
    let peer = start_scripted([Answer::new(200, JOB).delivery(Delivery::Hang), Answer::new(200, STORAGE)]).await;
    let client = host_with_short_deadline().agent(target_of(&peer)).unwrap();
    assert_eq!(client.start_backup().await.unwrap_err().kind(), "deadline");
    assert_eq!(client.storage().await.unwrap().vmid, 101);
    assert_eq!(peer.requests().len(), 2);
}

/// How long a call takes that must end at the deadline: the shortest of three, as the machine may be busy.
async fn shortest_call(target: &Target) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let client = host_with_short_deadline().agent(target.clone()).unwrap();
        let started = Instant::now();
        let error = client.storage().await.unwrap_err();
        assert_eq!(error.kind(), "deadline", "{error:?}");
        shortest = shortest.min(started.elapsed());
    }
    shortest
}

#[tokio::test]
async fn a_body_that_comes_slowly_or_not_at_all_has_no_time_of_its_own() {
    let long = STORAGE.to_string() + &" ".repeat(4000);
    for delivery in [Delivery::HangMidBody, Delivery::Drip(Duration::from_millis(1))] {
        let peer = start_scripted([Answer::new(200, long.clone()).delivery(delivery)]).await;
        let took = shortest_call(&target_of(&peer)).await;
        assert!(took < SHORT * 3 / 2, "{delivery:?}: {took:?}");
    }
}

#[tokio::test]
async fn the_time_that_the_handshake_took_is_gone() {
    let mock = MockAgent::start().await.unwrap();
    // Were the deadline counted anew after the handshake, the call would take almost twice as long.
    mock.inject(RouteSelector::Any, Fault::SlowHandshake(SHORT * 3 / 4), Repeat::Always);
    mock.inject(Route::Storage, Fault::Latency(SHORT * 100), Repeat::Always);
    let took = shortest_call(&target_of_mock(&mock)).await;
    assert!(took < SHORT * 3 / 2, "{took:?}");
}

#[tokio::test]
async fn a_peer_that_does_not_accept_is_unreachable() {
    let listener = TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // The kernel completes connections until the backlog of the listener is full. Then the next one hangs.
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(SHORT / 2, TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    let client = host_with_short_deadline().agent(target_at(address.port(), ["ab".repeat(32)])).unwrap();
    let error = client.storage().await.unwrap_err();
    let expected = format!("{address} cannot be reached: no answer within {} ms", SHORT.as_millis());
    assert_eq!((error.kind(), error_chain(&error)), ("unreachable", expected));
}

#[test]
fn a_call_may_take_fifteen_seconds_unless_set_otherwise() {
    assert_eq!(DEFAULT_DEADLINE, Duration::from_secs(15));
    assert_eq!(format!("{:?}", host()), "Host { deadline: 15s, .. }");
}
