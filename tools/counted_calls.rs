//! Calls whose instructions `tools/count-instructions` counts: by one client, in one thread, with nothing beside it.
//!
//! ```text
//! counted_calls native|component KIND CALLS CACHE    makes the calls, of an agent that it starts
//! counted_calls agent KIND                           is the agent, until its input ends
//! ```
//!
//! The agent is a process of its own, because what counts instructions would otherwise count the agent's too. Compiled code
//! is kept in the folder `CACHE`: it is for the processor that valgrind shows, which is not quite that of the machine.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a count of what fails is none")]

#[path = "../benches/compare/agent.rs"]
#[allow(dead_code, reason = "shared with the benchmark, which needs more of it")]
mod agent;
#[path = "../benches/compare/native.rs"]
mod native;
#[path = "../benches/compare/records.rs"]
mod records;

use std::env;
use std::io::{BufRead, BufReader, stdin};
use std::process::{Child, Command, Stdio};

use agentapi_host::{Agent, Host, Target};
use tokio::runtime::Builder;

use crate::agent::{Agents, large, typical};
use crate::native::Native;
use crate::records::{Disks, Metrics, Storage};

/// What is asked for.
#[derive(Clone, Copy)]
enum Kind {
    Small,
    Disks,
    Metrics,
    Large,
}

const KINDS: [(&str, Kind); 4] =
    [("small", Kind::Small), ("disks", Kind::Disks), ("metrics", Kind::Metrics), ("large", Kind::Large)];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["agent", kind] => be_agent(kind),
        [contender, kind, calls, cache] => {
            make_calls(contender, kind, calls.parse().expect("a number of calls"), cache)
        }
        _ => panic!("expected `agent KIND` or `native|component KIND CALLS CACHE`"),
    }
}

fn kind_of(name: &str) -> Kind {
    KINDS.into_iter().find(|(known, _)| *known == name).expect("the name of a kind").1
}

/// Prints its endpoint, token and fingerprint, and answers until its input ends.
fn be_agent(kind: &str) {
    let agents = Agents::start(1, &if matches!(kind_of(kind), Kind::Large) { large() } else { typical() });
    let target = agents.first();
    println!("{} {} {}", target.endpoint, target.token.reveal(), target.pins.as_slice()[0]);
    stdin().read_line(&mut String::new()).unwrap();
}

fn make_calls(contender: &str, kind: &str, calls: u32, cache: &str) {
    let agent = AgentProcess::start(kind);
    let (target, kind) = (agent.target.clone(), kind_of(kind));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // In a task, as a controller makes its calls.
    match contender {
        "native" => {
            let client = Native::new(&target);
            runtime.block_on(async { tokio::spawn(call_natively(client, kind, calls)).await.unwrap() });
        }
        "component" => {
            let host = Host::builder().cache_dir(cache).build().unwrap();
            let client = host.agent(target).unwrap();
            runtime.block_on(async { tokio::spawn(call_component(client, kind, calls)).await.unwrap() });
        }
        _ => panic!("expected native or component, found {contender}"),
    }
}

async fn call_natively(client: Native, kind: Kind, calls: u32) {
    for _ in 0..calls {
        match kind {
            Kind::Small => drop(client.get::<Storage>("/storage").await),
            Kind::Disks | Kind::Large => drop(client.get::<Disks>("/disks").await),
            Kind::Metrics => drop(client.get::<Metrics>("/host/metrics").await),
        }
    }
}

async fn call_component(client: Agent, kind: Kind, calls: u32) {
    for _ in 0..calls {
        match kind {
            Kind::Small => drop(client.storage().await.unwrap()),
            Kind::Disks | Kind::Large => drop(client.disks().await.unwrap()),
            Kind::Metrics => drop(client.host_metrics().await.unwrap()),
        }
    }
}

/// An agent in a process of its own, which ends when this is dropped.
struct AgentProcess {
    target: Target,
    child: Child,
}

impl AgentProcess {
    fn start(kind: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["agent", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let parts: Vec<_> = line.split_whitespace().collect();
        let [endpoint, token, pin] = parts[..] else { panic!("the agent has not started: {line:?}") };
        Self { target: Target::parse(endpoint, token, [pin]).unwrap(), child }
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        // It ends when its input does. Not unwrapped, because this runs while a failure is reported too.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
