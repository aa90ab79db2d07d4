//! The mock agent that every contender asks, in a thread of its own with a runtime of its own.

use std::sync::mpsc;
use std::thread;

use agentapi_host::mock::{Disk, MockAgent, Mount, Scenario, StorageTarget, ThinPool};
use agentapi_host::{Connection, Fingerprint};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Mock agents. They stop when this is dropped.
pub(crate) struct Agents {
    running: Vec<MockAgent>,
    _stop: oneshot::Sender<()>,
}

impl Agents {
    /// Starts so many that answer alike.
    pub(crate) fn start(count: usize, scenario: &Scenario) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let scenario = scenario.clone();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for _ in 0..count {
                    tell.send(MockAgent::builder().scenario(scenario.clone()).start().await.unwrap()).unwrap();
                }
                drop(tell);
                // Only the end of the sender is waited for.
                let _ = stopped.await;
            });
        });
        Self { running: told.into_iter().collect(), _stop: stop }
    }

    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.running.iter().map(connection).collect()
    }

    pub(crate) fn first(&self) -> Connection {
        connection(self.running.first().unwrap())
    }

    /// The journals of a long run would fill the memory.
    pub(crate) fn forget(&self) {
        self.running.iter().for_each(|agent| drop(agent.take_requests()));
    }
}

fn connection(agent: &MockAgent) -> Connection {
    let pin: Fingerprint = agent.fingerprint();
    Connection::parse(&agent.endpoint(), agent.token(), [pin.to_string()]).unwrap()
}

/// A guest with two mounts, eight disks and twelve storage targets.
pub(crate) fn typical() -> Scenario {
    let mut scenario = Scenario { disks: disks(8), ..Scenario::default() };
    scenario.mounts.truncate(2);
    let known = scenario.storage_targets.clone();
    scenario.storage_targets = known.into_iter().cycle().take(12).map(with_pool).collect();
    scenario
}

/// A guest with a thousand disks, the largest answer that is still plausible.
pub(crate) fn large() -> Scenario {
    let mounts = Scenario::default().mounts.into_iter().take(2).collect::<Vec<Mount>>();
    Scenario { disks: disks(1000), mounts, ..Scenario::default() }
}

fn with_pool(target: StorageTarget) -> StorageTarget {
    let thin_pool = Some(ThinPool { data_used_fraction: 0.71, metadata_used_fraction: Some(0.18) });
    StorageTarget { thin_pool, ..target }
}

fn disks(count: usize) -> Vec<Disk> {
    let known = Scenario::default().disks;
    let numbered = known.into_iter().cycle().take(count).enumerate();
    numbered.map(|(number, disk)| Disk { name: format!("{} {number}", disk.name), ..disk }).collect()
}
