//! How something is run: through the host library, or by a script in tests.

use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use crate::run::{Run, RunEnd, RunId};

/// Runs subjects. The second implementation is the scripted one of the tests.
pub trait Runner: Send + Sync + 'static {
    /// Runs a subject to its end. It watches [`RunContext::stop`], and after that ends soon, with nothing left frozen.
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>>;

    /// Finds out what became of a run whose controller is gone, and follows it to its end.
    fn reconcile(&self, run: Run, stop: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>>;
}

/// What a run is given.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// Its number.
    pub run: RunId,
    /// What runs.
    pub subject: String,
    /// Why it was activated.
    pub reason: String,
    /// Says that it is to end.
    pub stop: CancellationToken,
}
