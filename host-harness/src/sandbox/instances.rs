//! The instances of one agent: those that serve a call, and idle ones for the next calls.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, Phase};
use crate::network::{Client, Deadline};
use crate::permits::Permits;
use crate::sandbox::egress::Egress;
use crate::sandbox::engines::Engines;
use crate::sandbox::error::from_trap;
use crate::sandbox::instance::Instance;
use crate::sandbox::store::State;

/// Where more instances than this are alive, of all agents together, none is kept idle: each holds some 32 KiB, and one
/// that is not from the pool six memory mappings, of which Linux gives a process 65,530.
const MAX_LIVING_INSTANCES: usize = 512;
/// An instance that has grown larger, over an unusual answer, is not kept: its memory does not shrink.
const MAX_IDLE_MEMORY_BYTES: usize = 8 * 1024 * 1024;
/// How much longer than the deadline an instance may take: it was told that the time is over, and has to say so.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// The instances of one agent. An instance serves one call at a time; several calls have several instances.
pub(crate) struct Instances {
    engines: Arc<Engines>,
    living: Arc<()>,
    client: Arc<Client>,
    permits: Permits,
    idle: Mutex<Vec<Instance>>,
}

impl Instances {
    pub(crate) fn new(engines: Arc<Engines>, living: Arc<()>, client: Arc<Client>, permits: Permits) -> Self {
        Self { engines, living, client, permits, idle: Mutex::default() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// An idle instance, or a new one that is connected within the deadline.
    pub(super) async fn take(&self, deadline: Deadline) -> Result<Instance, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(instance) => Ok(instance),
            None => {
                let connected = timeout(deadline.limit + GRACE, self.new_instance(deadline)).await;
                connected.map_err(|_| deadline.error(self.client.authority(), None, Phase::Queued))?
            }
        }
    }

    async fn new_instance(&self, deadline: Deadline) -> Result<Instance, Error> {
        let living: Weak<()> = Arc::downgrade(&self.living);
        let state = || State::new(Egress::new(Arc::clone(&self.client), deadline), Weak::clone(&living));
        let mut instance = self.engines.instantiate(state).await.map_err(from_trap)?;
        instance.connect(&self.client, deadline).await?;
        Ok(instance)
    }

    /// Keeps an instance for the next call, if that is worth what it holds.
    pub(super) fn keep(&self, instance: Instance) {
        let is_large = instance.store.data().memory_bytes() > MAX_IDLE_MEMORY_BYTES;
        if is_large || Arc::weak_count(&self.living) > MAX_LIVING_INSTANCES {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(instance);
        idle.truncate(self.permits.idle_limit());
    }
}
