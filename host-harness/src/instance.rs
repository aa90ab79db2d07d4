//! One instance of the component: its store, and what the host keeps beside it.

use std::sync::{Arc, Weak};

use tokio::time::Instant;
use wasmtime::component::{self, Component, ComponentExportIndex, HasData, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, PoolConcurrencyLimitError, ResourceLimiter, Store};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::bindings::{Agentapi, AgentapiIndices};
use crate::client::Client;
use crate::egress::Egress;
use crate::engines::Engines;
use crate::error::FromComponent;
use crate::outgoing;
use crate::pinning;
use crate::{Error, Token};

/// The most memory that an instance may have, in bytes: a megabyte of body as records, several times over.
const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;
/// Ticks of computing after which an instance lets others run, and its deadline is looked at.
const TICKS_BETWEEN_YIELDS: u64 = 1;
/// What an extension exports.
const POLICY: &str = "felhom:agentapi/policy@0.1.0";

/// The component, ready to be instantiated on one engine: its exports are looked up once.
pub(crate) struct Prepared {
    component: InstancePre<State>,
    exports: AgentapiIndices,
    /// What runs the extension that is plugged onto it, if one is.
    policy: Option<ComponentExportIndex>,
}

/// What a store holds for its instance.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    http: WasiHttpCtx,
    memory_bytes: usize,
    pub(crate) egress: Egress,
    /// Counts this instance, for [`Host::instances`](crate::Host::instances).
    _living: Weak<()>,
}

/// An instance that has been connected.
pub(crate) struct Instance {
    pub(crate) guest: Agentapi,
    /// All that it exports, for what the bindings do not know.
    pub(crate) exports: component::Instance,
    /// What runs the extension that is plugged onto it, if one is.
    pub(crate) policy: Option<ComponentExportIndex>,
    pub(crate) store: Store<State>,
}

impl Prepared {
    pub(crate) fn new(component: &Component) -> wasmtime::Result<Self> {
        let interface = component.get_export_index(None, POLICY);
        let policy = interface.and_then(|interface| component.get_export_index(Some(&interface), "run"));
        let component = linker(component.engine())?.instantiate_pre(component)?;
        let exports = AgentapiIndices::new(&component)?;
        Ok(Self { component, exports, policy })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.component.engine()
    }

    pub(crate) fn component(&self) -> &Component {
        self.component.component()
    }

    async fn instantiate(&self, state: State) -> wasmtime::Result<Instance> {
        let mut store = Store::new(self.engine(), state);
        store.limiter(|state| state);
        store.set_epoch_deadline(TICKS_BETWEEN_YIELDS);
        store.epoch_deadline_async_yield_and_update(TICKS_BETWEEN_YIELDS);
        let exports = self.component.instantiate_async(&mut store).await?;
        let guest = self.exports.load(&mut store, &exports)?;
        Ok(Instance { guest, exports, policy: self.policy, store })
    }
}

impl Instance {
    /// Instantiates the component and makes it the client of one agent. Sends nothing.
    pub(crate) async fn connected(
        engines: &Engines,
        living: Weak<()>,
        client: Arc<Client>,
        stand_in: Token,
    ) -> Result<Self, Error> {
        let endpoint = client.authority().to_string();
        let pins: Vec<_> = client.pins().iter().map(ToString::to_string).collect();
        let deadline = Instant::now() + client.deadline();
        let state = || State::new(Arc::clone(&client), stand_in.clone(), Weak::clone(&living));

        let mut instance = Self::new(engines, state).await.map_err(failed)?;
        instance.store.data_mut().egress.begin(deadline);
        let Self { guest, store, .. } = &mut instance;
        let session = guest.felhom_agentapi_session();
        let connected = session.call_connect(store, &endpoint, stand_in.reveal(), &pins).await.map_err(failed)?;
        connected.map_err(|error| Error::from_component(error, None, None))?;
        Ok(instance)
    }

    async fn new(engines: &Engines, state: impl Fn() -> State) -> wasmtime::Result<Self> {
        if let Some(pooled) = engines.pooled() {
            match pooled.instantiate(state()).await {
                Err(why) if why.is::<PoolConcurrencyLimitError>() => {}
                outcome => return outcome,
            }
        }
        engines.plain().instantiate(state()).await
    }
}

/// Everything that the component may import, and nothing else.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    outgoing::add_to_linker(&mut linker)?;
    pinning::add_to_linker::<_, Pinning>(&mut linker, |state: &mut State| &mut state.egress)?;
    Ok(linker)
}

/// A trap: a bug, here or in the component.
pub(crate) fn failed(why: wasmtime::Error) -> Error {
    Error::Component(why.into())
}

struct Pinning;

impl HasData for Pinning {
    type Data<'a> = &'a mut Egress;
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.egress }
    }
}

impl State {
    fn new(client: Arc<Client>, stand_in: Token, living: Weak<()>) -> Self {
        let egress = Egress::new(client, stand_in);
        let (table, http) = (ResourceTable::new(), WasiHttpCtx::new());
        Self { table, http, memory_bytes: 0, egress, _living: living }
    }

    /// The memory that the instance has grown to.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.memory_bytes = self.memory_bytes.max(desired);
        Ok(desired <= MAX_MEMORY_BYTES)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}
