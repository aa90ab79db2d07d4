//! The component, linked and ready to be instantiated, and one instance of it.

use agentapi_contract::wit::POLICY;
use wasmtime::component::{self, Component, ComponentExportIndex, InstancePre};
use wasmtime::{Engine, Store};

use crate::error::Error;
use crate::network::{Client, Deadline};
use crate::sandbox::bindings::{Agentapi, AgentapiIndices};
use crate::sandbox::error::{FromComponent, from_trap};
use crate::sandbox::linker::linker;
use crate::sandbox::store::State;

/// Ticks of the epoch after which an instance that computes yields. Other tasks run then, and so does the timer of its
/// call. The host's own functions are not interrupted by epochs; the deadline of the exchange bounds them.
const TICKS_BETWEEN_YIELDS: u64 = 1;

/// The component on one engine: compiled, linked, and with its exports looked up by name once.
pub(super) struct LinkedComponent {
    component: InstancePre<State>,
    exports: AgentapiIndices,
    /// The function `run` of the extension that is plugged onto it, if one is.
    policy: Option<ComponentExportIndex>,
}

/// An instance of the component.
pub(crate) struct Instance {
    /// Boxed: it has a handle of each function, and the instance is moved from the idle ones to the call and back.
    pub(super) guest: Box<Agentapi>,
    /// All that it exports: the bindings know the client's interfaces, and not that of a plugged extension.
    pub(super) exports: component::Instance,
    /// The function `run` of the extension that is plugged onto it, if one is.
    pub(super) policy: Option<ComponentExportIndex>,
    pub(super) store: Store<State>,
}

impl LinkedComponent {
    pub(super) fn new(component: &Component) -> wasmtime::Result<Self> {
        let interface = component.get_export_index(None, POLICY);
        let policy = interface.and_then(|interface| component.get_export_index(Some(&interface), "run"));
        let component = linker(component.engine())?.instantiate_pre(component)?;
        let exports = AgentapiIndices::new(&component)?;
        Ok(Self { component, exports, policy })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.component.engine()
    }

    pub(super) fn component(&self) -> &Component {
        self.component.component()
    }

    pub(super) async fn instantiate(&self, state: State) -> wasmtime::Result<Instance> {
        let mut store = Store::new(self.engine(), state);
        store.limiter(|state| state);
        store.set_epoch_deadline(TICKS_BETWEEN_YIELDS);
        store.epoch_deadline_async_yield_and_update(TICKS_BETWEEN_YIELDS);
        let exports = self.component.instantiate_async(&mut store).await?;
        let guest = Box::new(self.exports.load(&mut store, &exports)?);
        Ok(Instance { guest, exports, policy: self.policy, store })
    }
}

impl Instance {
    /// Makes the instance the client of one agent. Nothing is sent.
    pub(super) async fn connect(&mut self, client: &Client, deadline: Deadline) -> Result<(), Error> {
        self.store.data_mut().egress.start_call(deadline);
        let endpoint = client.authority().to_string();
        let pins: Vec<_> = client.pins().iter().map(ToString::to_string).collect();
        // Never the token itself: what a component does not have it cannot give away.
        let stand_in = client.credentials().stand_in().reveal();
        let session = self.guest.felhom_agentapi_session();
        let connected = session.call_connect(&mut self.store, &endpoint, stand_in, &pins).await.map_err(from_trap)?;
        connected.map_err(|error| Error::from_component(error, None, None))
    }
}
