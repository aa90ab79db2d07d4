//! The instances of one agent: those that serve a call, and idle ones for the next calls.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, Phase};
use crate::idle::IdlePool;
use crate::network::{Client, Deadline};
use crate::permits::Permits;
use crate::sandbox::egress::Egress;
use crate::sandbox::engines::Engines;
use crate::sandbox::error::from_trap;
use crate::sandbox::instance::Instance;
use crate::sandbox::instance_count::InstanceCount;
use crate::sandbox::store::State;

/// While more instances than this are alive, of all agents together, none is kept idle: each holds some 32 KiB, and one
/// that is not from the pool six memory mappings, of which Linux gives a process 65,530.
const MAX_INSTANCES_TO_KEEP: usize = 512;
/// An instance that was idle for longer is dropped. The next call pays for a new one, a fraction of a millisecond, and an
/// agent that is asked every ten minutes holds no memory in between.
const MAX_IDLE: Duration = Duration::from_secs(5 * 60);
/// An instance that has grown larger, over an unusual answer, is not kept: a linear memory never shrinks.
const MAX_IDLE_MEMORY_BYTES: usize = 8 * 1024 * 1024;
/// How much longer than the deadline an instance may run: it learns that the time is over, and has to return that.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// The instances of one agent. An instance serves one call at a time, so that concurrent calls have one each.
pub(crate) struct Instances {
    engines: Arc<Engines>,
    count: InstanceCount,
    client: Arc<Client>,
    permits: Permits,
    idle: IdlePool<Instance>,
}

impl Instances {
    pub(crate) fn new(engines: Arc<Engines>, count: InstanceCount, client: Arc<Client>, permits: Permits) -> Self {
        Self { engines, count, client, permits, idle: IdlePool::new(MAX_IDLE, |_| true) }
    }

    pub(super) fn engines(&self) -> &Engines {
        &self.engines
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// An idle instance, or a new one that is connected within the deadline.
    pub(super) async fn take(&self, deadline: Deadline) -> Result<Instance, Error> {
        match self.idle.take() {
            Some(instance) => Ok(instance),
            None => {
                // `connect` sends nothing, and takes a fraction of a millisecond. The limit is for a component that
                // hangs in it; what the call waited for its permit does not count against that.
                let connected = timeout(deadline.limit + GRACE, self.new_instance(deadline)).await;
                connected.map_err(|_| deadline.error(self.client.authority(), None, Phase::Queued))?
            }
        }
    }

    async fn new_instance(&self, deadline: Deadline) -> Result<Instance, Error> {
        let state = || State::new(Egress::new(Arc::clone(&self.client), deadline), self.count.guard());
        let mut instance = self.engines.instantiate(state).await.map_err(from_trap)?;
        instance.connect(&self.client, deadline).await?;
        Ok(instance)
    }

    /// Keeps an instance for the next call, unless it holds too much.
    pub(super) fn keep(&self, instance: Instance) {
        let is_large = instance.store.data().memory_bytes() > MAX_IDLE_MEMORY_BYTES;
        if is_large || self.count.get() > MAX_INSTANCES_TO_KEEP {
            return;
        }
        self.idle.keep(instance, self.permits.idle_limit());
    }
}
