//! The commands that ask a controller, against a scripted one: what a real one rarely answers.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Outcome, command, one_line_of_json, run};

/// A controller that answers a GET with what the script says of its path. Its thread ends with the tests.
struct Scripted(TempDir);

impl Scripted {
    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(&stream).lines();
                let first = head.next().unwrap().unwrap();
                head.find(|line| line.as_ref().unwrap().is_empty()).unwrap().unwrap();
                stream.write_all(&answer(first.split(' ').nth(1).unwrap())).unwrap();
            }
        });
        Self(dir)
    }

    fn ask(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("AGENTAPI_SOCKET", self.0.path().join("socket")).env("TZ", "UTC");
        command
    }

    #[track_caller]
    fn print(&self, arguments: &[&str]) -> String {
        printed(run(self.ask(arguments)), "")
    }
}

#[track_caller]
fn printed(outcome: Outcome, stderr: &str) -> String {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), stderr), "{outcome:?}");
    outcome.stdout
}

fn answer(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A stream of these pieces, each of which the client gets as a frame of its own.
fn chunked(pieces: &[&[u8]]) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in pieces.iter().chain([&&b""[..]]) {
        answer.extend([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    answer
}

/// A controller that has this many numbered items under a path, and gives a thousand at once.
fn with_items(path: &'static str, key: &'static str, total: i64) -> Scripted {
    Scripted::start(move |asked| {
        let (before, after) = asked.split_once("after=").unwrap();
        assert!(before.starts_with(path), "{asked}");
        let after: i64 = after.parse().unwrap();
        let items = (after + 1..=total.min(after + 1000))
            .map(|number| json!({ "number": number, "at": "2026-01-01T00:00:00Z", "subject": "s", "text": "t" }));
        answer(&json!({ key: items.collect::<Vec<_>>() }))
    })
}

#[test]
fn events_and_logs_of_several_pages_are_shown_to_their_end() {
    let of_items = |list: &Value, key: &str| {
        let numbers: Vec<_> =
            list[key].as_array().unwrap().iter().map(|item| item["number"].as_i64().unwrap()).collect();
        numbers
    };
    let events = with_items("/v1/events?", "events", 2500);
    assert_eq!(events.print(&["events"]).lines().count(), 2500);
    let list = one_line_of_json(&events.print(&["events", "--json", "--after", "7"]));
    assert_eq!(of_items(&list, "events"), (8..=2500).collect::<Vec<_>>());

    // As many as the last page is full with.
    let log = with_items("/v1/runs/3/log?", "lines", 2000);
    assert_eq!(log.print(&["runs", "log", "3"]).lines().count(), 2000);
    let list = one_line_of_json(&log.print(&["runs", "log", "3", "--json"]));
    assert_eq!(of_items(&list, "lines"), (1..=2000).collect::<Vec<_>>());
}

#[test]
fn an_event_that_comes_in_pieces_is_whole_and_stdout_holds_events_alone() {
    let event = |severity: &str| json!({ "number": 1, "at": "2026-01-01T00:00:00Z", "severity": severity, "subject": "backup", "text": "Grüße" });
    let gap = "event: gap\ndata: {\"from\":1,\"to\":4}\n\n";
    let text = format!(":\n\n{gap}id: 5\ndata: {}\n\nid: 6\ndata: {}\n\n", event("critical"), event("info"));
    let controller = Scripted::start(move |_| {
        let bytes: Vec<_> = text.bytes().collect();
        chunked(&bytes.chunks(1).collect::<Vec<_>>())
    });
    let ended = "The controller has ended.\n";
    let shown = printed(run(controller.ask(&["events", "--follow"])), ended);
    let time = "2026-01-01 00:00:00  backup: Grüße\n";
    assert_eq!(shown, format!("   Events 1 to 4 are no longer kept.\n!! {time}   {time}"));
    let lines = printed(run(controller.ask(&["events", "--follow", "--json"])), ended);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [json!({ "from": 1, "to": 4 }), event("critical"), event("info")]);
}

#[test]
fn the_status_tells_what_is_frozen_and_what_holds_also_where_nothing_is_configured() {
    let freeze = json!({ "holder": "backup-loop", "stage": "its applications are frozen", "for_s": 12 });
    let findings = json!([
        { "kind": "no-success", "subject": "backup", "severity": "critical", "text": "no success for 3 days" },
        { "kind": "pin-mismatch", "subject": "agent", "severity": "warning", "text": "another certificate" },
    ]);
    let nothing = Scripted::start(move |_| answer(&json!({ "subjects": [], "findings": findings, "freeze": freeze })));
    assert_eq!(
        nothing.print(&["status"]),
        "Nothing is configured to run.\n\
         backup-loop: its applications are frozen for 12 s\n\
         !! backup: no success for 3 days\n\
         !  agent: another certificate\n"
    );
    let subject = json!({ "name": "nightly", "activity": { "state": "idle" } });
    let idle = Scripted::start(move |_| answer(&json!({ "subjects": [subject], "findings": [], "freeze": null })));
    let lines: Vec<_> =
        idle.print(&["status"]).lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["NAME", "nightly"]);
}

#[test]
fn the_socket_may_be_named_before_and_after_what_is_asked() {
    let controller = with_items("/v1/runs/3/log?", "lines", 1);
    let socket = controller.0.path().join("socket");
    let socket = socket.to_str().unwrap();
    for arguments in [["runs", "--socket", socket, "log", "3"], ["runs", "log", "3", "--socket", socket]] {
        let mut asking = command(&arguments);
        asking.env("AGENTAPI_SOCKET", "/nowhere/socket");
        assert_eq!(printed(run(asking), "").lines().count(), 1);
    }
}
