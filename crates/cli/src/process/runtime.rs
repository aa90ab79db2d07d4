//! The tokio runtime of a command.

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

/// A runtime on the calling thread: a command makes one call at a time, so worker threads would have nothing to do.
pub(crate) fn single_threaded() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")
}

/// Runs a future to its end and drops the runtime without waiting for its blocking threads: a name lookup may still
/// hang in `getaddrinfo` long after the call's deadline.
pub(crate) fn block_on<T>(runtime: Runtime, future: impl Future<Output = T>) -> T {
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    output
}
