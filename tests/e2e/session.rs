//! The component by itself, in a host that adds nothing: what `connect` does the second time, when it fails and before
//! the first, and what the component keeps to whatever its host does.

use agentapi_host::{Authority, Target};
use fastrand::Rng;
use rustls::pki_types::ServerName;
use wasmtime_wasi_http::Error as WasiError;

use crate::minimal_host::{Chunks, Client, ELSEWHERE, Error, UNKNOWN};
use crate::support::STORAGE;

const FIRST: &str = "abababababababababababababababababababababababababababababababab";
const SECOND: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
/// The largest body that the component accepts, in bytes.
const LIMIT: usize = 1024 * 1024;

fn whole() -> Chunks {
    Chunks::new([Ok(STORAGE.into())])
}

/// A whole answer, with blanks up to this length.
fn padded(length: usize) -> Chunks {
    Chunks::new([Ok(STORAGE.into()), Ok(" ".repeat(length - STORAGE.len()).into())])
}

#[tokio::test]
async fn before_the_first_connect_every_call_is_not_connected() {
    let mut client = Client::new(whole).await;
    assert_eq!(client.mounts().await, Err(Error::NotConnected));
    assert_eq!(client.start_backup().await, Err(Error::NotConnected));
    assert!(client.host().requests.is_empty());
}

#[tokio::test]
async fn connect_states_the_authority_and_every_fingerprint() {
    let mut client = Client::new(whole).await;
    client.connect(" Agent ", "token", &[FIRST, SECOND]).await.unwrap();
    assert_eq!(client.host().pins, [("agent:443".to_string(), vec![vec![0xab; 32], vec![0xcd; 32]])]);
    assert!(client.host().requests.is_empty(), "connect sends nothing");
}

/// Component and host have one parser: what one takes the other takes, and what one refuses both refuse in the same words.
#[tokio::test]
async fn connect_takes_and_refuses_what_a_target_takes_and_refuses() {
    let mut client = Client::new(whole).await;
    let colons = ["AB"; 32].join(":");
    let labelled = format!("sha256 Fingerprint={colons}\n");
    let spki = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let cases = [
        ("agent", "token", &*colons),
        ("agent", "token", &*labelled),
        ("[fd00::1]:1", "to ken", &colons),
        ("https://agent/", "token", FIRST),
        ("[fe80::1]", "token", FIRST),
        ("[fe80::1%eth0]:1", "token", FIRST),
        ("10.0.0.256", "token", FIRST),
        ("a..b", "token", FIRST),
        ("agent", "token\n", FIRST),
        ("agent", "\u{feff}token", FIRST),
        ("agent", "token", &FIRST[..40]),
        ("agent", "token", spki),
    ];
    for (endpoint, token, pin) in cases {
        let component = client.connect(endpoint, token, &[pin]).await.map_err(|error| match error {
            Error::InvalidArgument(why) => why,
            other => format!("{other:?}"),
        });
        let host = Target::parse(endpoint, token, [pin]).map(drop).map_err(|error| error.to_string());
        assert_eq!(component, host, "{endpoint:?} {token:?} {pin:?}");
    }
    let pins = |authority: &str| (authority.to_string(), vec![vec![0xab; 32]]);
    assert_eq!(client.host().pins, [pins("agent:443"), pins("[fd00::1]:1")]);
}

#[test]
fn every_host_that_is_taken_is_one_that_tls_can_name() {
    let mut rng = Rng::with_seed(12);
    let mut taken = 0;
    for _ in 0..20_000 {
        let text: String = (0..rng.usize(1..9)).map(|_| char::from(*rng.choice(b"aF012.-_x").unwrap())).collect();
        let Ok(authority) = text.parse::<Authority>() else { continue };
        taken += 1;
        assert!(ServerName::try_from(authority.host()).is_ok(), "{text:?}");
    }
    assert!(taken > 5_000 && taken < 20_000, "{taken} were taken");
}

#[tokio::test]
async fn a_second_connect_replaces_the_first() {
    let mut client = Client::new(whole).await;
    client.connect("agent:1", "first", &[FIRST]).await.unwrap();
    client.mounts().await.unwrap();
    client.connect("agent:2", "second", &[SECOND]).await.unwrap();
    client.mounts().await.unwrap();
    assert_eq!(
        client.host().requests,
        ["GET https://agent:1/storage Bearer first none", "GET https://agent:2/storage Bearer second none"]
    );
}

#[tokio::test]
async fn a_connect_that_fails_leaves_the_instance_as_it_was() {
    let failures = [
        ("", "token", FIRST, "invalid-argument"),
        ("agent:2", "", FIRST, "invalid-argument"),
        ("agent:2", "token", "ab", "invalid-argument"),
        (ELSEWHERE, "token", FIRST, "denied"),
        ("agent:2", "token", UNKNOWN, "denied"),
    ];
    for (endpoint, token, pin, kind) in failures {
        let mut client = Client::new(whole).await;
        for connected in [false, true] {
            if connected {
                client.connect("agent:1", "first", &[FIRST]).await.unwrap();
            }
            let error = client.connect(endpoint, token, &[pin]).await.unwrap_err();
            let found = match &error {
                Error::InvalidArgument(_) => "invalid-argument",
                Error::Denied(why) if ["not there", "not those"].contains(&why.as_str()) => "denied",
                _ => "another kind",
            };
            assert_eq!(found, kind, "{error:?}");
            assert_eq!(client.mounts().await.is_ok(), connected, "{endpoint:?} {token:?} {pin:?}");
        }
        assert_eq!(client.host().requests, ["GET https://agent:1/storage Bearer first none"]);
    }
}

#[tokio::test]
async fn a_post_says_that_its_body_is_json() {
    let mut client = Client::new(whole).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    assert_eq!(client.start_backup().await.unwrap().vmid, 101);
    assert_eq!(client.host().requests, ["POST https://agent:443/backup Bearer token application/json"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_even_if_the_host_lets_it_pass() {
    let mut client = Client::new(|| padded(LIMIT)).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    assert_eq!(client.mounts().await.unwrap().vmid, 101, "in two chunks");
    client.host_mut().body = || padded(LIMIT + 1);
    assert_eq!(client.mounts().await, Err(Error::ResponseTooLarge(LIMIT as u64)));
}

#[tokio::test]
async fn a_body_that_fails_is_interrupted_however_much_of_it_came() {
    let mut client = Client::new(|| Chunks::new([Ok(STORAGE.into()), Err(WasiError::HttpResponseIncomplete)])).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    let error = client.mounts().await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error:?}");
}
