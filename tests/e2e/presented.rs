//! The certificate that an agent presents, shown for comparison: no request is sent, and the peer must hold the key.

use std::time::Duration;

use agentapi_host::{Authority, presented_leaf};
use agentapi_scripted_agent::{Answer, Opening, ScriptedAgent, TlsVersion};

use crate::support::{SHORT, start_scripted};

const LONG: Duration = Duration::from_secs(10);

async fn presenting(opening: Opening) -> (ScriptedAgent, Authority) {
    let agent = start_scripted([Answer::new(200, "").opening(opening)]).await;
    let authority = format!("127.0.0.1:{}", agent.port()).parse().unwrap();
    (agent, authority)
}

#[tokio::test]
async fn the_leaf_is_shown_and_nothing_is_sent() {
    let (agent, authority) = presenting(Opening::Normal).await;
    let leaf = presented_leaf(&authority, LONG).await.unwrap();
    assert_eq!(leaf.fingerprint, agent.fingerprint().parse().unwrap());
    assert_eq!(leaf.subject, "CN=rcgen self signed cert");
    let (begin, end) = leaf.validity.unwrap();
    assert!(begin < end, "{begin} {end}");
    assert_eq!((agent.connections(), agent.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_leaf_whose_key_the_peer_does_not_hold_is_not_shown() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let (_agent, authority) = presenting(Opening::Impostor(version)).await;
        let error = presented_leaf(&authority, LONG).await.unwrap_err();
        // Not a mismatch: there is no pin here.
        assert_eq!(error.kind(), "tls", "{version:?}: {error:?}");
    }
}

#[tokio::test]
async fn it_is_not_waited_for_longer_than_asked() {
    let (_agent, authority) = presenting(Opening::HandshakeHang).await;
    assert_eq!(presented_leaf(&authority, SHORT).await.unwrap_err().kind(), "deadline");
}
