//! Promise 6: one mebibyte of body at most, whatever the framing says.

use agentapi_host::Error;
use agentapi_scripted_agent::{Answer, Framing};

use crate::support::{STORAGE, client_of};

const LIMIT: usize = 1024 * 1024;

fn body_of(length: usize) -> String {
    let empty = r#"{"ok":true,"data":{"vmid":7},"pad":""}"#;
    empty.replace(r#""pad":""#, &format!(r#""pad":"{}"#, "p".repeat(length - empty.len())))
}

#[tokio::test]
async fn a_mebibyte_passes_in_every_framing() {
    for framing in [Framing::ContentLength, Framing::Chunked, Framing::Close] {
        let (client, _peer) = client_of([Answer::new(200, body_of(LIMIT)).framing(framing)]).await;
        assert_eq!(client.storage().await.unwrap().vmid, 7, "{framing:?}");
    }
}

#[tokio::test]
async fn one_byte_more_is_too_large_in_every_framing() {
    for framing in [Framing::ContentLength, Framing::Chunked, Framing::Close] {
        let (client, _peer) = client_of([Answer::new(200, body_of(LIMIT + 1)).framing(framing)]).await;
        let error = client.storage().await.unwrap_err();
        assert!(matches!(error, Error::ResponseTooLarge { limit: 1_048_576 }), "{framing:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_content_length_that_lies_does_not_help() {
    let body = body_of(LIMIT + 1);
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let (client, _peer) = client_of([Answer::raw(head(LIMIT + 1) + "{}")]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "response-too-large", "announced, not sent");
    let (client, _peer) = client_of([Answer::raw(head(10) + &body)]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "bad-envelope", "sent, not announced: cut where it says");
    let (client, _peer) = client_of([Answer::raw(head(usize::MAX / 4) + &body)]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "response-too-large");
}

#[tokio::test]
async fn a_head_without_end_is_no_answer() {
    let flood = "x: y\r\n".repeat(100_000);
    let (client, _peer) = client_of([Answer::raw(format!("HTTP/1.1 200 OK\r\n{flood}\r\n"))]).await;
    assert_eq!(client.storage().await.unwrap_err().kind(), "interrupted");
}

#[tokio::test]
async fn a_head_has_some_sixty_four_kibibytes_and_a_hundred_headers_at_most() {
    let head =
        |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{STORAGE}", STORAGE.len());
    let long = |length: usize| format!("x: {}\r\n", "y".repeat(length));
    let cases = [
        (head(&long(60 * 1024)), "ok"),
        (head(&long(256 * 1024)), "interrupted"),
        (head(&"x: y\r\n".repeat(98)), "ok"),
        (head(&"x: y\r\n".repeat(101)), "interrupted"),
    ];
    for (answer, expected) in cases {
        let length = answer.len();
        let (client, _peer) = client_of([Answer::raw(answer)]).await;
        let outcome = client.storage().await;
        assert_eq!(outcome.as_ref().map_or_else(Error::kind, |_| "ok"), expected, "{length}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_and_an_endless_one_is_refused_before_it_fills_the_memory() {
    let list = |length: usize| format!(r#"{{"ok":true,"data":{{"disks":[{}]}}}}"#, vec!["{}"; length].join(","));
    let (client, _peer) = client_of([Answer::new(200, list(65_536)), Answer::new(200, list(65_537))]).await;
    assert_eq!(client.disks().await.unwrap().disks.len(), 65_536);
    assert_eq!(client.disks().await.unwrap_err().kind(), "decode");
}
