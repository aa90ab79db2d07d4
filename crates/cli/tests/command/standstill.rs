//! Standard error that takes nothing while something is frozen: its reader has stopped, or it is a file on what is frozen.
//! Nothing waits for it, and what was to be said is said afterwards.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use agentapi_loop_disk::Disk;
use rustix::process::Signal;

use crate::support::streams::full_pipe;
use crate::support::{ENDLESS, FREEZE, Fixture, Outcome, Process, QUICK, THAW, report, wait_until};

/// Longer than any test waits: what ends earlier has not waited for the lease.
const LEASE: [&str; 2] = ["--lease-s", "600"];
const FROZEN_ONCE: [&str; 3] = ["thaw", "freeze", "thaw"];

/// Thaws when a test fails, before the process is killed: one that waits for the disk would not be gone.
struct ThawedAtTheEnd<'a>(&'a Disk);

impl Drop for ThawedAtTheEnd<'_> {
    fn drop(&mut self) {
        // Fails where it is thawed already.
        let _ = self.0.fsfreeze("-u");
    }
}

fn append_to(file: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(file).unwrap()
}

/// Waits for the end of a command whose stderr goes elsewhere.
#[track_caller]
fn outcome(mut process: Process) -> Outcome {
    let status = process.wait();
    let mut stdout = String::new();
    process.stdout().read_to_string(&mut stdout).unwrap();
    Outcome { status, stdout, stderr: String::new() }
}

/// By a program, where it cannot be seen that the log lies there: `--freeze-fs` refuses it.
fn frozen_run(fixture: &Fixture, disk: &Disk, log: &Path) -> Command {
    let mut command = fixture.freezing_run(&format!("exec {}", disk.freeze_line()), &disk.thaw_line(), &LEASE);
    command.stderr(append_to(log));
    command
}

/// What each step of a run printed.
#[track_caller]
fn assert_steps(log: &str, steps: &[&str]) {
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), steps.len(), "{log}");
    assert!(lines.iter().zip(steps).all(|(line, step)| line.starts_with(step)), "{log}");
}

#[test]
fn a_run_whose_log_lies_on_what_it_freezes_ends_by_itself_and_the_log_is_whole() {
    let Some(disk) = Disk::new() else { return };
    let (fixture, log) = (Fixture::with(QUICK), disk.path().join("backup.log"));
    let process = Process::spawn(frozen_run(&fixture, &disk, &log));
    let _thawed = ThawedAtTheEnd(&disk);
    let report = report(&outcome(process), 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"application".into()));
    assert_eq!(report["freeze"]["ended_by"], "thawed by its holder");
    assert!(!disk.is_frozen());
    let steps = ["a backup is due", "frozen", "backup bk-101-1 started", "backup bk-101-1: running", "thawed"];
    assert_steps(&fs::read_to_string(&log).unwrap(), &steps);
}

#[test]
fn a_signal_thaws_at_once_although_the_log_lies_on_what_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let (fixture, log) = (Fixture::with(ENDLESS), disk.path().join("backup.log"));
    let mut process = Process::spawn(frozen_run(&fixture, &disk, &log));
    let _thawed = ThawedAtTheEnd(&disk);
    wait_until("a backup is started", || fixture.starts() == 1);
    assert!(disk.is_frozen());
    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(143));
    assert!(!disk.is_frozen());
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("\nfrozen"), "{log}");
    let last = "interrupted before the extension had ended; what the agent has begun goes on\"}\n";
    assert!(log.ends_with(last), "{log}");
}

#[test]
fn a_run_that_is_killed_is_gone_although_its_log_lies_on_what_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let (fixture, log) = (Fixture::with(ENDLESS), disk.path().join("backup.log"));
    let mut process = Process::spawn(frozen_run(&fixture, &disk, &log));
    let _thawed = ThawedAtTheEnd(&disk);
    wait_until("a backup is started", || fixture.starts() == 1);
    // A thread that waited for the disk would keep the process, and its locks, until the thaw.
    assert!(disk.is_frozen());
    process.signal(Signal::KILL);
    assert_eq!(process.wait(), None);
    assert!(disk.is_frozen());
}

#[test]
fn a_command_that_gives_up_the_thaw_ends_and_its_last_words_reach_the_log_after_the_thaw() {
    let Some(disk) = Disk::new() else { return };
    let (fixture, log) = (Fixture::with(ENDLESS), disk.path().join("backup.log"));
    // The thaw works before the freeze, when it is tried, and never again.
    let freeze = format!("touch frozen; exec {}", disk.freeze_line());
    let more = [&LEASE[..], &["--thaw-give-up-s", "1"]].concat();
    let mut command = fixture.freezing_run(&freeze, "test ! -e frozen", &more);
    command.stderr(append_to(&log));
    let mut process = Process::spawn(command);
    let _thawed = ThawedAtTheEnd(&disk);
    wait_until("a backup is started", || fixture.starts() == 1);
    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(7));
    assert!(disk.is_frozen());
    disk.fsfreeze("-u").unwrap();
    let read = || fs::read_to_string(&log).unwrap();
    wait_until("the last words are in the log", || read().contains("given up: "));
    assert!(read().contains("\nfrozen"), "{}", read());
}

#[test]
fn a_reader_of_stderr_that_has_stopped_holds_up_neither_the_thaw_nor_the_end() {
    let fixture = Fixture::with(QUICK);
    let (reader, stderr) = full_pipe();
    let mut command = fixture.freezing_run(FREEZE, THAW, &[&LEASE[..], &["-vvv"]].concat());
    command.stderr(stderr);
    let report = report(&outcome(Process::spawn(command)), 0);
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"application".into()));
    assert_eq!(report["freeze"]["ended_by"], "thawed by its holder");
    assert_eq!(fixture.marks(), FROZEN_ONCE);
    drop(reader);
}

#[test]
fn a_signal_thaws_although_the_reader_of_stderr_has_stopped() {
    let fixture = Fixture::with(ENDLESS);
    let (reader, stderr) = full_pipe();
    let mut command = fixture.freezing_run(FREEZE, THAW, &LEASE);
    command.stderr(stderr);
    let mut process = Process::spawn(command);
    wait_until("a backup is started", || fixture.starts() == 1);
    process.signal(Signal::TERM);
    assert_eq!((process.wait(), fixture.marks()), (Some(143), FROZEN_ONCE.map(String::from).to_vec()));
    drop(reader);
}

#[test]
fn a_signal_ends_a_run_whose_report_nobody_reads_with_the_status_of_what_was_done() {
    let fixture = Fixture::with(QUICK);
    let (reader, stdout) = full_pipe();
    let mut command = fixture.freezing_run(FREEZE, THAW, &LEASE);
    command.stdout(stdout).stderr(append_to(&fixture.path("log")));
    let mut process = Process::spawn(command);
    wait_until("it writes its report", || process.has_thread("stdout"));
    process.signal(Signal::TERM);
    assert_eq!((process.wait(), fixture.marks()), (Some(0), FROZEN_ONCE.map(String::from).to_vec()));
    let log = fs::read_to_string(fixture.path("log")).unwrap();
    let message = "it is exit status 0: signal 15 came before a reader had taken it";
    assert!(log.contains(message), "{log}");
    drop(reader);
}
