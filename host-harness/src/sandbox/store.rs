//! What a store holds for an instance of the client.

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::sandbox::egress::Egress;
use crate::sandbox::instance_count::InstanceGuard;

/// The most memory that an instance may have, in bytes: several times what the largest answer takes as records.
const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// The state of one store.
pub(crate) struct State {
    pub(super) table: ResourceTable,
    pub(super) egress: Egress,
    http: WasiHttpCtx,
    memory_bytes: usize,
    /// For [`Host::instances`](crate::Host::instances).
    _guard: InstanceGuard,
}

impl State {
    pub(super) fn new(egress: Egress, guard: InstanceGuard) -> Self {
        let (table, http) = (ResourceTable::new(), WasiHttpCtx::new());
        Self { table, egress, http, memory_bytes: 0, _guard: guard }
    }

    /// The memory that the instance has grown to. It never shrinks.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.memory_bytes = self.memory_bytes.max(desired);
        // `false` is a `memory.grow` that fails, which a component may handle; an error would trap.
        Ok(desired <= MAX_MEMORY_BYTES)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.egress }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// For linking what [`Egress`] implements.
pub(super) struct HasEgress;

impl HasData for HasEgress {
    type Data<'a> = &'a mut Egress;
}
