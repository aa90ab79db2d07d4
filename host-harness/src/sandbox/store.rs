//! What a store holds for an instance of the client.

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::sandbox::egress::Egress;
use crate::sandbox::exchanges::Exchanges;
use crate::sandbox::instance_count::InstanceGuard;

/// The most memory that an instance may have, in bytes, in all its memories and tables: several times what the largest
/// answer takes as records.
const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;
/// An element of a table is a pointer of the host.
const TABLE_ELEMENT_BYTES: usize = 8;

/// The state of one store.
pub(crate) struct State {
    pub(super) table: ResourceTable,
    pub(super) egress: Egress,
    pub(super) exchanges: Exchanges,
    http: WasiHttpCtx,
    memory_bytes: usize,
    /// For [`Host::instances`](crate::Host::instances).
    _guard: InstanceGuard,
}

impl State {
    pub(super) fn new(egress: Egress, guard: InstanceGuard) -> Self {
        let (table, http) = (ResourceTable::new(), WasiHttpCtx::new());
        Self { table, egress, exchanges: Exchanges::default(), http, memory_bytes: 0, _guard: guard }
    }

    /// What the memories and tables of the instance have grown to. They never shrink.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Counts what a memory or a table grows by, unless it would be too much: a component that is plugged onto the client
    /// brings memories of its own, and a limit for each could be passed by having many.
    fn grow(&mut self, bytes: usize) -> bool {
        let grown = self.memory_bytes.saturating_add(bytes);
        let is_allowed = grown <= MAX_MEMORY_BYTES;
        if is_allowed {
            self.memory_bytes = grown;
        }
        is_allowed
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // `false` is a `memory.grow` that fails, which a component may handle; an error would trap.
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES)))
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
