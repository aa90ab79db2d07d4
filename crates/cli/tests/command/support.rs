//! One fixture: a mock agent, and the command with an environment that holds nothing but what names that agent.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use agentapi_mock::{MockAgent, Scenario};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A token that is found wherever it is printed.
pub(crate) const TOKEN: &str = "guest-token-7c1f";

/// A mock agent on a runtime of its own. Stops when dropped.
pub(crate) struct Fixture {
    pub(crate) agent: MockAgent,
    runtime: Runtime,
}

/// What a command that has ended left behind.
#[derive(Debug)]
pub(crate) struct Ended {
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
        Self { agent, runtime }
    }

    /// The command, connected to this agent.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("AGENTAPI_ENDPOINT", self.agent.endpoint());
        command.env("AGENTAPI_FINGERPRINT", self.agent.fingerprint().to_string());
        command.env("AGENTAPI_TOKEN", TOKEN);
        command
    }

    /// Runs the command, which is to be done, and gives what it printed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ended = run(self.command(arguments));
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// Runs the command with `--json`, and gives its one line as JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        one_line_of_json(&self.done(&[arguments, &["--json"]].concat()))
    }

    /// Runs the command, which is not to be done, and gives what it said.
    #[track_caller]
    pub(crate) fn not_done(&self, arguments: &[&str]) -> String {
        let ended = run(self.command(arguments));
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
        ended.stderr
    }

    /// Answers of `agentapi call` to these lines.
    #[track_caller]
    pub(crate) fn call(&self, lines: &[u8]) -> Vec<Value> {
        answers(run_with(self.command(&["call"]), lines))
    }

    /// Stops the agent: nobody listens there any more.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.agent.stop());
    }
}

/// The command, connected to no agent.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentapi"));
    // Shared by all tests, so that the component is compiled once.
    command.env_clear().env("AGENTAPI_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/agentapi-cache"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end, without input.
pub(crate) fn run(mut command: Command) -> Ended {
    command.output().unwrap().into()
}

/// Runs it to its end, with this input.
pub(crate) fn run_with(mut command: Command, input: &[u8]) -> Ended {
    let mut running = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    thread::scope(|scope| {
        // Whether the input is read to its end is for the test to say.
        scope.spawn(move || drop(stdin.write_all(input)));
        running.wait_with_output().unwrap().into()
    })
}

/// The answers of a call that answered every line.
#[track_caller]
pub(crate) fn answers(ended: Ended) -> Vec<Value> {
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
pub(crate) fn one_line_of_json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { status: output.status.code(), stdout, stderr }
    }
}
