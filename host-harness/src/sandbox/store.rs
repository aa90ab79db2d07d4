//! What a store holds for an instance of the client.

use std::sync::Weak;

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::sandbox::egress::Egress;

/// The most memory that an instance may have, in bytes: a megabyte of body as records, several times over.
const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// What a store holds for its instance.
pub(crate) struct State {
    pub(super) table: ResourceTable,
    pub(super) egress: Egress,
    http: WasiHttpCtx,
    memory_bytes: usize,
    /// Counts this instance, for [`Host::instances`](crate::Host::instances).
    _living: Weak<()>,
}

impl State {
    pub(super) fn new(egress: Egress, living: Weak<()>) -> Self {
        let (table, http) = (ResourceTable::new(), WasiHttpCtx::new());
        Self { table, egress, http, memory_bytes: 0, _living: living }
    }

    /// The memory that the instance has grown to. It never shrinks.
    pub(super) fn memory_bytes(&self) -> usize {
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
