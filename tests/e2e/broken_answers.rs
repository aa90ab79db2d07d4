//! Never half: a body that ends early is no answer, even if the JSON so far is complete.

use agentapi_scripted_agent::{Answer, Delivery, Framing};

use crate::support::{STORAGE, client_of};

/// JSON that is complete after half of the body. The rest is blanks, so that only its length shows a loss.
fn complete_in_half() -> String {
    STORAGE.to_string() + &" ".repeat(STORAGE.len() + 8)
}

#[tokio::test]
async fn half_a_body_is_interrupted_in_every_framing_and_ending() {
    let cases = [
        (Framing::ContentLength, Delivery::TruncateBody, "a short Content-Length"),
        (Framing::Chunked, Delivery::TruncateBody, "a missing last chunk"),
        (Framing::Close, Delivery::NoCloseNotify, "no close_notify where the end is the framing"),
        (Framing::ContentLength, Delivery::ResetMidBody, "a reset"),
        (Framing::Chunked, Delivery::ResetMidBody, "a reset between chunks"),
        (Framing::Close, Delivery::ResetMidBody, "a reset where the end is the framing"),
        (Framing::ContentLength, Delivery::CloseBeforeResponse, "no answer at all"),
        (Framing::ContentLength, Delivery::CloseMidHeaders, "half a head"),
        (Framing::ContentLength, Delivery::Reset, "a reset instead of an answer"),
    ];
    for (framing, delivery, what) in cases {
        let (client, peer) =
            client_of([Answer::new(200, complete_in_half()).framing(framing).delivery(delivery)]).await;
        let error = client.storage().await.unwrap_err();
        assert_eq!(error.kind(), "interrupted", "{what}: {error:?}");
        assert_eq!(peer.requests().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_whole_body_needs_no_close_notify_where_its_length_is_known() {
    for framing in [Framing::ContentLength, Framing::Chunked] {
        let answer = Answer::new(200, STORAGE).framing(framing).delivery(Delivery::NoCloseNotify);
        let (client, _peer) = client_of([answer]).await;
        assert_eq!(client.storage().await.unwrap().vmid, 101, "{framing:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_interrupted() {
    for bytes in
        ["", "\r\n\r\n", "hello\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}"]
    {
        let (client, _peer) = client_of([Answer::raw(bytes)]).await;
        let error = client.storage().await.unwrap_err();
        assert_eq!(error.kind(), "interrupted", "{bytes:?}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_compressed_is_named() {
    let (client, _peer) = client_of([Answer::new(200, b"\x1f\x8b\x08\x00".repeat(4)), Answer::new(200, [0xff])]).await;
    for why in ["it is compressed (gzip), which was not asked for", "expected UTF-8"] {
        let error = client.storage().await.unwrap_err();
        assert_eq!(error.to_string(), format!("the answer is not the agent's envelope: {why}"));
    }
}
