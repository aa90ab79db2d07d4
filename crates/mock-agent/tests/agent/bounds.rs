//! Tests of what a mock agent keeps, and what it does not, however much it is sent.

use std::time::Duration;

use agentapi_mock::MockAgent;
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client::{Client, connect_tls, until_all_closed};

/// The largest body that is read.
const MEBIBYTE: usize = 1 << 20;
/// No test takes it: what would hang fails instead.
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn of_many_large_requests_the_newest_are_kept_and_the_others_counted() {
    let agent = MockAgent::start().await.unwrap();
    let mut client = Client::connect(&agent).await.unwrap();
    let body = " ".repeat(MEBIBYTE - 2) + "{}";
    for number in 0..20 {
        let (status, _) = client.send(Method::POST, &format!("/backup?{number}"), &body).await.unwrap();
        assert_eq!(status, 202);
    }
    let kept = agent.requests();
    assert!(kept.iter().map(|request| request.body.len()).sum::<usize>() <= 16 * MEBIBYTE);
    assert_eq!((kept.len() as u64 + agent.dropped_requests(), kept.last().unwrap().path.as_str()), (20, "/backup?19"));
    assert_eq!(agent.take_requests().len(), kept.len());
    client.send(Method::GET, "/disks", "").await.unwrap();
    assert_eq!((agent.requests().len(), agent.dropped_requests()), (1, 20 - kept.len() as u64));
}

#[tokio::test]
async fn an_oversized_request_is_cut_off_and_leaves_nothing_behind() {
    let agent = MockAgent::start().await.unwrap();
    let mut tls = connect_tls(&agent).await.unwrap();
    let token = agent.token();
    let length = 1_u64 << 40;
    let head = format!(
        "POST /backup HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n"
    );
    tls.write_all(head.as_bytes()).await.unwrap();
    // What the kernel's socket buffers take is not read by the agent; it is a few MiB.
    let mut sent = 0;
    while timeout(LONG, tls.write_all(&[b' '; MEBIBYTE])).await.unwrap().is_ok() {
        sent += MEBIBYTE;
        assert!(sent < 64 * MEBIBYTE, "the agent still reads");
    }
    assert!(sent >= MEBIBYTE, "the agent did not read what it may");
    until_all_closed(&agent).await;
    assert_eq!((agent.requests().len(), agent.dropped_requests()), (0, 0));
    assert_eq!(Client::connect(&agent).await.unwrap().send(Method::GET, "/disks", "").await.unwrap().0, 200);
}
