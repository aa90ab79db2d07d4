//! One fixture: a directory in which programs leave marks, and a coordinator whose journal lies there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agentapi_quiesce::{Coordinator, Parked, Programs, Report, Settings};
use tempfile::TempDir;

/// A bound that is only met when something is wrong.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One whose journal lies on this disk.
    pub(crate) fn on(folder: &Path) -> Self {
        Self { dir: tempfile::tempdir_in(folder).unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy that another user may run.
    pub(crate) fn copied(&self, program: &Path) -> PathBuf {
        let copy = self.path("program");
        fs::copy(program, &copy).unwrap();
        copy
    }

    /// A command line that runs this script in the directory. Every script can leave a line in the file `done`.
    pub(crate) fn line(&self, script: &str) -> String {
        let script = format!("cd '{}' || exit; {script}", self.dir.path().display());
        shlex::try_join(["sh", "-c", &script]).unwrap()
    }

    /// A coordinator of applications, each with these scripts to freeze and thaw it. The thaw's trial before the first
    /// freeze runs no script: it has tests of its own.
    pub(crate) fn open(&self, scripts: &[(&str, &str)], timeout: Duration, settings: Settings) -> Coordinator {
        let freeze: Vec<_> = scripts.iter().map(|(freeze, _)| self.line(freeze)).collect();
        let tried = |index, thaw| format!("test -e tried.{index} || {{ touch tried.{index}; exit 0; }}; {thaw}");
        let thaw = scripts.iter().enumerate().map(|(index, (_, thaw))| self.line(&tried(index, thaw)));
        let thaw: Vec<_> = thaw.collect();
        let programs = Programs::parse(&freeze, &thaw).unwrap().with_timeout(timeout);
        Coordinator::open(self.path("journal.jsonl"), programs, settings).unwrap()
    }

    /// What the scripts have left in the file `done`.
    pub(crate) fn done(&self) -> Vec<String> {
        fs::read_to_string(self.path("done")).unwrap_or_default().lines().map(String::from).collect()
    }

    pub(crate) fn journal(&self) -> String {
        fs::read_to_string(self.path("journal.jsonl")).unwrap()
    }
}

pub(crate) fn parked() -> Parked {
    Parked::nothing_to_park()
}

pub(crate) fn settings() -> Settings {
    Settings { thaw_wait: LONG, longest_pause: Duration::from_millis(50), ..Settings::default() }
}

/// The report of the last freeze, once nothing is frozen.
pub(crate) async fn idle(coordinator: &Coordinator) -> Report {
    tokio::time::timeout(LONG, coordinator.idle()).await.expect("thawed in time").unwrap();
    coordinator.last_report().unwrap()
}

/// Looks again and again until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether the process whose id a script left in this file is still running. A zombie is not.
pub(crate) fn is_running(pid: &Path) -> bool {
    let pid = fs::read_to_string(pid).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, state)| !state.starts_with(" Z"))
}
