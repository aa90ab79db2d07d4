//! The component by itself, in a host that adds nothing: what `connect` does the second time, when it fails and before
//! the first, and what the component keeps to whatever its host does.

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
