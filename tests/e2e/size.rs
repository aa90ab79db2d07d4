//! Size: one mebibyte of body at most, whatever the framing says.

use agentapi_host::Error;
use agentapi_host::records::AssignRequest;
use agentapi_scripted_agent::{Answer, Delivery, Framing, Place};

use crate::support::{STORAGE, assignment, client_of};

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
    // More than can be allocated: the host must not try.
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
async fn a_head_has_sixty_four_kibibytes_to_the_byte() {
    const MAX_HEAD: usize = 64 * 1024;
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    let parts = ["HTTP/1.1 200 OK\r\nx: ", "\r\n", "\r\n"];
    let fixed = |framing: &str| parts.concat().len() + framing.len();
    let length_header = format!("content-length: {}\r\n", STORAGE.len());
    let in_chunks = format!("{:x}\r\n{STORAGE}\r\n0\r\n\r\n", STORAGE.len());
    let framings = [(&*length_header, STORAGE), ("transfer-encoding: chunked\r\n", &in_chunks), ("", STORAGE)];
    for before in ["", interim] {
        for (framing, body) in framings {
            for (length, expected) in [(MAX_HEAD, "ok"), (MAX_HEAD + 1, "interrupted"), (100_000, "interrupted")] {
                let value = "y".repeat(length - fixed(framing));
                let answer = format!("{before}{}{value}{}{framing}{}{body}", parts[0], parts[1], parts[2]);
                // As the TLS records come: whole ones, a byte in each, and one that ends with the largest head.
                let whole = Answer::raw(answer.clone());
                let mut answers = vec![whole];
                if !framing.is_empty() {
                    let (first, second) = answer.split_at(before.len() + MAX_HEAD);
                    answers.push(Answer::raw(first).unasked(second, Place::SameSegment));
                }
                if framing == length_header && before.is_empty() {
                    answers.push(Answer::raw(answer).delivery(Delivery::Dribble));
                }
                for answer in answers {
                    let (client, _peer) = client_of([answer]).await;
                    let outcome = client.storage().await;
                    let outcome = outcome.as_ref().map_or_else(Error::kind, |_| "ok");
                    assert_eq!(outcome, expected, "{length} bytes, {framing:?} after {before:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_long_list_is_read_and_an_endless_one_is_refused_before_it_fills_the_memory() {
    let list = |length: usize| format!(r#"{{"ok":true,"data":{{"disks":[{}]}}}}"#, vec!["{}"; length].join(","));
    let (client, _peer) = client_of([Answer::new(200, list(65_536)), Answer::new(200, list(65_537))]).await;
    assert_eq!(client.disks().await.unwrap().disks.len(), 65_536);
    assert_eq!(client.disks().await.unwrap_err().kind(), "decode");
}

#[tokio::test]
async fn the_host_does_not_wait_for_the_end_of_a_body_that_is_too_large() {
    let endless = Answer::new(200, body_of(LIMIT + 1)).framing(Framing::Close).delivery(Delivery::HangAfterBody);
    let in_chunks = Answer::new(200, body_of(2 * LIMIT + 2)).framing(Framing::Chunked).delivery(Delivery::HangMidBody);
    for answer in [endless, in_chunks] {
        let (client, _peer) = client_of([answer.clone()]).await;
        assert_eq!(client.storage().await.unwrap_err().kind(), "response-too-large", "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_of_too_many_bytes_or_too_many_headers_is_no_answer() {
    let with_value = |length: usize| Answer::new(200, STORAGE).header("x", &"y".repeat(length));
    let with_headers = |count: usize| (0..count).fold(Answer::new(200, STORAGE), |answer, _| answer.header("x", "y"));
    // `content-length` is one header more.
    for passing in [with_value(60 * 1024), with_headers(99)] {
        let (client, _peer) = client_of([passing]).await;
        client.storage().await.unwrap();
    }
    for (refused, why) in [(with_value(192 * 1024), "size"), (with_headers(100), "number")] {
        let (client, _peer) = client_of([refused]).await;
        let error = client.storage().await.err().map(|error| error.kind());
        assert_eq!(error, Some("interrupted"), "{why}");
    }
}

#[tokio::test]
async fn a_request_of_more_than_a_mebibyte_is_denied() {
    let (client, peer) = client_of([Answer::new(200, r#"{"ok":true}"#)]).await;
    client.assign_disk(&AssignRequest { options: "o".repeat(LIMIT - 1000), ..assignment() }).await.unwrap();
    let error = client.assign_disk(&AssignRequest { options: "o".repeat(LIMIT), ..assignment() }).await.unwrap_err();
    assert_eq!(error.to_string(), "denied: a request body of more than 1048576 bytes");
    assert_eq!(peer.requests().len(), 1);
}
