//! An answer's way from bytes to records, without a network: decoded natively, and by the component. The component's time
//! is that of a whole call whose body is at hand: entering it, its calls of the host, decoding, and lifting the records.
//!
//! Files in `AGENTAPI_COMPONENTS`, separated by `:`, are components that take part too: for comparing ways to build it.

use std::{env, fs};

use agentapi_host::embedded_component;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::agent::{Agents, large, typical};
use crate::native::{Native, decode};
use crate::paired::{Effort, Race};
use crate::records::{Disks, Metrics, Storage};
use crate::stock::Stock;

/// What the component is asked for.
#[derive(Clone, Copy)]
enum Operation {
    Storage,
    Disks,
    Metrics,
}

pub(crate) fn run(effort: &Effort, runtime: &Runtime) {
    let (agents, agents_with_many) = (Agents::start(1, &typical()), Agents::start(1, &large()));
    race::<Storage>(effort, runtime, &agents, "2 mounts", "/storage", Operation::Storage);
    race::<Disks>(effort, runtime, &agents, "8 disks", "/disks", Operation::Disks);
    race::<Metrics>(effort, runtime, &agents, "12 storage targets", "/host/metrics", Operation::Metrics);
    race::<Disks>(effort, runtime, &agents_with_many, "1000 disks", "/disks", Operation::Disks);
}

fn race<T: DeserializeOwned>(
    effort: &Effort,
    runtime: &Runtime,
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
    for (name, wasm) in components() {
        let mut canned = runtime.block_on(Stock::canned(&wasm, connection, body.clone()));
        race.add(name, batch, move |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    match operation {
                        Operation::Storage => canned.storage().await,
                        Operation::Disks => canned.disks().await,
                        Operation::Metrics => canned.metrics().await,
                    }
                }
            });
        });
    }
    race.run();
}

/// The component, and those to compare it with.
fn components() -> Vec<(String, Vec<u8>)> {
    let others = env::var_os("AGENTAPI_COMPONENTS").unwrap_or_default();
    let others = env::split_paths(&others).filter(|file| !file.as_os_str().is_empty());
    let others = others.map(|file| (file.display().to_string(), fs::read(&file).unwrap()));
    [("component".to_owned(), embedded_component().to_vec())].into_iter().chain(others).collect()
}
