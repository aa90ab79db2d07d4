//! A burst of calls in a process of its own, whose limits the test sets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agentapi_mock::MockAgent;
use tokio::process::Command;

use crate::support::{build_folder, cargo};

/// The outcomes of a burst.
pub(crate) struct Burst {
    /// How many calls ended with which kind; `ok` for those that succeeded.
    pub(crate) kinds: BTreeMap<String, usize>,
    /// The outcome of one more call through each agent, after the burst.
    pub(crate) after: Vec<String>,
}

/// Makes calls through several clients of a mock agent, in a process that the command `ulimit` has limited.
pub(crate) async fn burst(limit: &str, clients: usize, calls: usize) -> Burst {
    let mock = MockAgent::start().await.unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(program());
    shell.args([mock.endpoint(), mock.fingerprint().to_string(), clients.to_string(), calls.to_string()]);
    shell.env("AGENTAPI_TOKEN", mock.token()).env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    let output = shell.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut burst = Burst { kinds: BTreeMap::new(), after: Vec::new() };
    for line in printed.lines() {
        match line.split_once(' ').unwrap() {
            ("after", outcome) => burst.after.push(outcome.to_owned()),
            (kind, count) => drop(burst.kinds.insert(kind.to_owned(), count.parse().unwrap())),
        }
    }
    burst
}

/// The example `burst`. Cargo has built it with the tests, unless only this one was asked for.
fn program() -> PathBuf {
    assert!(cargo().args(["build", "--quiet", "--example", "burst"]).status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/burst")
}
