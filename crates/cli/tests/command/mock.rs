//! `agentapi mock`, in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{command, run};

/// How often it is looked whether a mock agent has ended, and the time between.
const MOST_WAITS: u32 = 2000;
const WAIT: Duration = Duration::from_millis(5);

/// A mock agent in a process of its own, killed when dropped.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self(command(&[&["mock"], arguments].concat()).spawn().unwrap())
    }

    /// The first lines that it prints.
    fn lines(&mut self, count: usize) -> Vec<String> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().take(count).map(Result::unwrap).collect()
    }

    /// Waits for its end, and gives its status; none where it does not end.
    fn end(&mut self) -> Option<i32> {
        for _ in 0..MOST_WAITS {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(WAIT);
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn paste(lines: &[String], command: &mut Command) {
    for line in lines {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
            command.env(name, value);
        }
    }
}

#[test]
#[cfg(unix)]
fn the_lines_it_prints_connect_to_it_until_it_is_told_to_end() {
    for signal in ["INT", "TERM"] {
        let mut mock = Running::start(&[]);
        let lines = mock.lines(5);
        assert!(lines[0].contains("until interrupted (Ctrl-C)"), "{lines:?}");
        let mut storage = command(&["storage"]);
        paste(&lines, &mut storage);
        let ended = run(storage);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", mock.0.id())]).status().unwrap();
        assert!(kill.success());
        assert_eq!(mock.end(), Some(0), "{signal}");
    }
}

#[test]
fn a_scenario_and_faults_are_played() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.toml");
    std::fs::write(&file, "vmid = 7\nmounts = []").unwrap();
    let scenario = file.to_str().unwrap();
    let mut mock = Running::start(&["--scenario", scenario, "--fault", "disks:status=503*1", "--json"]);
    let line: Value = serde_json::from_str(&mock.lines(1)[0]).unwrap();
    let agent = |arguments: &[&str]| {
        let mut command = command(arguments);
        for (name, key) in [("ENDPOINT", "endpoint"), ("FINGERPRINT", "fingerprint"), ("TOKEN", "token")] {
            command.env(format!("AGENTAPI_{name}"), line[key].as_str().unwrap());
        }
        run(command)
    };
    assert_eq!(agent(&["storage"]).stdout, "Nothing is mounted in guest 7.\n");
    assert!(agent(&["disks", "list"]).stderr.starts_with("error: GET /disks: HTTP 503"));
    assert_eq!(agent(&["disks", "list"]).status, Some(0));
}

#[test]
fn the_example_scenario_can_be_started_from() {
    let ended = run(command(&["mock", "--print-scenario"]));
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.stdout, agentapi_mock::Scenario::EXAMPLE);
}

#[test]
fn what_cannot_be_started_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases = [
        (
            ["--scenario", "/nonexistent.toml"],
            1,
            "cannot read the scenario file /nonexistent.toml\n  caused by: No such",
        ),
        (["--listen", &address], 1, "\n  caused by: Address already in use"),
        (["--listen", "nowhere"], 2, "invalid value 'nowhere' for '--listen <ADDRESS>'"),
        (["--fault", "storage:nonsense"], 2, "unknown fault \"nonsense\""),
    ];
    for (option, status, text) in cases {
        let ended = run(command(&[&["mock"], &option[..]].concat()));
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
    }
}
