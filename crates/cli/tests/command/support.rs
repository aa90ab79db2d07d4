//! One fixture: a mock agent, a directory, and the command with an environment that only names that agent.

#[cfg(unix)]
mod backup;
#[cfg(unix)]
mod beside;
#[cfg(target_os = "linux")]
pub(crate) mod controller;
mod process;
#[cfg(target_os = "linux")]
pub(crate) mod streams;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use agentapi_mock::{MockAgent, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[cfg(unix)]
pub(crate) use backup::{ENDLESS, FREEZE, QUICK, THAW, report};
#[cfg(unix)]
pub(crate) use beside::Beside;
pub(crate) use process::Process;

/// A token that is found wherever it is printed.
pub(crate) const TOKEN: &str = "guest-token-7c1f";
/// A fingerprint that no certificate has.
pub(crate) const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How long a test waits for something that takes milliseconds. Reached only if it never happens.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A mock agent on a runtime of its own, and a directory for files. Both are gone when it is dropped.
pub(crate) struct Fixture {
    pub(crate) agent: MockAgent,
    dir: TempDir,
    runtime: Runtime,
}

/// How a command ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Fixture {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With a scenario that differs from the default by this TOML.
    pub(crate) fn with(toml: &str) -> Self {
        let mut scenario = Scenario::from_toml(toml).unwrap();
        scenario.token = Some(TOKEN.parse().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let agent = runtime.block_on(MockAgent::builder().scenario(scenario).start()).unwrap();
        Self { agent, dir: tempfile::tempdir().unwrap(), runtime }
    }

    /// The path of a file in the fixture's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command, connected to this agent.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("AGENTAPI_ENDPOINT", self.agent.endpoint());
        command.env("AGENTAPI_FINGERPRINT", self.agent.fingerprint().to_string());
        command.env("AGENTAPI_TOKEN", TOKEN);
        command
    }

    /// Runs a command that must succeed without a message, and returns what it printed.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let outcome = run(self.command(arguments));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{arguments:?}: {outcome:?}");
        outcome.stdout
    }

    /// Runs a command that must succeed with `--json`, and returns its one line.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        one_line_of_json(&self.succeed(&[arguments, &["--json"]].concat()))
    }

    /// Runs a command that must fail and print no result, and returns its message.
    #[track_caller]
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        self.end_with(1, arguments)
    }

    /// Runs a command that must end with this status and print no result, and returns its message.
    #[track_caller]
    pub(crate) fn end_with(&self, status: i32, arguments: &[&str]) -> String {
        let outcome = run(self.command(arguments));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(status), ""), "{arguments:?}: {outcome:?}");
        outcome.stderr
    }

    /// The answers of `agentapi call` to these lines.
    #[track_caller]
    pub(crate) fn call(&self, lines: &[u8]) -> Vec<Value> {
        answers(run_with(self.command(&["call"]), lines))
    }

    /// Stops the agent: nothing listens at its endpoint any more.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.agent.stop());
    }
}

/// The command, connected to no agent.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentapi"));
    // One cache for all tests, so that the component is compiled once.
    command.env_clear().env("AGENTAPI_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/agentapi-cache"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end, without input.
pub(crate) fn run(mut command: Command) -> Outcome {
    command.output().unwrap().into()
}

/// Runs a command to its end, with this input.
pub(crate) fn run_with(mut command: Command, input: &[u8]) -> Outcome {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // The command may end before it has read everything: that is for the test to judge.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().into()
    })
}

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < TIME_LIMIT, "not within {TIME_LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The answers of a call that answered every line.
#[track_caller]
pub(crate) fn answers(outcome: Outcome) -> Vec<Value> {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
pub(crate) fn one_line_of_json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { status: output.status.code(), stdout, stderr }
    }
}
