//! One call: its turn, its instance, its time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime::Store;

use crate::bindings::Agentapi;
use crate::client::Client;
use crate::engines::Engines;
use crate::error::{FromComponent, Phase};
use crate::instance::{Instance, State, failed};
use crate::{Error, Host, Route, Token};

/// Where more than these are alive, of all agents together, none is kept: each holds some 32 KiB, and outside of a place six
/// mappings, of which Linux gives a process 65,530.
const MAX_LIVING_INSTANCES: usize = 512;
/// An instance that has grown larger, over an unusual answer, is not kept: memory does not shrink.
const MAX_IDLE_MEMORY_BYTES: usize = 8 * 1024 * 1024;
/// How much longer than the deadline an instance may take: it was told that the time is over, and says so.
const GRACE: Duration = Duration::from_millis(500);

/// The instances of one agent. An instance serves one call at a time.
pub(crate) struct Instances {
    engines: Arc<Engines>,
    living: Arc<()>,
    client: Arc<Client>,
    stand_in: Token,
    idle: Mutex<Vec<Instance>>,
}

impl Instances {
    pub(crate) fn new(host: &Host, client: Arc<Client>, stand_in: Token) -> Self {
        let (engines, living) = (Arc::clone(&host.engines), Arc::clone(&host.living));
        Self { engines, living, client, stand_in, idle: Mutex::default() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes the first instance, and so finds out whether the component takes the connection.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        let instance = self.new_instance().await?;
        self.keep(instance);
        Ok(())
    }

    async fn new_instance(&self) -> Result<Instance, Error> {
        let living = Arc::downgrade(&self.living);
        let connected = Instance::connected(&self.engines, living, Arc::clone(&self.client), self.stand_in.clone());
        let limit = self.client.deadline() + GRACE;
        timeout(limit, connected).await.map_err(|_| self.client.late(Phase::Queued))?
    }

    fn take(&self) -> Option<Instance> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, instance: Instance) {
        let is_large = instance.store.data().memory_bytes() > MAX_IDLE_MEMORY_BYTES;
        if is_large || Arc::weak_count(&self.living) > MAX_LIVING_INSTANCES {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(instance);
        idle.truncate(self.client.worth_keeping());
    }
}

/// A call that has begun. Dropped before its end, it takes its instance with it.
pub(crate) struct Call {
    instances: Arc<Instances>,
    instance: Instance,
    route: Option<Route>,
    deadline: Instant,
    _turn: OwnedSemaphorePermit,
}

impl Call {
    /// Waits for a turn. The time of the call runs from here.
    pub(crate) async fn begin(instances: Arc<Instances>, route: Option<Route>) -> Result<Self, Error> {
        let deadline = Instant::now() + instances.client.deadline();
        let turn = match instances.client.turns().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let turn = timeout_at(deadline, instances.client.turns().acquire_owned()).await;
                let turn = turn.map_err(|_| instances.client.late(Phase::Queued))?;
                turn.map_err(|why| Error::Component(why.into()))?
            }
        };
        let mut instance = match instances.take() {
            Some(instance) => instance,
            None => instances.new_instance().await?,
        };
        instance.store.data_mut().egress.begin(deadline);
        Ok(Self { instances, instance, route, deadline, _turn: turn })
    }

    /// Runs the component. An instance that trapped, or did not come back, is not used again.
    pub(crate) async fn run<'a, T, F>(
        &'a mut self,
        export: impl FnOnce(&'a Agentapi, &'a mut Store<State>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = wasmtime::Result<T>> + 'a,
    {
        let Instance { guest, store, .. } = &mut self.instance;
        in_time(self.deadline, &self.instances.client, export(guest, store)).await
    }

    /// Runs the extension that is plugged onto the component.
    pub(crate) async fn run_plugged(&mut self, input: &str) -> Result<Result<String, String>, Error> {
        let Instance { exports, store, policy, .. } = &mut self.instance;
        let run = policy.as_ref().ok_or(Error::NoPolicy)?;
        let run = exports.get_typed_func::<(&str,), (Result<String, String>,)>(&mut *store, run).map_err(failed)?;
        let (outcome,) = in_time(self.deadline, &self.instances.client, run.call_async(store, (input,))).await?;
        Ok(outcome)
    }

    /// Gives the instance back, and the outcome with the host's own cause.
    pub(crate) fn end<T, E>(mut self, outcome: Result<T, E>) -> Result<T, Error>
    where
        Error: FromComponent<E>,
    {
        let cause = self.instance.store.data_mut().egress.take_failure();
        self.instances.keep(self.instance);
        outcome.map_err(|error| Error::from_component(error, self.route, cause).masked(self.instances.client.mask()))
    }
}

async fn in_time<T>(
    deadline: Instant,
    client: &Client,
    running: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T, Error> {
    match timeout_at(deadline + GRACE, running).await {
        Ok(outcome) => outcome.map_err(failed),
        Err(_) => Err(client.late(Phase::Receiving)),
    }
}
