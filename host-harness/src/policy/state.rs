//! What a run has: its limits and how much of them is used, its log, and the calls that it may make.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, ResourceLimiter};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::calls::Calls;
use super::limits::{Breach, Limits};

/// The store of one run.
pub(super) struct RunState {
    pub(super) calls: Calls,
    pub(super) limits: Limits,
    cpu: Stopwatch,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl RunState {
    pub(super) fn new(calls: Calls, limits: Limits) -> Self {
        let log = Log {
            extension: calls.extension().into(),
            left: Arc::new(limits.log_bytes.into()),
            allowed: limits.log_bytes,
        };
        // No file, environment, argument or network: what is not given here is not there.
        let wasi = WasiCtx::builder().stdout(log.clone()).stderr(log).build();
        Self { calls, limits, cpu: Stopwatch::default(), table: ResourceTable::new(), wasi }
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

impl ResourceLimiter for RunState {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.memory_bytes { Err(Breach::Memory(self.limits.memory_bytes).into()) } else { Ok(true) }
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        const MAX_ELEMENTS: usize = 100_000;
        Ok(desired <= MAX_ELEMENTS)
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// stdout and stderr of an extension: into the log, with its name, as much as is allowed.
#[derive(Clone)]
struct Log {
    extension: Arc<str>,
    left: Arc<std::sync::atomic::AtomicUsize>,
    allowed: usize,
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        use std::sync::atomic::Ordering::Relaxed;
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes.len()));
        if taken.is_err() {
            return Err(StreamError::Trap(Breach::Log(self.allowed).into()));
        }
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.is_empty()) {
            tracing::info!(extension = &*self.extension, "{}", line.escape_debug());
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        const MAX_WRITE_BYTES: usize = 64 * 1024;
        Ok(MAX_WRITE_BYTES)
    }
}

#[async_trait::async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}
