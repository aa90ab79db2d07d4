//! One instance of the component: its store, and what the host keeps beside it.

use std::sync::{Arc, Weak};

use tokio::time::Instant;
use wasmtime::component::{self, ComponentExportIndex, HasData, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::bindings::{Agentapi, AgentapiIndices};
use crate::client::Client;
use crate::egress::Egress;
use crate::error::FromComponent;
use crate::pinning;
use crate::{Error, Token};

/// The most memory that an instance may have, in bytes: a megabyte of body as records, several times over.
const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;
/// Ticks of computing after which an instance lets others run, and its deadline is looked at.
const TICKS_BETWEEN_YIELDS: u64 = 1;
/// What an extension exports.
const POLICY: &str = "felhom:agentapi/policy@0.1.0";

/// The component, ready to be instantiated: its exports are looked up once.
#[derive(Clone)]
pub(crate) struct Prepared {
    component: InstancePre<State>,
    exports: AgentapiIndices,
    /// What runs the extension that is plugged onto it, if one is.
    policy: Option<ComponentExportIndex>,
}

/// What a store holds for its instance.
pub(crate) struct State {
    table: ResourceTable,
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
    pub(crate) store: Store<State>,
}

impl Prepared {
    pub(crate) fn new(component: InstancePre<State>) -> wasmtime::Result<Self> {
        let exports = AgentapiIndices::new(&component)?;
        let code = component.component();
        let interface = code.get_export_index(None, POLICY);
        let policy = interface.and_then(|interface| code.get_export_index(Some(&interface), "run"));
        Ok(Self { component, exports, policy })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.component.engine()
    }

    pub(crate) fn policy(&self) -> Option<&ComponentExportIndex> {
        self.policy.as_ref()
    }
}

impl Instance {
    /// Instantiates the component and makes it the client of one agent. Sends nothing.
    pub(crate) async fn connected(
        prepared: &Prepared,
        living: Weak<()>,
        client: Arc<Client>,
        stand_in: Token,
    ) -> Result<Self, Error> {
        let endpoint = client.authority().to_string();
        let pins: Vec<_> = client.pins().iter().map(ToString::to_string).collect();
        let token = stand_in.reveal().to_owned();
        let deadline = Instant::now() + client.deadline();

        let state = State {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            memory_bytes: 0,
            egress: Egress::new(client, stand_in),
            _living: living,
        };
        let mut store = Store::new(prepared.engine(), state);
        store.limiter(|state| state);
        store.set_epoch_deadline(TICKS_BETWEEN_YIELDS);
        store.epoch_deadline_async_yield_and_update(TICKS_BETWEEN_YIELDS);
        store.data_mut().egress.begin(deadline);

        let exports = prepared.component.instantiate_async(&mut store).await.map_err(failed)?;
        let guest = prepared.exports.load(&mut store, &exports).map_err(failed)?;
        let session = guest.felhom_agentapi_session();
        let connected = session.call_connect(&mut store, &endpoint, &token, &pins).await.map_err(failed)?;
        connected.map_err(|error| Error::from_component(error, None, None))?;
        Ok(Self { guest, exports, store })
    }
}

/// Everything that the component may import, and nothing else.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
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
