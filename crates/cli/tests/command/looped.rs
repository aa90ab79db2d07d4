//! One fixture for the backup loop: an agent, applications that leave marks, and a run that can be signalled.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use agentapi_host::Route;
use agentapi_mock::{Fault, Repeat, RouteSelector};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, Fixture, one_line_of_json};

/// Backups that end soon.
pub(crate) const QUICK: &str = "[backup]\nduration_ms = 300";
/// Backups that do not end while a test looks.
pub(crate) const ENDLESS: &str = "[backup]\nduration_ms = 600000";
/// A bound that is only met when something is wrong.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// An agent, and a folder for the journal and for what the freeze and thaw programs leave.
pub(crate) struct Loop {
    pub(crate) fixture: Fixture,
    pub(crate) dir: TempDir,
}

impl Loop {
    pub(crate) fn with(scenario: &str) -> Self {
        Self { fixture: Fixture::with(scenario), dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn command(&self, more: &[&str]) -> Command {
        self.fixture.command(&[&["backup", "run", "--json", "--poll-ms", "20"], more].concat())
    }

    /// Also with an application whose freeze and thaw are these scripts.
    pub(crate) fn freezing(&self, freeze: &str, thaw: &str, more: &[&str]) -> Command {
        let line = |script: &str| {
            shlex::try_join(["sh", "-c", &format!("cd '{}' || exit; {script}", self.dir.path().display())]).unwrap()
        };
        let mut command = self.command(more);
        command.args(["--freeze", &line(freeze), "--thaw", &line(thaw)]);
        command.arg("--journal").arg(self.dir.path().join("journal"));
        command
    }

    /// What the scripts have left in the file `done`.
    pub(crate) fn done(&self) -> Vec<String> {
        fs::read_to_string(self.dir.path().join("done")).unwrap_or_default().lines().map(String::from).collect()
    }

    pub(crate) fn journal(&self) -> String {
        fs::read_to_string(self.dir.path().join("journal")).unwrap()
    }

    pub(crate) fn inject(&self, route: Route, fault: Fault, times: Repeat) {
        self.fixture.agent.inject(RouteSelector::Only(route), fault, times);
    }

    /// How many backups the agent was asked to start.
    pub(crate) fn starts(&self) -> usize {
        let is_start = |path: &str, method: &str| path == "/backup" && method == "POST";
        let requests = self.fixture.agent.requests();
        requests.iter().filter(|request| is_start(&request.path, request.method.as_str())).count()
    }
}

pub(crate) const FREEZE: &str = "echo freeze >> done";
pub(crate) const THAW: &str = "echo thaw >> done";

#[track_caller]
pub(crate) fn report(ended: &Ended, status: i32) -> Value {
    assert_eq!(ended.status, Some(status), "{ended:?}");
    one_line_of_json(&ended.stdout)
}

/// A command that has frozen. Killed when dropped.
pub(crate) struct Frozen(Child);

impl Frozen {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("backup bk-")), "it ended before a backup ran");
        // Whoever prints to a pipe that nobody reads is ended by that.
        thread::spawn(move || lines.for_each(drop));
        Self(child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    #[track_caller]
    pub(crate) fn status(mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < LONG, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
