//! The programs that are measured as processes of their own, built as this benchmark is.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use agentapi_host::Target;

use crate::built::cargo;

pub(crate) struct Programs {
    /// One call by the native client: `tools/native_call.rs`.
    pub(crate) native: PathBuf,
    pub(crate) agentapi: PathBuf,
}

/// Builds them, once.
pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

/// A program with pipes, which reads from its environment who its agent is.
pub(crate) fn client_of(agent: &Target, program: &Path) -> Command {
    let mut client = Command::new(program);
    client
        .env("AGENTAPI_ENDPOINT", agent.endpoint.to_string())
        .env("AGENTAPI_FINGERPRINT", agent.pins.as_slice()[0].to_string())
        .env("AGENTAPI_TOKEN", agent.token.reveal())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    client
}

/// A client of an agent that answers each line with one. It ends with its input, when this is dropped.
pub(crate) struct Lines {
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Lines {
    pub(crate) fn start(client: &mut Command) -> Self {
        let mut child = client.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { requests: child.stdin.take(), answers, child }
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        // Written at once: two writes would wake it twice.
        self.requests.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.requests.take());
        // It has answered what it was asked.
        let _ = self.child.wait();
    }
}

fn build() -> Programs {
    let benchmark = env::current_exe().unwrap();
    // FOLDER/deps/compare-HASH, where the folder has the profile's name, but for that of the development profile.
    let folder = benchmark.parent().and_then(Path::parent).unwrap();
    let mut build = cargo();
    build.args(["build", "--quiet", "--example", "native_call", "--bin", "agentapi"]);
    if folder.ends_with("debug") {
        // With the features of all that the tests select: they have built it.
        build.args(["--profile", "dev"]);
    } else {
        build.args(["--profile", "bench", "--package", "agentapi", "--package", "agentapi-cli"]);
    }
    assert!(build.status().unwrap().success());
    Programs { native: folder.join("examples/native_call"), agentapi: folder.join("agentapi") }
}
