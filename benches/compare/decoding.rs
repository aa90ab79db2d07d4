//! An answer's way from bytes to records, without a network: decoded natively, and by the component. The component's time
//! is that of a whole call whose body is at hand: entering it, its calls of the host, decoding, and lifting the records.
//!
//! Files in `AGENTAPI_COMPONENTS`, separated by `:`, are components that take part too: for comparing ways to build it.

use std::env;

use agentapi_host::{Agent, Host};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::agent::{Agents, large, typical};
use crate::native::{Native, decode};
use crate::paired::{Effort, Race};
use crate::records::{Disks, Metrics, Storage};

/// What the component is asked for.
#[derive(Clone, Copy)]
enum Operation {
    Storage,
    Disks,
    Metrics,
}

pub(crate) fn run(effort: &Effort, runtime: &Runtime, host: &Host) {
    let (agents, agents_with_many) = (Agents::start(1, &typical()), Agents::start(1, &large()));
    let hosts = hosts(host);
    race::<Storage>(effort, runtime, &hosts, &agents, "2 mounts", "/storage", Operation::Storage);
    race::<Disks>(effort, runtime, &hosts, &agents, "8 disks", "/disks", Operation::Disks);
    race::<Metrics>(effort, runtime, &hosts, &agents, "12 storage targets", "/host/metrics", Operation::Metrics);
    race::<Disks>(effort, runtime, &hosts, &agents_with_many, "1000 disks", "/disks", Operation::Disks);
}

fn race<T: DeserializeOwned>(
    effort: &Effort,
    runtime: &Runtime,
    hosts: &[(String, Host)],
    agents: &Agents,
    title: &str,
    path: &'static str,
    operation: Operation,
) {
    let connection = agents.first();
    let body: Bytes = runtime.block_on(Native::new(connection).body(path));
    let batch = if body.len() > 100_000 { 2 } else { 50 };
    let mut race = Race::new(effort, format!("decoding {title}, {} bytes", body.len()), 200);
    race.add("native", batch, |count| (0..count).for_each(|_| drop(decode::<T>(&body))));
    for (name, host) in hosts {
        let agent = host.agent_with_answer_at_hand(connection.clone(), body.clone()).unwrap();
        race.add(name, batch, move |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    operation.call(&agent).await;
                }
            });
        });
    }
    race.run();
}

impl Operation {
    async fn call(self, agent: &Agent) {
        match self {
            Self::Storage => drop(agent.storage().await.unwrap()),
            Self::Disks => drop(agent.disks().await.unwrap()),
            Self::Metrics => drop(agent.host_metrics().await.unwrap()),
        }
    }
}

/// That of the component, and those of the ones to compare it with.
fn hosts(host: &Host) -> Vec<(String, Host)> {
    let others = env::var_os("AGENTAPI_COMPONENTS").unwrap_or_default();
    let others = env::split_paths(&others).filter(|file| !file.as_os_str().is_empty());
    let others = others.map(|file| (file.display().to_string(), Host::builder().component_file(file).build().unwrap()));
    [("component".to_owned(), host.clone())].into_iter().chain(others).collect()
}
