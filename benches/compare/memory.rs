//! What an idle agent holds: processes of their own, each with many connected agents that were called once and so keep a
//! connection, and their resident memory divided by the number. A native client holds its TLS and its connection too.

use std::process::Command;
use std::{env, fs};

use agentapi_host::{Host, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;

use crate::agent::{Agents, typical};
use crate::native::Native;
use crate::paired::Effort;
use crate::records::Storage;

/// What this program is called with to be one of those processes.
pub(crate) const CHILD: &str = "--hold";
/// File descriptors that are needed for other things.
const OTHER_FILES: u64 = 200;

pub(crate) fn run(effort: &Effort) {
    println!("\n### memory of an idle agent that was called once, kept-alive connection included\n");
    println!("| agents | native | component | difference |\n| ---: | ---: | ---: | ---: |");
    for wanted in [effort.pick(1_000, 20), effort.pick(10_000, 50)] {
        let agents = wanted.min(most_agents());
        let server = Agents::start(1, &typical());
        let [native, component] = ["native", "component"].map(|kind| held(kind, agents, server.first()));
        println!(
            "| {agents} | {:.1} KiB | {:.1} KiB | {:.1} KiB |",
            native / 1024.0,
            component / 1024.0,
            (component - native) / 1024.0
        );
    }
}

/// Bytes for each agent, as a child finds them.
fn held(kind: &str, agents: usize, connection: &Target) -> f64 {
    let (endpoint, pin) = (connection.endpoint.to_string(), connection.pins.as_slice()[0].to_string());
    let child = Command::new(env::current_exe().unwrap())
        .args([CHILD, kind, &agents.to_string(), &endpoint, connection.token.reveal(), &pin])
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    String::from_utf8(child.stdout).unwrap().trim().parse().unwrap()
}

/// A socket for each is the least, on both sides.
fn most_agents() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // What is allowed is reported by how many agents there are.
    let _ = setrlimit(Resource::Nofile, most);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(allowed.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX)
}

/// One of the processes: connects, calls, and prints bytes for each agent.
pub(crate) fn hold(arguments: &[String]) {
    let [kind, agents, endpoint, token, pin] = arguments else { panic!("expected five arguments") };
    most_agents();
    let agents: usize = agents.parse().unwrap();
    let connection = Target::parse(endpoint, token, [pin]).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let bytes = runtime.block_on(async {
        if kind == "native" {
            hold_native(&connection, agents).await
        } else {
            hold_component(&connection, agents).await
        }
    });
    println!("{}", bytes / f64::from(u32::try_from(agents).unwrap()));
}

async fn hold_native(connection: &Target, agents: usize) -> f64 {
    let first = Native::new(connection);
    drop(first.get::<Storage>("/storage").await);
    let before = resident_bytes();
    let mut held = Vec::with_capacity(agents);
    for _ in 0..agents {
        let native = Native::new(connection);
        drop(native.get::<Storage>("/storage").await);
        held.push(native);
    }
    resident_bytes() - before
}

async fn hold_component(connection: &Target, agents: usize) -> f64 {
    let host = Host::builder().build().unwrap();
    let first = host.agent(connection.clone()).unwrap();
    drop(first.storage().await.unwrap());
    let before = resident_bytes();
    let mut held = Vec::with_capacity(agents);
    for _ in 0..agents {
        let agent = host.agent(connection.clone()).unwrap();
        drop(agent.storage().await.unwrap());
        held.push(agent);
    }
    resident_bytes() - before
}

/// Source: proc(5), `/proc/pid/status`.
fn resident_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}
