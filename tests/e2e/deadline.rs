//! Promise 5: one deadline for the whole call, from the name to the last byte, also against a peer that drips.

use std::time::{Duration, Instant};

use agentapi_host::{DEFAULT_DEADLINE, Error, Phase};
use agentapi_scripted_agent::{Answer, Delivery, Framing, Opening};

use crate::support::{JOB, SHORT, STORAGE, hasty_host, pinned, scripted, to_scripted};

/// Runs a call that must end at the deadline, and returns how far it had come.
async fn phase_at_deadline(answer: Answer) -> Phase {
    let peer = scripted([answer]).await;
    let client = hasty_host().connect(&to_scripted(&peer)).await.unwrap();
    let begun = Instant::now();
    let error = client.storage().await.unwrap_err();
    let took = begun.elapsed();
    assert!(took >= SHORT && took < DEFAULT_DEADLINE, "{took:?}: {error:?}");
    match error {
        Error::Deadline { limit: SHORT, phase } => phase,
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
    let client = hasty_host().connect(&to_scripted(&peer)).await.unwrap();
    let error = client.storage().await.unwrap_err();
    assert_eq!(error.kind(), "unreachable");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("Connection refused"), "{cause}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let connection = pinned(1, ["ab".repeat(32)]);
    let endpoint = "no-such-host.invalid:1".parse().unwrap();
    let client = hasty_host().connect(&agentapi_host::Connection { endpoint, ..connection }).await.unwrap();
    assert_eq!(client.storage().await.unwrap_err().kind(), "unreachable");
}

#[tokio::test]
async fn the_client_works_again_after_a_deadline() {
    let peer = scripted([Answer::new(200, JOB).delivery(Delivery::Hang), Answer::new(200, STORAGE)]).await;
    let client = hasty_host().connect(&to_scripted(&peer)).await.unwrap();
    assert_eq!(client.start_backup().await.unwrap_err().kind(), "deadline");
    assert_eq!(client.storage().await.unwrap().vmid, 101);
    assert_eq!(peer.requests().len(), 2);
}
