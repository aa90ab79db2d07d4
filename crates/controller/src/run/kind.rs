//! How something is run: through the host library, or by a script in tests.

use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use crate::actor::Actor;
use crate::approval::WipeOrder;
use crate::run::{Run, RunEnd, RunId};

/// Runs subjects. The second implementation is the scripted one of the tests.
pub trait Runner: Send + Sync + 'static {
    /// Runs a subject to its end. It watches [`RunContext::stop`], and after that ends soon, with nothing left frozen.
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>>;

    /// Finds out what became of a run whose controller is gone, and follows it to its end.
    fn reconcile(&self, run: Run, stop: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>>;
}

/// What a run is given.
#[derive(Debug)]
pub struct RunContext {
    /// Its number.
    pub run: RunId,
    /// What runs.
    pub subject: String,
    /// Why it was activated.
    pub reason: String,
    /// Says that it is to end.
    pub stop: CancellationToken,
    /// What is to be wiped, if a user of the API has asked for it: then that is all the run does.
    pub wipe: Option<AskedWipe>,
}

/// A wipe, and the user of the API who wants it.
#[derive(Debug)]
pub struct AskedWipe {
    /// What is to be wiped.
    pub order: WipeOrder,
    /// Who wants it.
    pub asked_by: Actor,
}
