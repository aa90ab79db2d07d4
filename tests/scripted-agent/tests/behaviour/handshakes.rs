//! Openings: what is presented and negotiated, and what comes in place of a handshake.

use std::io::ErrorKind;

use agentapi_scripted_agent::{Certificates, Script, ScriptedAgent};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible, ProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, GET, HEAD, agent, config, hello, hello_with};

/// Requests over a new connection and gets the whole answer.
async fn served(port: u16) -> Client {
    let mut client = Client::connect(port).await.unwrap();
    client.send(GET).await;
    assert_eq!(client.read(HEAD.len() + 6).await, format!("{HEAD}abcdef"));
    client
}

/// Why the client did not connect.
async fn refused(port: u16) -> std::io::Error {
    Client::connect(port).await.err().unwrap()
}

fn tls_error(error: &std::io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[tokio::test]
async fn a_peer_without_a_special_opening_is_served_with_the_pinned_certificate() {
    for behaviour in ["normal", "alpn-h2", "request-client-cert"] {
        let agent = agent([hello_with(behaviour)]).await;
        assert_eq!(served(agent.port()).await.leaf_fingerprint(), agent.fingerprint());
    }
}

#[tokio::test]
async fn a_peer_with_a_foreign_key_exchange_agrees_with_nobody() {
    for name in ["key-exchange:secp521r1", "key-exchange:X25519MLKEM768"] {
        let agent = agent([hello_with(name)]).await;
        let error = refused(agent.port()).await;
        assert_eq!(tls_error(&error), &Error::AlertReceived(AlertDescription::HandshakeFailure), "{name}");
    }
}

#[tokio::test]
async fn a_peer_that_speaks_first_sends_its_answer_without_a_request() {
    let agent = agent([hello_with("speaks-first")]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    assert_eq!(client.read(HEAD.len() + 6).await, format!("{HEAD}abcdef"));
    agent.wait_for_unasked(1).await;
    assert_eq!(agent.requests().len(), 0);
}

#[tokio::test]
async fn a_peer_that_speaks_only_h2_refuses_a_client_that_offers_only_another_protocol() {
    let agent = agent([hello_with("alpn-h2")]).await;
    let mut config = config(rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let refused = Client::connect_as(agent.port(), config).await.err().unwrap();
    let alert = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(*tls_error(&refused), alert);
}

#[tokio::test]
async fn the_wrong_certificate_is_the_other_one() {
    let agent = agent([hello_with("wrong-cert")]).await;
    let presented = served(agent.port()).await.leaf_fingerprint();
    assert_eq!(presented, agent.other_fingerprint());
    assert_ne!(presented, agent.fingerprint());
}

#[tokio::test]
async fn one_version_only() {
    for (behaviour, spoken, other) in
        [("tls1.2", ProtocolVersion::TLSv1_2, &version::TLS13), ("tls1.3", ProtocolVersion::TLSv1_3, &version::TLS12)]
    {
        let agent = agent([hello_with(behaviour)]).await;
        assert_eq!(served(agent.port()).await.version(), spoken);
        let refused = Client::connect_as(agent.port(), config(&[other])).await.err().unwrap();
        let alert = Error::AlertReceived(AlertDescription::ProtocolVersion);
        assert_eq!(*tls_error(&refused), alert);
    }
}

#[tokio::test]
async fn an_old_version_is_chosen_though_not_offered() {
    for behaviour in ["tls1.0", "tls1.1"] {
        let agent = agent([hello_with(behaviour)]).await;
        let error = refused(agent.port()).await;
        let incompatible = PeerIncompatible::ServerDoesNotSupportTls12Or13;
        assert_eq!(*tls_error(&error), Error::PeerIncompatible(incompatible), "{behaviour}");
    }
}

#[tokio::test]
async fn an_impostor_shows_the_pinned_certificate_and_cannot_sign_for_it() {
    for behaviour in ["impostor:tls1.2", "impostor:tls1.3"] {
        let agent = agent([hello_with(behaviour)]).await;
        let error = refused(agent.port()).await;
        let bad_signature = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(*tls_error(&error), bad_signature, "{behaviour}");
        assert_eq!(agent.requests(), []);
    }
}

#[tokio::test]
async fn a_client_without_the_required_certificate_gets_no_answer() {
    let agent = agent([hello_with("require-client-cert")]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    let error = client.answer_to(GET).await.unwrap_err();
    let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
    assert_eq!(*tls_error(&error), alert);
    assert_eq!(agent.requests(), []);
}

#[tokio::test]
async fn what_comes_in_place_of_tls_is_no_tls() {
    for behaviour in ["garbage", "plain-http"] {
        let agent = agent([hello_with(behaviour)]).await;
        let error = refused(agent.port()).await;
        assert!(matches!(tls_error(&error), Error::InvalidMessage(_)), "{behaviour}");
        assert_eq!(agent.requests(), []);
    }
}

#[tokio::test]
async fn plain_http_is_answered() {
    let agent = agent([hello_with("plain-http")]).await;
    let mut tcp = TcpStream::connect(("127.0.0.1", agent.port())).await.unwrap();
    tcp.write_all(GET).await.unwrap();
    let mut answer = vec![0; HEAD.len()];
    tcp.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, HEAD.as_bytes());
}

#[tokio::test]
async fn nobody_listens() {
    let agent = agent([hello_with("refused")]).await;
    assert_eq!(refused(agent.port()).await.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_uses_up_its_answer() {
    let agent = agent([hello_with("close-at-accept"), hello()]).await;
    let kind = refused(agent.port()).await.kind();
    assert!(matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind:?}");
    served(agent.port()).await;
    assert_eq!(agent.connections(), 2);
}

#[tokio::test]
async fn a_certificate_of_a_kind_comes_with_its_chain() {
    let folder = tempfile::tempdir().unwrap();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let leaf = CertificateParams::new(Vec::new()).unwrap().signed_by(&key, &issuer).unwrap();
    let file = [leaf.pem(), root.pem(), key.serialize_pem()].concat();
    std::fs::write(folder.path().join("chain.pem"), file).unwrap();

    let certificates = Certificates::with_folder(folder.path());
    let script = Script::new([hello_with("cert:chain")]);
    let agent = ScriptedAgent::start(script, &certificates).await.unwrap();
    let client = served(agent.port()).await;
    assert_eq!(client.chain(), [leaf.der().clone(), root.der().clone()]);
    assert_eq!(client.leaf_fingerprint(), agent.fingerprint());
    assert_ne!(agent.last_fingerprint(), agent.fingerprint());
}

#[tokio::test]
async fn a_kind_without_a_file_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::with_folder(folder.path());
    let script = Script::new([hello(), hello_with("cert:none")]);
    let error = ScriptedAgent::start(script, &certificates).await.err().unwrap();
    assert!(error.to_string().contains("none.pem"), "{error}");
}
