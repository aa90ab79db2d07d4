//! Many callers at once: of one agent, and of 64. A call's time is that of all calls divided by their number, so that
//! what is gained in throughput is one divided by the ratio.

use std::sync::Arc;

use agentapi_host::Host;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::agent::{Agents, typical};
use crate::native::Native;
use crate::paired::{Effort, Race};
use crate::records::Storage;

/// Calls of a sample, of all callers together.
const CALLS: u32 = 6400;
/// Agents that a busy controller has.
const AGENTS: usize = 64;

pub(crate) fn run(effort: &Effort, runtime: &Runtime, host: &Host) {
    for callers in [1, 8, 64] {
        let title = format!("throughput: {callers} callers of one agent, small answers");
        race(effort, runtime, host, &Agents::start(1, &typical()), callers, title);
    }
    let title = format!("throughput: {AGENTS} agents, a caller each, small answers");
    race(effort, runtime, host, &Agents::start(AGENTS, &typical()), AGENTS, title);
}

fn race(effort: &Effort, runtime: &Runtime, host: &Host, agents: &Agents, callers: usize, title: String) {
    let connections = agents.connections();
    let natives: Vec<_> = connections.iter().map(|connection| Arc::new(Native::new(connection))).collect();
    let connected = connections.iter().map(|connection| host.agent(connection.clone()).unwrap());
    let connected: Vec<_> = connected.collect();
    let calls_each = CALLS / u32::try_from(callers).unwrap();

    let mut race = Race::new(effort, title, 20);
    race.add("native", CALLS, |_| {
        runtime.block_on(async {
            let mut running = JoinSet::new();
            for native in natives.iter().cycle().take(callers) {
                let native = Arc::clone(native);
                running.spawn(async move {
                    for _ in 0..calls_each {
                        drop(native.get::<Storage>("/storage").await);
                    }
                });
            }
            running.join_all().await;
        });
    });
    race.add("component", CALLS, |_| {
        runtime.block_on(async {
            let mut running = JoinSet::new();
            for agent in connected.iter().cycle().take(callers) {
                let agent = agent.clone();
                running.spawn(async move {
                    for _ in 0..calls_each {
                        drop(agent.storage().await.unwrap());
                    }
                });
            }
            running.join_all().await;
        });
    });
    race.run();
}
