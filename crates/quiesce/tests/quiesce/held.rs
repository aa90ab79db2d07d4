//! Another process that holds a freeze.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Fixture;

pub(crate) fn hold_freeze() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("hold_freeze"))
}

/// An example of this crate, built if only this test was. By a cargo as it would be called by hand: what the one that runs
/// the tests has set would make it build again what depends on it.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let is_set_by_cargo = name.to_str().is_some_and(|name| name.starts_with("CARGO_") && !KEPT.contains(&name));
        if is_set_by_cargo {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("OUT_DIR").args(["--locked", "build", "--quiet", "--example", name]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// A process that freezes. Killed when dropped.
pub(crate) struct Held {
    /// `None` when it is abandoned.
    child: Option<Child>,
    output: Option<BufReader<ChildStdout>>,
}

impl Held {
    /// With the fixture's journal. Not frozen yet.
    pub(crate) fn begin(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut command = Command::new(hold_freeze());
        command.arg(fixture.path("journal.jsonl")).args(arguments);
        Self::spawn(command)
    }

    /// As a user who is not root.
    pub(crate) fn begin_as_nobody(fixture: &Fixture, arguments: &[&str]) -> Self {
        std::os::unix::fs::chown(fixture.path("."), Some(NOBODY), None).unwrap();
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), "--clear-groups"]).arg(fixture.copied(hold_freeze()));
        command.arg(fixture.path("journal.jsonl")).args(arguments);
        Self::spawn(command)
    }

    /// With the fixture's journal, when it has frozen.
    pub(crate) fn start(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut held = Self::begin(fixture, arguments);
        assert_eq!(held.line(), "frozen");
        held
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child: Some(child), output }
    }

    /// What it prints next. Empty when it has ended.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.as_ref().unwrap().id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// How it ended, which is soon.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it has not ended");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// Kills it and does not wait for its end, which may have to wait for a thaw.
    pub(crate) fn abandon(mut self) {
        let _ = self.child.as_mut().map(Child::kill);
        let child = self.child.take();
        std::thread::spawn(move || child.map(|mut child| child.wait()));
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }
}

impl Drop for Held {
    /// With SIGKILL: nothing of it runs any more, unless the test has failed and it waits for a disk.
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let _ = child.kill();
        let until = Instant::now() + Duration::from_secs(5);
        while child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// What a user sets.
const KEPT: [&str; 3] = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS"];
const NOBODY: u32 = 65534;
