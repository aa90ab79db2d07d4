//! Every signal that ends a process.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use agentapi_quiesce::ending_signals;

use crate::held::Held;
use crate::support::Fixture;

#[test]
fn every_signal_that_ends_a_process_thaws_first() {
    // The first and the last of the real-time signals stand for all of them.
    for signal in ending_signals().filter(|signal| *signal <= 34 || *signal == 64) {
        let fixture = Fixture::new();
        let mut held = Held::start(&fixture, &[&fixture.line("touch frozen"), &fixture.line("rm -f frozen")]);
        assert!(fixture.path("frozen").exists());
        let kill = Command::new("kill").args(["-s", &signal.to_string(), &held.pid().to_string()]).status();
        assert!(kill.unwrap().success(), "signal {signal}");
        let ended = held.ended();
        assert!(ended.signal() == Some(signal) || ended.code() == Some(128 + signal), "signal {signal}: {ended}");
        assert!(!fixture.path("frozen").exists(), "signal {signal}");
        let told = format!("signal {signal} ended it");
        assert!(fixture.journal().lines().last().unwrap().contains(&told), "{}", fixture.journal());
    }
}
