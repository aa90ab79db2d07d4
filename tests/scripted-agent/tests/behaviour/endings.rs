//! Connections that end too early, or in the wrong way.

use crate::client::{Client, End, GET, HEAD, agent, hello, hello_with};

#[tokio::test]
async fn each_ending_sends_its_part_and_ends_in_its_way() {
    let half_head = &HEAD[..HEAD.len() / 2];
    let half = format!("{HEAD}abc");
    let whole = format!("{HEAD}abcdef");
    for (behaviour, sent, end) in [
        ("close-before-response", "", End::CloseNotify),
        ("close-mid-headers", half_head, End::CloseNotify),
        ("truncate-body", &half, End::CloseNotify),
        ("close-before-request", &whole, End::CloseNotify),
        ("no-close-notify", &whole, End::TcpOnly),
        ("reset", "", End::Reset),
        ("reset-mid-body", &half, End::Reset),
    ] {
        let agent = agent([hello_with(behaviour)]).await;
        let mut client = Client::connect(agent.port()).await.unwrap();
        client.send(GET).await;
        let seen = client.read_to_end().await;
        assert_eq!(seen, (sent.to_owned(), end), "{behaviour}");
        assert_eq!(agent.requests().len(), 1, "{behaviour}");
    }
}

#[tokio::test]
async fn a_kept_connection_can_end_after_its_second_request() {
    let agent = agent([hello(), hello_with("close-before-response"), hello()]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    client.read(HEAD.len() + 6).await;
    client.send(GET).await;
    assert_eq!(client.read_to_end().await, (String::new(), End::CloseNotify));
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    client.read(HEAD.len() + 6).await;
    let requests = agent.requests();
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
}

#[tokio::test]
async fn a_connection_can_be_reset_after_a_whole_answer() {
    let agent = agent([hello_with("reset-before-request")]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    // The reset may discard what was not read yet.
    agent.wait_for_unasked(1).await;
    assert_eq!(client.read_to_end().await.1, End::Reset);
}
