//! A stdout or stderr that cannot be written ends no command, and changes no exit status that tells what was done.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::thread;

use rustix::process::Signal;

use crate::support::streams::{Fault, Stream, with_fault};
use crate::support::{Fixture, Outcome, Process, ZEROS, command, run, run_with};

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It shows something, and has failed where it cannot.
    Show,
    /// It does something, and what it prints on stdout is a report.
    Act,
    /// It prints nothing on stdout.
    Silent,
}
use Purpose::{Act, Show, Silent};

struct Case {
    purpose: Purpose,
    arguments: Vec<String>,
    /// The exit status where both streams are in order.
    status: i32,
    /// The mock agent.
    scenario: &'static str,
}

fn case(purpose: Purpose, status: i32, line: &str) -> Case {
    let arguments = line.split(' ').map(String::from).collect();
    Case { purpose, arguments, status, scenario: "backup.duration_ms = 0" }
}

impl Case {
    fn against(self, scenario: &'static str) -> Self {
        Self { scenario, ..self }
    }

    /// Runs it against an agent of its own. In its arguments, `DIR` is the directory of the fixture.
    fn run(&self, change: impl FnOnce(Command) -> Command) -> Outcome {
        let fixture = Fixture::with(self.scenario);
        fs::write(fixture.path("grants.toml"), "functions = [\"backup.*\", \"quiesce.*\"]\n").unwrap();
        fs::copy(BACKUP_LOOP, fixture.path("loop.wasm")).unwrap();
        let dir = fixture.path("");
        let place =
            |text: &String| text.replace("DIR", dir.to_str().unwrap()).replace("ENDPOINT", &fixture.agent.endpoint());
        let arguments: Vec<_> = self.arguments.iter().map(place).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run_with(change(fixture.command(&arguments)), b"{\"op\":\"storage\"}\n")
    }

    fn status_with(&self, stream: Stream, fault: Fault) -> i32 {
        match (self.purpose, stream, fault) {
            // What it was to show is lost. One who closes stdout or goes away has asked for that.
            (Show, Stream::Stdout, Fault::FullDisk) => 1,
            _ => self.status,
        }
    }

    fn check_all(&self) {
        let outcome = self.run(|command| command);
        assert_eq!(outcome.status, Some(self.status), "{:?}: {outcome:?}", self.arguments);
        assert_eq!(outcome.stdout.is_empty(), self.purpose == Silent, "{:?}: {outcome:?}", self.arguments);
        for stream in [Stream::Stdout, Stream::Stderr] {
            for fault in [Fault::Closed, Fault::FullDisk, Fault::BrokenPipe] {
                self.check(stream, fault);
            }
        }
    }

    fn check(&self, stream: Stream, fault: Fault) {
        let outcome = self.run(|command| with_fault(command, stream, fault));
        let what = format!("{:?} with {stream:?}: {fault:?}: {outcome:?}", self.arguments);
        assert_eq!(outcome.status, Some(self.status_with(stream, fault)), "{what}");
        assert!(!outcome.stderr.contains("panicked"), "{what}");
        if stream == Stream::Stderr {
            assert_eq!(outcome.stdout.is_empty(), self.purpose == Silent, "{what}");
        } else if fault == Fault::FullDisk && self.purpose != Silent {
            let expected =
                if self.purpose == Show { "stdout cannot be written" } else { "cannot be written to stdout: it is" };
            assert!(outcome.stderr.contains(expected) && outcome.stderr.contains("No space left"), "{what}");
        }
    }
}

/// Every command, and each way to end that prints in its own way.
fn cases() -> Vec<Case> {
    let not_due = "backup.due = false";
    vec![
        case(Show, 0, "demo"),
        case(Show, 0, "mock --print-scenario"),
        case(Show, 0, "call"),
        case(Show, 0, "fingerprint ENDPOINT"),
        case(Show, 0, "storage -vvv"),
        case(Show, 0, "metrics --json"),
        case(Show, 0, "backup due"),
        case(Show, 0, "backup status -v"),
        case(Show, 0, "disks list"),
        case(Show, 0, "policy check DIR/loop.wasm"),
        case(Show, 0, "--help"),
        case(Show, 0, "backup run --help"),
        case(Show, 0, "--version"),
        case(Act, 0, "backup start -vvv"),
        case(Act, 0, "backup run --poll-ms 10"),
        case(Act, 0, "backup run --freeze true --thaw true --journal DIR/journal --audit DIR/audit -v"),
        case(Act, 1, "backup run --freeze false --thaw true --journal DIR/journal"),
        case(Act, 3, "backup run --json").against(not_due),
        case(Act, 5, "backup run --poll-ms 10 --give-up-after-s 1").against("backup.duration_ms = 600000"),
        case(Act, 0, "disks assign uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33 /mnt/spare --fstype ext4"),
        case(Act, 0, "disks eject /mnt/felhom/media --json"),
        case(Act, 0, "disks format /dev/sdc1 --fstype ext4 --confirm uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10"),
        case(Act, 0, "policy run DIR/loop.wasm --grants DIR/grants.toml --mock"),
        case(Silent, 5, "backup start").against("faults = [\"start-backup:half-body\"]"),
        case(Silent, 1, &format!("storage -v --fingerprint {ZEROS}")),
        case(Silent, 1, &format!("storage --json --fingerprint {ZEROS}")),
        case(Silent, 1, "disks format /dev/sdc1 --fstype ext4"),
        case(Silent, 1, "mock --scenario DIR/missing.toml"),
        case(Silent, 2, "storage --nonsense"),
        case(Silent, 2, "storage --token x"),
        case(Silent, 2, "storage --fingerprint x"),
        case(Silent, 2, "storage --log a=b=c"),
    ]
}

#[test]
fn whatever_is_wrong_with_a_stream_the_exit_status_tells_what_was_done() {
    let cases = cases();
    thread::scope(|scope| {
        for some in cases.chunks(8) {
            scope.spawn(|| some.iter().for_each(Case::check_all));
        }
    });
}

#[test]
fn a_mock_agent_whose_lines_nobody_gets_has_failed_and_one_without_a_stderr_runs() {
    for fault in [Fault::FullDisk, Fault::BrokenPipe] {
        let outcome = run(with_fault(command(&["mock", "-vvv"]), Stream::Stdout, fault));
        assert_eq!(outcome.status, Some(1), "{fault:?}: {outcome:?}");
        let mut mock = Process::spawn(with_fault(command(&["mock", "-vvv"]), Stream::Stderr, fault));
        assert!(BufReader::new(mock.stdout()).lines().next().unwrap().unwrap().starts_with("# A mock agent listens"));
        mock.signal(Signal::TERM);
        assert_eq!(mock.wait(), Some(0), "{fault:?}");
    }
}

/// The committed component: an extension as any other.
const BACKUP_LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-harness/component/backup_loop.wasm");
