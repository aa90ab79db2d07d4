//! `agentapi mock`, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::{Fixture, Outcome, Process, command, run};

/// Starts a mock agent and returns the first lines that it prints.
fn start(arguments: &[&str], lines: usize) -> (Process, Vec<String>) {
    let mut mock = Process::spawn(command(&[&["mock"], arguments].concat()));
    let lines = BufReader::new(mock.stdout()).lines().take(lines).map(Result::unwrap).collect();
    (mock, lines)
}

/// Runs a command with the agent that `mock --json` has announced.
fn run_with_target(target: &str, arguments: &[&str]) -> Outcome {
    let target: Value = serde_json::from_str(target).unwrap();
    let mut command = command(arguments);
    for (variable, field) in [("ENDPOINT", "endpoint"), ("FINGERPRINT", "fingerprint"), ("TOKEN", "token")] {
        command.env(format!("AGENTAPI_{variable}"), target[field].as_str().unwrap());
    }
    run(command)
}

/// Sets the variables of the `export` lines, as a shell would.
#[cfg(unix)]
fn paste(lines: &[String], command: &mut Command) {
    let exports = lines.iter().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    command.envs(exports);
}

#[test]
#[cfg(unix)]
fn the_lines_that_it_prints_connect_to_it_until_a_signal_ends_it() {
    use rustix::process::Signal;

    for signal in [Signal::INT, Signal::TERM] {
        let (mut mock, lines) = start(&[], 5);
        assert!(lines[0].contains("until interrupted (Ctrl-C)"), "{lines:?}");
        let mut storage = command(&["storage"]);
        paste(&lines, &mut storage);
        let outcome = run(storage);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        mock.signal(signal);
        assert_eq!(mock.wait(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_scenario_and_faults_are_played() {
    let fixture = Fixture::start();
    let file = fixture.path("scenario.toml");
    fs::write(&file, "vmid = 7\nmounts = []").unwrap();
    let options = ["--scenario", file.to_str().unwrap(), "--fault", "disks:status=503*1", "--json"];
    let (_mock, lines) = start(&options, 1);
    let run = |arguments: &[&str]| run_with_target(&lines[0], arguments);
    assert_eq!(run(&["storage"]).stdout, "Nothing is mounted in guest 7.\n");
    assert!(run(&["disks", "list"]).stderr.starts_with("error: GET /disks: HTTP 503"));
    assert_eq!(run(&["disks", "list"]).status, Some(0));
}

#[test]
fn the_scenario_that_it_prints_can_be_started_from() {
    let fixture = Fixture::start();
    let printed = run(command(&["mock", "--print-scenario"]));
    assert_eq!(printed.status, Some(0));
    assert_eq!(printed.stdout, agentapi_mock::Scenario::EXAMPLE);
    let file = fixture.path("scenario.toml");
    fs::write(&file, printed.stdout).unwrap();
    let (_mock, lines) = start(&["--scenario", file.to_str().unwrap(), "--json"], 1);
    let storage = run_with_target(&lines[0], &["storage"]);
    assert_eq!(storage.stdout, fixture.succeed(&["storage"]));
}

#[test]
fn what_cannot_be_started_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let no_file = "cannot read the scenario file /nonexistent.toml\n  caused by: No such";
    let cases = [
        (["--scenario", "/nonexistent.toml"], 1, no_file),
        (["--listen", &address], 1, "\n  caused by: Address already in use"),
        (["--listen", "nowhere"], 2, "invalid value 'nowhere' for '--listen <ADDRESS>'"),
        (["--fault", "storage:nonsense"], 2, "unknown fault \"nonsense\""),
    ];
    for (option, status, text) in cases {
        let outcome = run(command(&[&["mock"], &option[..]].concat()));
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        assert!(outcome.stderr.contains(text), "{outcome:?}");
    }
}
