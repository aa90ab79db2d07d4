//! `agentapi call`: every line of stdin is answered, whatever it holds.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Fixture, Process, run_with, wait_until};

/// A call that is given one line after the other.
struct Conversation {
    call: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Conversation {
    fn start(fixture: &Fixture) -> Self {
        let mut command = fixture.command(&["call"]);
        command.stdin(Stdio::piped());
        let mut call = Process::spawn(command);
        let (stdin, stdout) = (call.stdin(), BufReader::new(call.stdout()));
        Self { call, stdin, stdout }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        answer
    }
}

/// The id and the message of an answer that refuses its line.
fn refusal(answer: &Value) -> (Option<&Value>, &str) {
    assert_eq!((&answer["ok"], &answer["error"]["kind"]), (&json!(false), &json!("invalid-argument")), "{answer}");
    (answer.get("id"), answer["error"]["message"].as_str().unwrap())
}

#[test]
fn bad_lines_are_answered_in_their_turn() {
    let lines: [&[u8]; 9] = [
        b"",
        b"nonsense",
        b"[1,2]",
        b"{\"id\":1}",
        b"{\"id\":2,\"op\":\"wipe\"}",
        b"{\"id\":3,\"op\":\"eject-disk\",\"args\":{\"where\":5}}",
        b"{\"id\":\"\xff\",\"op\":\"new\"}",
        b"{\"id\":5,\"op\":\"new\"",
        b"{\"id\":6,\"op\":\"new\"}",
    ];
    let answers = Fixture::start().call(&lines.join(&b'\n'));
    assert_eq!(answers.len(), lines.len());
    let expected = [
        (None, "expected a JSON object, found an empty line"),
        (None, "expected a JSON object, found no JSON"),
        (None, "expected a JSON object, found a list"),
        (Some(json!(1)), "expected an operation (\"op\"), found none"),
        (Some(json!(2)), "op: expected one of new, storage, "),
        (Some(json!(3)), "where: expected a text, found a number"),
        (None, "the line is not UTF-8: byte 7"),
        (Some(json!(5)), "EOF while parsing an object at column 18"),
    ];
    for (answer, (id, start)) in answers.iter().zip(&expected) {
        let (found, message) = refusal(answer);
        assert_eq!(found, id.as_ref(), "{answer}");
        assert!(message.starts_with(start), "{answer}");
    }
    assert_eq!(answers[8], json!({"id": 6, "ok": true, "value": null}));
}

#[test]
fn ids_come_back_byte_for_byte() {
    let ids = ["1.0", "null", "-0", "1e999", "12345678901234567890123", "\"\\ud800\"", "{\"a\": [ 1 ]}", "\"é🔒\""];
    let input: String = ids.iter().map(|id| format!("{{\"id\":{id},\"op\":\"new\"}}\r\n")).collect();
    let outcome = run_with(Fixture::start().command(&["call"]), input.as_bytes());
    let expected: String = ids.iter().map(|id| format!("{{\"id\":{id},\"ok\":true,\"value\":null}}\n")).collect();
    assert_eq!((outcome.status, outcome.stdout), (Some(0), expected));
}

#[test]
fn deep_and_long_lines_are_answered_in_their_turn() {
    const MEGABYTES: usize = 1024 * 1024;
    let deep = ["[".repeat(2_000_000), "{\"a\":".repeat(2_000_000), "{\"op\":".repeat(1_000_000)];
    let deep_args =
        format!(r#"{{"id":1,"op":"eject-disk","args":{{"where":{}1{}}}}}"#, "[".repeat(9999), "]".repeat(9999));
    let long = format!(r#"{{"id":2,"op":"new","x":"{}"}}"#, "y".repeat(11 * MEGABYTES));
    let too_long = "z".repeat(65 * MEGABYTES);
    let after = r#"{"id":3,"op":"storage"}"#;
    let input = [&deep[0], &deep[1], &deep[2], &deep_args, &long, &too_long, after].join("\n");
    let answers = Fixture::start().call(input.as_bytes());
    assert_eq!(answers.len(), 7);
    for answer in &answers[..4] {
        refusal(answer);
    }
    assert_eq!(answers[3]["id"], 1);
    assert_eq!(answers[4], json!({"id": 2, "ok": true, "value": null}));
    assert_eq!(refusal(&answers[5]), (None, "expected a line of at most 67108864 bytes, found more"));
    assert_eq!((&answers[6]["id"], &answers[6]["value"]["vmid"]), (&json!(3), &json!(101)));
}

#[test]
fn each_answer_is_written_before_the_next_line_is_read() {
    let mut conversation = Conversation::start(&Fixture::start());
    for id in 0..3 {
        let answer = conversation.ask(&format!("{{\"id\":{id},\"op\":\"fs-uuid\"}}"));
        assert_eq!(answer, format!("{{\"id\":{id},\"ok\":true,\"value\":\"\"}}\n"));
    }
}

#[test]
fn a_connection_that_the_agent_has_closed_is_not_used_for_a_post() {
    let fixture = Fixture::with(r#"faults = ["start-backup:close-after-answer"]"#);
    let mut conversation = Conversation::start(&fixture);
    for round in 1..=3 {
        let answer = conversation.ask("{\"op\":\"start-backup\"}");
        assert!(answer.starts_with("{\"ok\":true,"), "{answer}");
        assert_eq!((fixture.agent.requests().len(), fixture.agent.connections()), (round, round));
        wait_until("the agent closes the connection", || fixture.agent.open_connections() == 0);
    }
}

#[test]
fn a_program_that_reads_no_more_answers_is_no_failure() {
    let mut conversation = Conversation::start(&Fixture::start());
    conversation.ask("{\"op\":\"new\"}");
    let Conversation { mut call, mut stdin, stdout } = conversation;
    drop(stdout);
    // Stdin stays open: only the answer that cannot be written ends the command.
    writeln!(stdin, "{{\"op\":\"new\"}}").unwrap();
    assert_eq!(call.wait(), Some(0));
    let mut stderr = String::new();
    call.stderr().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
#[cfg(target_os = "linux")]
fn answers_that_cannot_be_written_are_a_failure() {
    let fixture = Fixture::start();
    let mut call = fixture.command(&["call"]);
    call.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let outcome = run_with(call, b"{\"op\":\"new\"}\n");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("No space left on device"), "{outcome:?}");
}
