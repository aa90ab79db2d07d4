//! Connections on which nothing more comes, until the agent is gone.

use std::time::Duration;

use agentapi_scripted_agent::Framing;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, End, GET, HEAD, agent, hello_with};

#[tokio::test]
async fn each_hang_sends_its_part_and_keeps_the_connection() {
    let half_head = &HEAD[..HEAD.len() / 2];
    let half = format!("{HEAD}abc");
    for (behaviour, sent) in [("hang", ""), ("hang-mid-headers", half_head), ("hang-mid-body", &half)] {
        let agent = agent([hello_with(behaviour)]).await;
        let mut client = Client::connect(agent.port()).await.unwrap();
        client.send(GET).await;
        agent.wait_for_requests(1).await;
        assert_eq!(client.read(sent.len()).await, sent, "{behaviour}");
        // A second request is recorded, so it has been read; it gets no answer either.
        client.send(GET).await;
        assert_eq!(agent.wait_for_requests(2).await.len(), 2);
        assert!(timeout(A_WHILE, client.read(1)).await.is_err(), "{behaviour}");
        agent.stop().await;
        let (more, _) = client.read_to_end().await;
        assert_eq!(more, "", "{behaviour}");
    }
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_does_not_end_when_the_agent_hangs_after_it() {
    let agent = agent([hello_with("hang-after-body").framing(Framing::Close)]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    let whole = "HTTP/1.1 200 OK\r\n\r\nabcdef";
    assert_eq!(client.read(whole.len()).await, whole);
    assert!(timeout(A_WHILE, client.read(1)).await.is_err());
    drop(agent);
    assert_eq!(client.read_to_end().await, (String::new(), End::TcpOnly));
}

#[tokio::test]
async fn a_handshake_can_hang() {
    let agent = agent([hello_with("handshake-hang")]).await;
    let handshake = timeout(A_WHILE, Client::connect(agent.port())).await;
    assert!(handshake.is_err());
    assert_eq!(agent.connections(), 1);
}

#[tokio::test]
async fn a_stopped_agent_does_not_listen() {
    let agent = agent([hello_with("hang")]).await;
    let port = agent.port();
    agent.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

/// Long enough for an answer on the loopback interface to be seen, if one were sent.
const A_WHILE: Duration = Duration::from_millis(50);
