//! Signals while something is frozen: thawed first, whatever the signal then does.

use std::fs;
use std::thread;
use std::time::Duration;

use agentapi_host::quiesce::ending_signals;
use rustix::process::Signal;

use crate::support::{Beside, ENDLESS, FREEZE, Fixture, THAW, wait_until};

/// A run that has frozen, and whose backup goes on.
fn frozen(fixture: &Fixture, more: &[&str]) -> Beside {
    let frozen = Beside::spawn(fixture.freezing_run(FREEZE, THAW, more));
    frozen.wait_for("backup bk-");
    assert_eq!(fixture.marks(), ["thaw", "freeze"]);
    frozen
}

fn last_line(fixture: &Fixture) -> String {
    fixture.journal().lines().last().unwrap().to_owned()
}

fn state(running: &Beside) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", running.pid())).unwrap();
    stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

#[test]
fn every_signal_that_ends_a_process_thaws_first_and_ends_it_with_its_number() {
    // The first and the last of the real-time signals stand for all of them.
    for signal in ending_signals().filter(|signal| *signal <= 34 || *signal == 64) {
        let fixture = Fixture::with(ENDLESS);
        let mut running = frozen(&fixture, &[]);
        kill(&running, signal);
        assert_eq!(running.status(), 128 + signal, "{}", running.stderr());
        assert_eq!(fixture.marks(), ["thaw", "freeze", "thaw"], "signal {signal}");
        let line = last_line(&fixture);
        // Where the command handles it too, the run may be dropped a moment before.
        let ended = [format!("signal {signal} ended it"), "its holder was gone".into()];
        assert!(ended.iter().any(|ended| line.contains(ended)), "signal {signal}: {line}");
        assert_eq!(running.stdout(), "");
    }
}

/// With a number, which not every one of them has as a constant.
fn kill(running: &Beside, signal: i32) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-s", &signal.to_string(), &running.pid().to_string()]).status().unwrap().success());
}

#[test]
fn with_an_audit_a_hangup_thaws_nothing() {
    let fixture = Fixture::with(ENDLESS);
    let audit = fixture.path("audit");
    let mut running = frozen(&fixture, &["--audit", audit.to_str().unwrap()]);
    running.signal(Signal::HUP);
    // Handled in their order, by the same threads.
    running.signal(Signal::TERM);
    assert_eq!(running.status(), 143);
    assert_eq!(fixture.marks(), ["thaw", "freeze", "thaw"]);
    assert!(!last_line(&fixture).contains("signal 1 "), "{}", last_line(&fixture));
}

#[test]
fn a_process_that_was_stopped_beyond_its_lease_thaws_as_soon_as_it_goes_on() {
    for stop in [Signal::TSTP, Signal::STOP] {
        let fixture = Fixture::with(ENDLESS);
        let mut running = frozen(&fixture, &["--lease-s", "2"]);
        running.signal(stop);
        wait_until("it is stopped", || state(&running) == 'T');
        // The time of the lease passes.
        thread::sleep(Duration::from_millis(2500));
        assert_eq!((fixture.marks().len(), state(&running)), (2, 'T'), "nobody else thaws");
        running.signal(Signal::CONT);
        wait_until("it thaws", || fixture.marks().len() == 3);
        wait_until("it is journalled", || last_line(&fixture).contains("the lease ended"));
        assert!(running.is_running());
        running.signal(Signal::TERM);
        assert_eq!(running.status(), 143);
    }
}

#[test]
fn the_first_signal_leaves_nothing_frozen_and_the_second_one_does() {
    let fixture = Fixture::with(ENDLESS);
    let stubborn = "test ! -e held || { echo 'no such container' >&2; exit 1; }";
    // A program has a second, so a thaw that fails is told ten seconds later.
    let mut running = Beside::spawn(fixture.freezing_run("touch held", stubborn, &["--program-timeout-s", "1"]));
    running.wait_for("backup bk-");
    running.signal(Signal::TERM);
    running.wait_for("interrupted before the extension had ended; what the agent has begun goes on\n");
    running.wait_for("not thawed yet: backup-loop: its applications are being thawed for ");
    running.wait_for("it is tried until it works; another signal ends this command without it");
    running.signal(Signal::INT);
    assert_eq!(running.status(), 7, "{}", running.stderr());
    let expected = "`agentapi thaw --journal ";
    assert!(running.stderr().lines().last().unwrap().contains(expected), "{}", running.stderr());
    assert!(last_line(&fixture).contains(r#""event":"frozen""#));
    assert_eq!(running.stdout(), "");
}
