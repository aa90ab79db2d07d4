//! A process that dies while it holds a freeze, and the next one.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use agentapi_quiesce::{Coordinator, EndedBy, JournalError, Programs};

use crate::support::{Fixture, LONG, idle, settings};

/// The example, built if only this test was. By a cargo as it would be called by hand: what the one that runs the tests
/// has set would make it build again what depends on it.
fn hold_freeze() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let is_set_by_cargo = name.to_str().is_some_and(|name| name.starts_with("CARGO_") && !KEPT.contains(&name));
        if is_set_by_cargo {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("OUT_DIR").args(["--locked", "build", "--quiet", "--example", "hold_freeze"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/hold_freeze")
}

/// What a user sets.
const KEPT: [&str; 3] = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS"];

/// A process that has frozen. Killed when dropped.
struct Holder(Child);

impl Holder {
    fn start(fixture: &Fixture, freeze: &str, thaw: &str) -> Self {
        let mut command = Command::new(hold_freeze());
        command.arg(fixture.path("journal.jsonl")).args([fixture.line(freeze), fixture.line(thaw)]);
        let mut holder = Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(holder.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "frozen\n");
        holder
    }
}

impl Drop for Holder {
    /// With SIGKILL: nothing of it runs any more.
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn what_a_killed_process_left_frozen_is_thawed_by_the_next_and_journalled() {
    let fixture = Fixture::new();
    let (freeze, thaw) = ("touch frozen; echo +a >> done", "echo -a >> done; rm -f frozen");
    let holder = Holder::start(&fixture, freeze, thaw);

    // While it lives, nobody thaws what it holds.
    let programs = || Arc::new(Programs::parse(&[fixture.line(freeze)], &[fixture.line(thaw)]).unwrap());
    let opened = Coordinator::open(fixture.path("journal.jsonl"), programs(), settings());
    assert!(
        matches!(&opened, Err(JournalError::InUse { holder, .. }) if holder.as_deref() == Some("hold_freeze")),
        "{opened:?}"
    );

    drop(holder);
    assert!(fixture.path("frozen").exists());
    assert_eq!((fixture.done(), fixture.journal().lines().count()), (vec!["+a".to_owned()], 1));

    let coordinator = fixture.open(&[(freeze, thaw)], LONG, settings());
    let busy = coordinator.freeze("nightly").await.unwrap_err();
    assert_eq!(busy.to_string(), "hold_freeze holds the freeze: its applications are being thawed");
    let report = idle(&coordinator).await;
    assert_eq!((report.holder.as_str(), report.ended_by), ("hold_freeze", EndedBy::Recovered));
    assert_eq!(report.consistency().to_string(), "crash-consistent: its process was gone");
    assert!(!fixture.path("frozen").exists());
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"recovered","holder":"hold_freeze""#));
    assert_eq!(fixture.done(), ["+a", "-a"]);

    coordinator.freeze("nightly").await.unwrap().thaw().await.unwrap();
    drop(coordinator);
    let coordinator = fixture.open(&[(freeze, thaw)], LONG, settings());
    assert_eq!((coordinator.status(), coordinator.last_report()), (None, None));
}
