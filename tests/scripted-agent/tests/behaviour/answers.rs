//! Whole answers: their bytes, their order, and the requests that are recorded.

use std::time::{Duration, Instant};

use agentapi_scripted_agent::{
    Answer, Certificates, Delivery, Framing, Listener, Place, ReceivedRequest, Script, ScriptedAgent,
};

use crate::client::{CERTIFICATES, Client, End, GET, HEAD, agent, config, hello, hello_with};

#[tokio::test]
async fn a_connection_is_kept_and_later_requests_get_later_answers() {
    let agent = agent([Answer::new(503, "x").header("X-One", "1"), hello()]).await;
    let first = "HTTP/1.1 503 Service Unavailable\r\nX-One: 1\r\nContent-Length: 1\r\n\r\nx";
    let second = format!("{HEAD}abcdef");
    let mut client = Client::connect(agent.port()).await.unwrap();
    for expected in [first, &second, &second] {
        client.send(GET).await;
        assert_eq!(client.read(expected.len()).await, expected);
    }
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    assert_eq!(client.read(second.len()).await, second);
    let requests = agent.requests();
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2]);
    assert_eq!(agent.connections(), 2);
}

#[tokio::test]
async fn a_request_is_recorded_whole() {
    let agent = agent([hello()]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(b"POST /backup HTTP/1.1\r\nHOST: Agent\r\nContent-Length: 2\r\n\r\n{}").await;
    let requests = agent.wait_for_requests(1).await;
    let headers = [("host", "Agent"), ("content-length", "2")];
    let expected = ReceivedRequest {
        connection: 1,
        listener: Listener::Main,
        method: "POST".to_owned(),
        path: "/backup".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: b"{}".to_vec(),
    };
    assert_eq!(requests, [expected]);
    assert_eq!(requests[0].header("host"), Some("Agent"));
}

#[tokio::test]
async fn a_connection_ends_after_an_answer_or_a_request_that_says_so() {
    let old = b"GET / HTTP/1.0\r\n\r\n";
    let last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    for (answer, request, expected) in [
        (hello(), &old[..], format!("{HEAD}abcdef")),
        (hello(), &last[..], format!("{HEAD}abcdef")),
        (hello().framing(Framing::Close), GET, "HTTP/1.1 200 OK\r\n\r\nabcdef".to_owned()),
        (Answer::raw("HTTP/1.1 200"), GET, "HTTP/1.1 200".to_owned()),
        (
            Answer::new(200, "").header("Connection", "close"),
            GET,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
    ] {
        let agent = agent([answer]).await;
        let mut client = Client::connect(agent.port()).await.unwrap();
        client.send(request).await;
        assert_eq!(client.read_to_end().await, (expected, End::CloseNotify));
    }
}

#[tokio::test]
async fn dribbled_bytes_have_a_record_each() {
    let agent = agent([hello_with("dribble")]).await;
    let mut client = Client::connect_as(agent.port(), config(&[&rustls::version::TLS12])).await.unwrap();
    client.send(GET).await;
    let expected = format!("{HEAD}abcdef");
    assert_eq!(client.read(expected.len()).await, expected);
    let one_byte = TLS12_OVERHEAD + 1;
    assert_eq!(client.data_records(), vec![one_byte; expected.len()]);
}

#[tokio::test]
async fn dripped_bytes_take_their_time() {
    let agent = agent([Answer::raw("slow").delivery(Delivery::Drip(Duration::from_millis(20)))]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    let start = Instant::now();
    client.send(GET).await;
    assert_eq!(client.read_to_end().await, ("slow".to_owned(), End::CloseNotify));
    assert!(start.elapsed() >= Duration::from_millis(4 * 20));
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let body = "x".repeat(3 << 20);
    let agent = agent([Answer::new(200, body.clone()).framing(Framing::Close)]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    let (text, end) = client.read_to_end().await;
    assert_eq!((text.len(), end), ("HTTP/1.1 200 OK\r\n\r\n".len() + body.len(), End::CloseNotify));
}

#[tokio::test]
async fn a_recorded_server_is_played() {
    let server = r#"{"headers": [["Location", "https://127.0.0.1:{PORT2}/p"]], "body": "moved", "status": 307,
                     "then": [{"body_base64": "AP8=", "framing": "chunked"}]}"#;
    let script = serde_json::from_str(server).unwrap();
    let agent = ScriptedAgent::start(script, &CERTIFICATES).await.unwrap();
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(GET).await;
    let port = agent.port_of(Listener::Second);
    let expected = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://127.0.0.1:{port}/p\r\nContent-Length: 5\r\n\r\nmoved"
    );
    assert_eq!(client.read(expected.len()).await, expected);
}

#[tokio::test]
async fn what_is_not_http_is_answered_with_400_and_not_recorded() {
    let agent = agent([hello()]).await;
    let mut client = Client::connect(agent.port()).await.unwrap();
    client.send(b"hello?\r\n\r\n").await;
    let (answer, end) = client.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(end, End::CloseNotify);
    assert_eq!(agent.requests(), []);
}

#[tokio::test]
async fn starting_an_agent_is_cheap() {
    let certificates = Certificates::generate();
    let start = Instant::now();
    for _ in 0..200 {
        ScriptedAgent::start(Script::new([hello()]), &certificates).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

/// AES-GCM's explicit nonce and tag (RFC 5288, section 3).
const TLS12_OVERHEAD: usize = 8 + 16;

#[tokio::test]
async fn unasked_bytes_stand_where_they_are_told_to() {
    let answer = format!("{HEAD}abcdef");
    let [own, both, unasked] = [answer.len(), answer.len() + 3, 3].map(|length| TLS12_OVERHEAD + length);
    for (place, records) in [
        (Place::SameRecord, vec![both]),
        (Place::SameSegment, vec![own, unasked]),
        (Place::Later(Duration::from_millis(1)), vec![own, unasked]),
        (Place::AcrossTheRequest, vec![own, unasked]),
    ] {
        let agent = agent([hello().unasked("xyz", place), hello().delivery(Delivery::Hang)]).await;
        let mut client = Client::connect_as(agent.port(), config(&[&rustls::version::TLS12])).await.unwrap();
        client.send(GET).await;
        assert_eq!(client.read(answer.len()).await, answer, "{place:?}");
        agent.wait_for_unasked(1).await;
        if place == Place::AcrossTheRequest {
            client.send(GET).await;
        }
        assert_eq!(client.read(3).await, "xyz", "{place:?}");
        assert_eq!(client.data_records(), records, "{place:?}");
    }
}
