//! `agentapi record`, and what `agentapi mock --replay` makes of a recording.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Fixture, Process, TOKEN, answers, command, one_line_of_json, run, run_with};

/// An agent whose answers to the backup loop go wrong in every way after which the loop goes on.
const FAULTY: &str = r#"
backup = { duration_ms = 1500 }
faults = [
    "start-backup:close-before-answer*1",
    "backup-status:latency=1*2",
    "backup-status:status=503*1",
    "backup-status:half-body*1",
    "backup-status:reset-at=200*1",
    "backup-status:malformed-json*1",
    "backup-status:latency=50*1",
    "backup-status:close-before-answer*1",
]"#;

/// A mock agent or a recorder in a process of its own, and what connects to it.
struct Listening {
    process: Process,
    target: Value,
}

impl Listening {
    fn start(command: Command) -> Self {
        let mut process = Process::spawn(command);
        let mut line = String::new();
        BufReader::new(process.stdout()).read_line(&mut line).unwrap();
        if line.is_empty() {
            process.stderr().read_to_string(&mut line).unwrap();
            panic!("{line}");
        }
        Self { process, target: serde_json::from_str(&line).unwrap() }
    }

    fn replay(file: &Path) -> Self {
        Self::start(command(&["mock", "--replay", file.to_str().unwrap(), "--json"]))
    }

    /// A command that is connected to it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        for (variable, field) in [("ENDPOINT", "endpoint"), ("FINGERPRINT", "fingerprint"), ("TOKEN", "token")] {
            command.env(format!("AGENTAPI_{variable}"), self.target[field].as_str().unwrap());
        }
        command
    }

    fn token(&self) -> &str {
        self.target["token"].as_str().unwrap()
    }

    /// Interrupts it, and returns what it printed on standard error.
    fn end(mut self) -> String {
        let mut stderr = self.process.stderr();
        self.process.signal(Signal::INT);
        assert_eq!(self.process.wait(), Some(0));
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    }
}

fn record(fixture: &Fixture, file: &Path) -> Listening {
    Listening::start(fixture.command(&["record", "--out", file.to_str().unwrap(), "--json"]))
}

/// Runs the backup loop by this command, and returns its audit without times and without the run's name.
fn audit_of(mut command: Command, file: &Path) -> Vec<Value> {
    command.args(["backup", "run", "--poll-ms", "20", "--json", "--audit"]).arg(file);
    let outcome = run(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| without_times(serde_json::from_str(line).unwrap())).collect()
}

fn without_times(mut line: Value) -> Value {
    for (key, value) in line.as_object_mut().unwrap() {
        if key == "run" || key == "milliseconds" || key.ends_with("_ms") {
            *value = Value::Null;
        }
    }
    line
}

/// Operation, event and outcome of each line, without the polls, of which there are as many as the time allows.
fn outcomes(audit: &[Value]) -> Vec<String> {
    let shown = |line: &Value| format!("{} {} {}", line["operation"], line["event"], line["outcome"]);
    let mut shown: Vec<_> = audit.iter().filter(|line| line["event"] != "repeated").map(shown).collect();
    shown.dedup();
    shown
}

#[test]
fn a_recorded_session_with_faults_gives_the_same_audit_when_it_is_replayed() {
    let direct = Fixture::with(FAULTY);
    let direct = audit_of(direct.command(&[]), &direct.path("audit"));

    let fixture = Fixture::with(FAULTY);
    let file = fixture.path("recording.jsonl");
    let recorder = record(&fixture, &file);
    let recorded = audit_of(recorder.command(&[]), &fixture.path("recorded"));
    recorder.end();
    assert_eq!(outcomes(&recorded), outcomes(&direct));
    for outcome in ["http-status", "interrupted", "bad-envelope"] {
        assert!(recorded.iter().any(|line| line["outcome"] == outcome), "no {outcome}: {recorded:#?}");
    }

    let replayed = audit_of(Listening::replay(&file).command(&[]), &fixture.path("replayed"));
    // As texts, so that the order of the keys counts too.
    let texts = |audit: &[Value]| audit.iter().map(Value::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&replayed), texts(&recorded));
}

#[test]
fn neither_token_is_in_the_recording_or_in_what_is_printed() {
    // The agent tells the guest its token, and the client tells the recorder its own.
    let fixture = Fixture::with(&format!("[[disks]]\nname = \"{TOKEN}\""));
    let file = fixture.path("recording.jsonl");
    let recorder = record(&fixture, &file);
    let token = recorder.token().to_owned();
    let disks = run(recorder.command(&["disks", "list", "--json"]));
    assert!(disks.stdout.contains("[masked]"), "{disks:?}");
    for secret in [&*token, TOKEN] {
        run(recorder.command(&["disks", "eject", &format!("/mnt/{secret}")]));
    }
    let printed = recorder.end();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.matches("[masked]").count() >= 3, "{text}");
    for secret in [&*token, TOKEN] {
        assert!(
            !text.contains(secret) && !printed.contains(secret) && !disks.stdout.contains(secret),
            "{text}{printed}"
        );
    }
}

#[test]
fn a_client_of_the_recorder_and_of_the_recording_sees_the_error_of_the_agent() {
    let faults = ["status=503", "half-body", "reset-at=0", "malformed-json", "latency=60000"];
    let rules: Vec<_> = faults.iter().map(|fault| format!("storage:{fault}*1")).collect();
    let scenario = format!("faults = {}", json!(rules));
    let line = "{\"id\":1,\"op\":\"storage\"}\n";
    let lines = line.repeat(faults.len() + 1);
    let kinds = |mut command: Command| -> Vec<Value> {
        command.args(["call", "--deadline-ms", "2000"]);
        let answers = answers(run_with(command, lines.as_bytes()));
        answers.into_iter().map(|answer| answer["error"]["kind"].clone()).collect()
    };
    let direct = kinds(Fixture::with(&scenario).command(&[]));
    assert_eq!(direct, ["http-status", "interrupted", "interrupted", "bad-envelope", "deadline", ""].map(kind));

    let fixture = Fixture::with(&scenario);
    let file = fixture.path("recording.jsonl");
    let mut recording = fixture.command(&["record", "--out", file.to_str().unwrap(), "--json"]);
    recording.args(["--deadline-ms", "1000"]);
    let recorder = Listening::start(recording);
    assert_eq!(kinds(recorder.command(&[])), direct);
    recorder.end();
    assert_eq!(kinds(Listening::replay(&file).command(&[])), direct);
}

fn kind(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force_and_is_the_owners_alone() {
    let fixture = Fixture::start();
    let file = fixture.path("recording.jsonl");
    fs::write(&file, "mine").unwrap();
    let message = fixture.fail(&["record", "--out", file.to_str().unwrap()]);
    assert!(message.contains("--force") && message.contains("File exists"), "{message}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let forced = Listening::start(fixture.command(&["record", "--force", "--json", "--out", file.to_str().unwrap()]));
    forced.end();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(one_line_of_json(&text), json!({ "format": "agentapi-recording", "version": 1 }));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_cannot_be_replayed_says_which_line_is_wrong() {
    let fixture = Fixture::start();
    let file = fixture.path("recording.jsonl");
    fs::write(&file, "{\"format\":\"agentapi-recording\",\"version\":1}\n{}\n").unwrap();
    let outcome = run(command(&["mock", "--replay", file.to_str().unwrap()]));
    let expected = "error: line 2 of the recording: expected an exchange as JSON, found missing field `at_ms`";
    assert!(outcome.status == Some(1) && outcome.stderr.starts_with(expected), "{outcome:?}");
    let outcome = run(command(&["mock", "--replay", file.to_str().unwrap(), "--replay-speed", "0"]));
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
}
