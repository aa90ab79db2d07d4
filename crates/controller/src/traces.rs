//! Traces of runs, for a collector that takes OTLP: each run is a trace, with its calls to the agent, freezes and thaws as spans
//! in it.
//!
//! - `record` notes what a run does, on the task of the run, and [`Traced`] begins and ends that.
//! - `queue` holds what waits to be sent. It is bounded, and no run ever waits for it: what does not fit is counted.
//! - `otlp` sends it, in builds with the feature `otlp`. It reads nothing of the store and writes to no disk.

#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod queue;
mod record;
mod traced;

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::traces::Collector;
use crate::counters::Counters;

pub use queue::Waiting;
pub(crate) use record::call_ended;
pub use record::{Beginning, RunTrace, Step, StepKind};
pub use traced::{Traced, TracedAudit};

use queue::Queue;

/// Takes the traces of runs. Cheap to clone; by default there is nobody who wants them.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Taker>>);

/// What traces are made with.
struct Taker {
    clock: Arc<dyn Clock>,
    queue: Queue,
}

impl Traces {
    /// Takes traces by this clock. Those that wait to be sent are in the receiver.
    pub fn new(clock: Arc<dyn Clock>, counters: Counters) -> (Self, UnboundedReceiver<Waiting>) {
        let (queue, waiting) = queue::queue(counters);
        (Self(Some(Arc::new(Taker { clock, queue }))), waiting)
    }
}

/// Sends traces.
pub struct Sending {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    stop: CancellationToken,
}

/// The same, in a task of its own. It is not one of those that take the others with them: a backup without a trace is
/// better than none.
pub struct SendingTask {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Sending {
    /// Begins.
    pub fn spawn(self) -> SendingTask {
        SendingTask { task: tokio::spawn(self.work), stop: self.stop }
    }
}

impl SendingTask {
    /// Sends what still waits, for a bounded time, and ends. All runs have ended before this.
    pub async fn end(self) {
        self.stop.cancel();
        if let Err(why) = self.task.await {
            tracing::error!(error = %why, "what sends traces has failed");
        }
    }
}

/// What traces need beside the configuration.
pub struct Sources {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where it is counted what became of them.
    pub counters: Counters,
    /// The guest's name.
    pub guest: String,
}

/// `[traces]` in a build that sends none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("traces: expected no [traces], found one, which is not in this build: the feature `otlp` is off")]
pub struct NotInThisBuild;

/// Whether this build does what the configuration asks for.
///
/// # Errors
///
/// [`NotInThisBuild`] without the feature `otlp`.
pub fn check(collector: Option<&Collector>) -> Result<(), NotInThisBuild> {
    match collector {
        Some(_) if cfg!(not(feature = "otlp")) => Err(NotInThisBuild),
        _ => Ok(()),
    }
}

/// As the configuration says.
///
/// # Errors
///
/// As [`check`].
#[cfg_attr(not(feature = "otlp"), expect(unused_variables, reason = "nothing is sent"))]
pub fn open(collector: Option<&Collector>, sources: Sources) -> Result<(Traces, Sending), NotInThisBuild> {
    check(collector)?;
    let stop = CancellationToken::new();
    match collector {
        #[cfg(feature = "otlp")]
        Some(collector) => {
            let (traces, waiting) = Traces::new(Arc::clone(&sources.clock), sources.counters.clone());
            let exporter = otlp::Exporter::new(collector, sources, waiting);
            Ok((traces, Sending { work: Box::pin(exporter.work(stop.clone())), stop }))
        }
        _ => Ok((Traces::default(), Sending { work: Box::pin(ready(())), stop })),
    }
}

#[cfg(test)]
mod tests;
