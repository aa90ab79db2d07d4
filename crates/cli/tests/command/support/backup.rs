//! The fixture for `agentapi backup run`: an application whose freeze and thaw leave marks in a file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::thread;

use agentapi_host::Route;
use agentapi_mock::{Fault, Repeat, RouteSelector};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Beside, Fixture, Outcome, Process, one_line_of_json};

/// A scenario whose backups end soon.
pub(crate) const QUICK: &str = "[backup]\nduration_ms = 300";
/// A scenario whose backups outlast every test.
pub(crate) const ENDLESS: &str = "[backup]\nduration_ms = 600000";
/// Scripts that succeed and leave a mark.
pub(crate) const FREEZE: &str = "echo freeze >> marks";
pub(crate) const THAW: &str = "echo thaw >> marks";

impl Fixture {
    /// A run that freezes nothing.
    pub(crate) fn backup_run(&self, more: &[&str]) -> Command {
        self.command(&[&["backup", "run", "--json", "--poll-ms", "20"], more].concat())
    }

    /// A run with an application whose freeze and thaw are these scripts.
    pub(crate) fn freezing_run(&self, freeze: &str, thaw: &str, more: &[&str]) -> Command {
        let dir = self.path("");
        let program =
            |script: &str| shlex::try_join(["sh", "-c", &format!("cd '{}' || exit; {script}", dir.display())]).unwrap();
        let mut command = self.backup_run(more);
        command.args(["--freeze", &program(freeze), "--thaw", &program(thaw)]);
        command.arg("--journal").arg(self.path("journal"));
        command
    }

    /// A backup that has frozen and goes on, and is killed.
    pub(crate) fn die_frozen(&self, freezing: Command) {
        let mut frozen = Beside::spawn(freezing);
        frozen.wait_for("backup bk-");
        frozen.signal(Signal::KILL);
        assert_eq!(frozen.status(), 137);
        assert!(self.journal().lines().last().unwrap().contains(r#""event":"frozen""#));
    }

    /// What the scripts have left in the file `marks`.
    pub(crate) fn marks(&self) -> Vec<String> {
        fs::read_to_string(self.path("marks")).unwrap_or_default().lines().map(String::from).collect()
    }

    pub(crate) fn journal(&self) -> String {
        fs::read_to_string(self.path("journal")).unwrap()
    }

    pub(crate) fn inject(&self, route: Route, fault: Fault, times: Repeat) {
        self.agent.inject(RouteSelector::Only(route), fault, times);
    }

    /// How many backups the agent was asked to start.
    pub(crate) fn starts(&self) -> usize {
        let is_start = |path: &str, method: &str| path == "/backup" && method == "POST";
        let requests = self.agent.requests();
        requests.iter().filter(|request| is_start(&request.path, request.method.as_str())).count()
    }
}

impl Process {
    /// Starts a run and waits until it has started its backup.
    pub(crate) fn spawn_backup(command: Command) -> Self {
        let mut process = Self::spawn(command);
        let mut lines = BufReader::new(process.stderr()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("backup bk-")), "it ended before a backup ran");
        // Somebody must go on reading, or the command would find the pipe full or closed.
        thread::spawn(move || lines.for_each(drop));
        process
    }
}

/// The report of a run that ended with this status.
#[track_caller]
pub(crate) fn report(outcome: &Outcome, status: i32) -> Value {
    assert_eq!(outcome.status, Some(status), "{outcome:?}");
    one_line_of_json(&outcome.stdout)
}
