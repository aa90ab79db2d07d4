//! What the store of a run holds: the calls that it may make, its limits, and how much of them is used.

use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{CallHook, ResourceLimiter, WasmBacktrace};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::policy::calls::Calls;
use crate::policy::cpu::CpuMeter;
use crate::policy::limits::{Breach, Limits};
use crate::policy::log::Level;
use crate::policy::memory::{MAX_RESOURCES, MemoryUse};

/// Elements of one table: more than the function table of any program has.
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// Core instances: more than the runtime of any language is made of. Each costs the host memory, which
/// [`Limits::memory_bytes`] does not count.
const MAX_INSTANCES: usize = 1000;
/// Each table and memory costs the host address space, even while it is empty.
const MAX_TABLES: usize = 100;
const MAX_MEMORIES: usize = 100;

/// The state of one run.
pub(super) struct RunState {
    pub(super) calls: Calls,
    limits: Limits,
    cpu: CpuMeter,
    memory: MemoryUse,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl RunState {
    pub(super) fn new(calls: Calls, limits: Limits, cpu: CpuMeter) -> Self {
        let (log, clock) = (&calls.log, &calls.clock);
        // No file, environment, argument or network: a WASI context holds nothing but what is put into it here.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(log.stream(Level::Info)).stderr(log.stream(Level::Warn));
        let wasi = wasi.wall_clock(clock.clone()).monotonic_clock(clock.clone()).build();
        let memory = MemoryUse::new(limits.memory_bytes);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Self { calls, limits, cpu, memory, table, wasi }
    }

    /// Called at each border between host and extension: after each call of the host too, because what that computes is
    /// not interrupted by epochs. Returns how many bytes may be lifted next.
    pub(super) fn on_call_hook(&mut self, hook: CallHook) -> wasmtime::Result<usize> {
        self.check_cpu()?;
        self.calls.clock.check()?;
        Ok(match hook {
            CallHook::CallingHost => self.memory.argument_bytes(),
            CallHook::CallingWasm | CallHook::ReturningFromWasm | CallHook::ReturningFromHost => {
                self.limits.output_bytes
            }
        })
    }

    pub(super) fn check_cpu(&self) -> wasmtime::Result<()> {
        if self.cpu.used() > self.limits.cpu { Err(Breach::Cpu(self.limits.cpu).into()) } else { Ok(()) }
    }

    /// The limit at which a run was stopped; none if it trapped.
    pub(super) fn breach(&self, why: &wasmtime::Error) -> Option<Breach> {
        if let Some(breach) = why.downcast_ref::<Breach>() {
            return Some(*breach);
        }
        let cause = why.root_cause().to_string();
        if cause.contains(LIFTED_TOO_MUCH) {
            // Only what happens in a call of the host has functions of the extension below it: its result is lifted after
            // they have returned.
            let is_argument = why.is::<WasmBacktrace>();
            let output = Breach::Output(self.limits.output_bytes);
            return Some(if is_argument { self.memory.argument_breach() } else { output });
        }
        let is_full = matches!(why.downcast_ref(), Some(ResourceTableError::Full));
        (is_full || cause.contains(TOO_MANY_HANDLES)).then_some(Breach::Resources(MAX_RESOURCES))
    }
}

/// Of wasmtime's own texts, because these errors have no public type; tests breach both limits.
const LIFTED_TOO_MUCH: &str = "fuel allocated for hostcalls has been exhausted";
const TOO_MANY_HANDLES: &str = "store handle limit exceeded";

impl ResourceLimiter for RunState {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // An error rather than `false`: `false` is a failed `memory.grow`, which the extension could survive, and the
        // run would end as some trap instead of by the limit's name.
        Ok(self.memory.grow(current, desired).map(|()| true)?)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            return Ok(false);
        }
        Ok(self.memory.grow_table(current, desired).map(|()| true)?)
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
