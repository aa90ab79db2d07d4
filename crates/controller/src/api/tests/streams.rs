//! Streams of events: where they begin, that they follow, and when they end.

use std::time::Duration;

use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Fixture;

async fn open_stream(fixture: &Fixture, last: Option<i64>) -> UnixStream {
    let mut stream = UnixStream::connect(&fixture.sockets.main).await.unwrap();
    let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
    let head = format!("GET /v1/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n{last}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads a stream of events until so many have come; gives their numbers and names.
async fn read_stream(fixture: &Fixture, last: Option<i64>, count: usize) -> Vec<String> {
    let mut stream = open_stream(fixture, last).await;
    let mut text = String::new();
    let read = async {
        while text.matches("event: ").count() < count {
            let mut piece = [0; 4096];
            let bytes = stream.read(&mut piece).await.unwrap();
            assert!(bytes > 0, "the stream ended: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..bytes]));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap();
    text.lines().filter_map(|line| line.strip_prefix("event: ").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_stream_goes_on_where_its_reader_was_and_follows_and_ends_with_the_controller() {
    let fixture = Fixture::new().await;
    fixture.ask(Method::POST, "/v1/subjects/backup/run", "").await;
    let all = ["run-queued", "run-started", "run-ended"];
    assert_eq!(read_stream(&fixture, Some(0), 3).await, all);
    assert_eq!(read_stream(&fixture, Some(1), 2).await, all[1..]);
    let following = read_stream(&fixture, Some(3), 3);
    let asking = fixture.ask(Method::POST, "/v1/subjects/backup/run", "");
    assert_eq!(tokio::join!(following, asking).0, all);

    // One that is really open: its head and its first event have come.
    let mut open = open_stream(&fixture, Some(5)).await;
    let mut begun = Vec::new();
    while !String::from_utf8_lossy(&begun).contains("event: run-ended") {
        assert!(open.read_buf(&mut begun).await.unwrap() > 0, "{begun:?}");
    }
    fixture.stop.cancel();
    let rest = tokio::time::timeout(Duration::from_secs(60), open.read_to_end(&mut begun)).await.unwrap();
    rest.unwrap();
    assert!(begun.ends_with(b"0\r\n\r\n"), "the stream ended in order");
    tokio::time::timeout(Duration::from_secs(60), fixture.serving).await.unwrap().unwrap();
    fixture.owner.await.unwrap();
    assert!(!fixture.sockets.main.exists() && !fixture.sockets.read_only.exists());
}

/// After the state was damaged and set aside, numbers begin anew: a reader of the old ones must miss nothing of the new.
#[tokio::test]
async fn a_reader_from_the_future_begins_with_the_first_event_of_this_state() {
    let fixture = Fixture::new().await;
    fixture.ask(Method::POST, "/v1/subjects/backup/run", "").await;
    let all = ["run-queued", "run-started", "run-ended"];
    assert_eq!(read_stream(&fixture, Some(4711), 3).await, all);
    assert_eq!(read_stream(&fixture, Some(i64::MAX), 3).await, all);
    assert_eq!(read_stream(&fixture, Some(i64::MIN), 3).await, all);
}
