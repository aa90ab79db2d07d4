//! When the process runs out of file descriptors, every call still ends, by name, and the process recovers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agentapi_mock::MockAgent;
use tokio::process::Command;

use crate::support::{cargo, target};

/// The example, built if only this test was.
fn burst() -> PathBuf {
    assert!(cargo().args(["build", "--quiet", "--example", "burst"]).status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/burst")
}

const FEW_FILES: &str = "ulimit -n 64";

/// The counts of a burst of calls by a process that is limited so, and what each agent's call after it came to.
pub(crate) async fn limited_burst(limit: &str, agents: usize, calls: usize) -> (BTreeMap<String, usize>, Vec<String>) {
    let mock = MockAgent::start().await.unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(burst());
    shell.args([mock.endpoint(), mock.fingerprint().to_string(), agents.to_string(), calls.to_string()]);
    shell.env("AGENTAPI_TOKEN", mock.token()).env("AGENTAPI_CACHE_DIR", target().join("e2e-cache"));
    let output = shell.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut counts = BTreeMap::new();
    let mut after = Vec::new();
    for line in printed.lines() {
        match line.split_once(' ').unwrap() {
            ("after", outcome) => after.push(outcome.to_owned()),
            (kind, count) => drop(counts.insert(kind.to_owned(), count.parse().unwrap())),
        }
    }
    (counts, after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_through_one_agent_are_all_answered() {
    let (counts, after) = limited_burst(FEW_FILES, 1, 500).await;
    assert_eq!(counts, BTreeMap::from([("ok".to_owned(), 500)]));
    assert_eq!(after, ["ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_that_want_more_connections_than_there_are_files_end_by_name_and_it_recovers() {
    let (counts, after) = limited_burst(FEW_FILES, 5, 500).await;
    assert_eq!(counts.values().sum::<usize>(), 500, "{counts:?}");
    assert!(counts.keys().all(|kind| kind == "ok" || kind == "unreachable"), "{counts:?}");
    assert!(counts.contains_key("unreachable"), "the limit was not met: {counts:?}");
    assert_eq!(after, ["ok"; 5]);
}
