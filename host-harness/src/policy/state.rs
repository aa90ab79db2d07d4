//! What the store of a run holds: the calls that it may make, its limits, and how much of them is used.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, ResourceLimiter};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::policy::calls::Calls;
use crate::policy::limits::{Breach, Limits};
use crate::policy::log::RunLog;

/// Elements of one table: more than the function table of any program has. Each costs the host a pointer, which
/// [`Limits::memory_bytes`] does not count.
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// Core instances: more than the runtime of any language is made of. Each costs the host memory, which
/// [`Limits::memory_bytes`] does not count either.
const MAX_INSTANCES: usize = 1000;
/// Each table and memory costs the host address space, even while it is empty.
const MAX_TABLES: usize = 100;
const MAX_MEMORIES: usize = 100;

/// The state of one run.
pub(super) struct RunState {
    pub(super) calls: Calls,
    limits: Limits,
    cpu: Stopwatch,
    memory: MemoryUse,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl RunState {
    pub(super) fn new(calls: Calls, limits: Limits, log: &RunLog) -> Self {
        // No file, environment, argument or network: a WASI context holds nothing but what is put into it here.
        let wasi = WasiCtx::builder().stdout(log.stream()).stderr(log.stream()).build();
        let memory = MemoryUse { used: 0, allowed: limits.memory_bytes };
        Self { calls, limits, cpu: Stopwatch::default(), memory, table: ResourceTable::new(), wasi }
    }

    /// Called at each border between host and extension. Only the extension's own computing counts: while the host
    /// serves a call, it may be waiting for the agent.
    pub(super) fn on_call_hook(&mut self, hook: CallHook) -> wasmtime::Result<()> {
        match hook {
            CallHook::CallingWasm | CallHook::ReturningFromHost => self.cpu.start(),
            CallHook::ReturningFromWasm | CallHook::CallingHost => self.cpu.stop(),
        }
        self.check_cpu()
    }

    pub(super) fn check_cpu(&self) -> wasmtime::Result<()> {
        if self.cpu.elapsed() > self.limits.cpu { Err(Breach::Cpu(self.limits.cpu).into()) } else { Ok(()) }
    }
}

/// Adds up the time between its starts and stops.
#[derive(Default)]
struct Stopwatch {
    counted: Duration,
    running_since: Option<Instant>,
}

impl Stopwatch {
    fn start(&mut self) {
        self.running_since.get_or_insert_with(Instant::now);
    }

    fn stop(&mut self) {
        if let Some(since) = self.running_since.take() {
            self.counted += since.elapsed();
        }
    }

    fn elapsed(&self) -> Duration {
        self.counted + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// All memories of an extension together, in bytes. A limit for each memory could be passed by having many.
struct MemoryUse {
    used: usize,
    allowed: usize,
}

impl MemoryUse {
    fn grow(&mut self, current: usize, desired: usize) -> Result<(), Breach> {
        self.used = self.used.saturating_add(desired.saturating_sub(current));
        if self.used > self.allowed { Err(Breach::Memory(self.allowed)) } else { Ok(()) }
    }
}

impl ResourceLimiter for RunState {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // An error rather than `false`: `false` is a failed `memory.grow`, which the extension could survive, and the
        // run would end as some trap instead of by the limit's name.
        Ok(self.memory.grow(current, desired).map(|()| true)?)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breach, MemoryUse};

    #[test]
    fn several_memories_share_what_is_allowed() {
        let mut memory = MemoryUse { used: 0, allowed: 10 };
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(4, 6), Ok(()));
        assert_eq!(memory.grow(4, 5), Err(Breach::Memory(10)));
    }
}
