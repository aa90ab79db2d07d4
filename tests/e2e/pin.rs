//! The pin: a connection is used only with a peer that presents a pinned leaf and holds its key, and never
//! under another pin than the one that it was made under.

use std::fs;
use std::sync::{Arc, Mutex};

use agentapi_host::{CallSummary, Error, Fingerprint, Host, Observer, PinMismatch, Route, Target, error_chain};
use agentapi_mock::{Fault, MockAgent, Repeat};
use agentapi_scripted_agent::{
    Answer, Certificates, ForeignKeyExchange, LegacyVersion, Opening, Script, ScriptedAgent, TlsVersion,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use crate::support::{STORAGE, build_folder, client_of, host, perform, start_scripted, target_at, target_of};

fn opening(opening: Opening) -> Answer {
    Answer::new(200, STORAGE).opening(opening)
}

/// Writes a PEM file for the scripted agent: certificates, leaf first, and the leaf's key.
fn write_pem(folder: &std::path::Path, kind: &str, certificates: &[String], key: &KeyPair) {
    fs::write(folder.join(format!("{kind}.pem")), certificates.concat() + &key.serialize_pem()).unwrap();
}

fn odd_certificates() -> (tempfile::TempDir, Certificates) {
    let folder = tempfile::tempdir().unwrap();
    let self_signed = |kind: &str, change: fn(&mut CertificateParams)| {
        let mut params = CertificateParams::new(vec!["agent.example".into()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        write_pem(folder.path(), kind, &[certificate.pem()], &key);
    };
    self_signed("expired", |params| params.not_after = date_time_ymd(2001, 1, 1));
    self_signed("not-yet-valid", |params| params.not_before = date_time_ymd(3001, 1, 1));
    self_signed("other-name", |params| params.distinguished_name.push(DnType::CommonName, "somebody else"));
    self_signed("is-a-ca", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));

    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &ca).unwrap();
    write_pem(folder.path(), "ca-issued", &[leaf.pem(), ca.pem()], &key);

    let certificates = Certificates::with_folder(folder.path());
    (folder, certificates)
}

const ODD: [&str; 5] = ["expired", "not-yet-valid", "other-name", "is-a-ca", "ca-issued"];

#[tokio::test]
async fn the_pinned_leaf_is_accepted_whatever_else_its_certificate_says() {
    let (_folder, certificates) = odd_certificates();
    for kind in ODD {
        let script = Script::new([opening(Opening::Certificate(kind.into()))]);
        let agent = ScriptedAgent::start(script, &certificates).await.unwrap();
        let client = host().agent(target_of(&agent)).unwrap();
        assert_eq!(client.storage().await.unwrap().vmid, 101, "{kind}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_pinned_is_refused_before_a_request_is_sent() {
    let (_folder, certificates) = odd_certificates();
    for kind in ODD {
        let script = Script::new([opening(Opening::Certificate(kind.into()))]);
        let agent = ScriptedAgent::start(script, &certificates).await.unwrap();
        let other = agent.other_fingerprint();
        let client = host().agent(target_at(agent.port(), [&other])).unwrap();
        let error = client.storage().await.unwrap_err();
        let Error::PinMismatch { source: PinMismatch::OtherLeaf { expected, presented }, .. } = &error else {
            panic!("{kind}: {error:?}")
        };
        assert_eq!(
            (expected.as_slice()[0], *presented),
            (other.parse().unwrap(), agent.fingerprint().parse().unwrap())
        );
        assert_eq!((agent.connections(), agent.requests().len()), (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn the_error_names_both_fingerprints() {
    let agent = start_scripted([opening(Opening::Normal)]).await;
    let client = host().agent(target_at(agent.port(), ["ab".repeat(32)])).unwrap();
    let error = client.storage().await.unwrap_err();
    let presented: agentapi_host::Fingerprint = agent.fingerprint().parse().unwrap();
    let expected = format!(
        "the certificate of 127.0.0.1:{} is not the pinned one: expected fingerprint {}, presented {presented}",
        agent.port(),
        ["AB"; 32].join(":"),
    );
    assert_eq!((error.kind(), error_chain(&error)), ("pin-mismatch", expected));
}

#[tokio::test]
async fn the_fingerprint_of_the_key_or_of_the_issuer_is_not_a_pin() {
    let (_folder, certificates) = odd_certificates();
    let script = Script::new([opening(Opening::Certificate("ca-issued".into()))]);
    let agent = ScriptedAgent::start(script, &certificates).await.unwrap();
    for pin in [agent.spki_fingerprint(), agent.last_fingerprint()] {
        let client = host().agent(target_at(agent.port(), [pin])).unwrap();
        assert_eq!(client.storage().await.unwrap_err().kind(), "pin-mismatch");
    }
    assert_eq!(agent.requests().len(), 0);
}

#[tokio::test]
async fn an_impostor_with_the_pinned_certificate_but_without_its_key_is_refused() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let agent = start_scripted([opening(Opening::Impostor(version))]).await;
        let client = host().agent(target_of(&agent)).unwrap();
        let error = client.storage().await.unwrap_err();
        let is_refused = matches!(error, Error::PinMismatch { source: PinMismatch::KeyNotProven, .. });
        assert!(is_refused, "{version:?}: {error:?}");
        assert_eq!((agent.connections(), agent.requests().len()), (1, 0), "{version:?}");
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let (client, _agent) = client_of([opening(Opening::Only(version))]).await;
        assert_eq!(client.storage().await.unwrap().vmid, 101, "{version:?}");
    }
    for version in [LegacyVersion::Tls10, LegacyVersion::Tls11] {
        let (client, agent) = client_of([opening(Opening::Legacy(version))]).await;
        assert_eq!(client.storage().await.unwrap_err().kind(), "tls", "{version:?}");
        assert_eq!((agent.connections(), agent.requests().len()), (1, 0), "{version:?}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_refused() {
    for odd in [Opening::Plain, Opening::Garbage, Opening::CloseAtAccept] {
        let (client, agent) = client_of([opening(odd.clone())]).await;
        assert_eq!(client.storage().await.unwrap_err().kind(), "tls", "{odd:?}");
        assert_eq!(agent.requests().len(), 0, "{odd:?}");
    }
}

#[tokio::test]
async fn a_second_pin_is_accepted_so_that_a_certificate_can_be_changed() {
    let mock = MockAgent::start().await.unwrap();
    let pins = [mock.fingerprint().to_string(), mock.next_fingerprint().to_string()];
    let both = Target::parse(&mock.endpoint(), mock.token(), pins).unwrap();
    host().agent(both.clone()).unwrap().storage().await.unwrap();
    mock.rotate_certificate().unwrap();

    host().agent(both.clone()).unwrap().storage().await.unwrap();
    let only_old = Target { pins: both.pins.as_slice()[0].into(), ..both };
    let outdated = host().agent(only_old).unwrap();
    assert_eq!(outdated.storage().await.unwrap_err().kind(), "pin-mismatch");
}

/// Keeps the fingerprint of the last call.
#[derive(Default)]
struct LastFingerprint(Mutex<Option<Fingerprint>>);

impl Observer for LastFingerprint {
    fn call_ended(&self, call: &CallSummary) {
        *self.0.lock().unwrap() = call.fingerprint;
    }
}

#[tokio::test]
async fn an_observer_learns_which_of_several_pins_matched() {
    let mock = MockAgent::start().await.unwrap();
    let (current, next) = (mock.fingerprint(), mock.next_fingerprint());
    let observer = Arc::new(LastFingerprint::default());
    let matched = || *observer.0.lock().unwrap();
    let builder = Host::builder().cache_dir(build_folder().join("e2e-cache"));
    let host = builder.observer(Arc::clone(&observer) as _).build().unwrap();
    let target = Target::parse(&mock.endpoint(), mock.token(), [current, next].map(|pin| pin.to_string())).unwrap();
    let agent = host.agent(target).unwrap();
    agent.fs_uuid("").await.unwrap();
    assert_eq!(matched(), None, "no connection");
    for _ in 0..2 {
        agent.storage().await.unwrap();
        assert_eq!(matched(), Some(current), "on a new and on an idle connection");
    }
    mock.rotate_certificate().unwrap();
    mock.inject(Route::Storage, Fault::CloseAfterAnswer, Repeat::Times(1));
    agent.storage().await.unwrap();
    while matched() != Some(next) {
        agent.storage().await.unwrap();
    }
    drop(mock);
    assert_eq!(agent.storage().await.unwrap_err().kind(), "unreachable");
    assert_eq!(matched(), None);
}

#[tokio::test]
async fn neither_a_connection_nor_a_session_made_under_one_pin_serves_another() {
    let agent = start_scripted([opening(Opening::Normal)]).await;
    let right = host().agent(target_of(&agent)).unwrap();
    for _ in 0..3 {
        right.storage().await.unwrap();
    }
    assert_eq!(agent.connections(), 1);

    // A TLS session of the right client would be resumed without presenting the certificate, and not be refused.
    let wrong = host().agent(target_at(agent.port(), [agent.other_fingerprint()])).unwrap();
    for _ in 0..3 {
        assert_eq!(wrong.storage().await.unwrap_err().kind(), "pin-mismatch");
    }
    assert_eq!((agent.connections(), agent.requests().len()), (4, 3), "each refusal had a handshake of its own");
}

/// Enough to meet the order of events that a busy machine makes.
const HANDSHAKES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_refuses_after_the_handshake_is_a_tls_error() {
    let required = [TlsVersion::Tls12, TlsVersion::Tls13].map(Opening::RequireClientCertificateIn);
    for required in [&[Opening::RequireClientCertificate], &required[..]].concat() {
        let (client, agent) = client_of([opening(required.clone())]).await;
        for handshake in 1..=HANDSHAKES {
            let route = if handshake % 2 == 0 { Route::Storage } else { Route::StartBackup };
            let error = perform(&client, route).await.unwrap_err();
            assert_eq!(error.kind(), "tls", "{required:?}, {handshake}: {error:?}");
            assert!(!error.may_have_acted());
        }
        assert_eq!((agent.connections(), agent.requests().len()), (HANDSHAKES, 0), "{required:?}");
    }
}

#[tokio::test]
async fn an_agent_that_asks_for_a_certificate_and_does_not_need_one_is_served() {
    for asks in [Opening::RequestClientCertificate, Opening::RequestClientCertificateWithoutTickets] {
        let (client, agent) = client_of([opening(asks.clone())]).await;
        for _ in 0..3 {
            assert_eq!(client.storage().await.unwrap().vmid, 101, "{asks:?}");
        }
        assert_eq!((agent.connections(), agent.requests().len()), (1, 3), "{asks:?}");
    }
}

#[tokio::test]
async fn a_handshake_without_anything_in_common_says_what_this_client_has() {
    for exchange in [ForeignKeyExchange::Secp521r1, ForeignKeyExchange::X25519MlKem768] {
        let (client, agent) = client_of([opening(Opening::KeyExchange(exchange))]).await;
        let error = client.storage().await.unwrap_err();
        let endpoint = client.endpoint();
        let expected = format!(
            "TLS with {endpoint} failed: no version or algorithm in common; this client has TLS 1.3 and 1.2, key \
             exchange by X25519, secp256r1, secp384r1, signatures by ECDSA_NISTP384_SHA384, ECDSA_NISTP256_SHA256, \
             ED25519, RSA_PSS_SHA512, RSA_PSS_SHA384, RSA_PSS_SHA256, RSA_PKCS1_SHA512, RSA_PKCS1_SHA384, \
             RSA_PKCS1_SHA256: received fatal alert: HandshakeFailure"
        );
        assert_eq!((error.kind(), error_chain(&error)), ("tls", expected), "{exchange:?}");
        assert_eq!(agent.requests().len(), 0);
    }
}
