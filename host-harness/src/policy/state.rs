//! What a run has: its limits and how much of them is used, and the calls that it may make.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, ResourceLimiter};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::calls::Calls;
use super::limits::{Breach, Limits};
use super::log::Printed;

/// The store of one run.
pub(super) struct RunState {
    pub(super) calls: Calls,
    limits: Limits,
    cpu: Stopwatch,
    memory: Memory,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl RunState {
    pub(super) fn new(calls: Calls, limits: Limits, printed: &Printed) -> Self {
        // No file, environment, argument or network: what is not given here is not there.
        let wasi = WasiCtx::builder().stdout(printed.stream()).stderr(printed.stream()).build();
        let memory = Memory { used: 0, allowed: limits.memory_bytes };
        Self { calls, limits, cpu: Stopwatch::default(), memory, table: ResourceTable::new(), wasi }
    }

    /// Between the host and the extension: only its own computing counts, waiting does not.
    pub(super) fn hook(&mut self, hook: CallHook) -> wasmtime::Result<()> {
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

/// All memories of an extension together, in bytes: it may have several.
struct Memory {
    used: usize,
    allowed: usize,
}

impl Memory {
    fn grow(&mut self, current: usize, desired: usize) -> Result<(), Breach> {
        self.used = self.used.saturating_add(desired.saturating_sub(current));
        if self.used > self.allowed { Err(Breach::Memory(self.allowed)) } else { Ok(()) }
    }
}

impl ResourceLimiter for RunState {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired).map(|()| true)?)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        const MAX_ELEMENTS: usize = 100_000;
        Ok(desired <= MAX_ELEMENTS)
    }

    /// More than any language's runtime has: each instance, table and memory costs the host something.
    fn instances(&self) -> usize {
        1000
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        100
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_what_is_allowed() {
        let mut memory = Memory { used: 0, allowed: 10 };
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(0, 4), Ok(()));
        assert_eq!(memory.grow(4, 6), Ok(()));
        assert_eq!(memory.grow(4, 5), Err(Breach::Memory(10)));
    }
}
