//! The task that measures once a minute, and lets it be written down. Nobody waits for it, and what it misses is a gap.

use std::sync::Arc;
use std::time::Duration;

use agentapi_host::quiesce::Coordinator;
use agentapi_host::{Agent, error_chain};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::run::host::Work;
use crate::sample::{Sample, of_disks, of_host};
use crate::store::Store;

/// What was measured last; nothing where that is more than a minute ago. Read without waiting.
pub type Latest = Arc<Vec<Sample>>;

/// Measures.
pub struct Sampler {
    clock: Arc<dyn Clock>,
    store: Store,
    work: watch::Receiver<Arc<Work>>,
    coordinator: Option<Coordinator>,
    latest: watch::Sender<Latest>,
}

impl Sampler {
    /// Returns where the latest samples are published.
    pub fn new(
        clock: Arc<dyn Clock>,
        store: Store,
        work: watch::Receiver<Arc<Work>>,
        coordinator: Option<Coordinator>,
    ) -> (Self, watch::Receiver<Latest>) {
        let (latest, reader) = watch::channel(Latest::default());
        (Self { clock, store, work, coordinator, latest }, reader)
    }

    /// Measures for ever: to be aborted at the end of the process.
    pub async fn measure(self) {
        let mut due = self.clock.monotonic();
        loop {
            self.measure_once().await;
            due = due + EVERY;
            let now = self.clock.monotonic();
            // After hours of suspension there is nothing to be made up for.
            if due.since(now).is_zero() {
                due = now + EVERY;
            }
            self.clock.sleep(due.since(now)).await;
        }
    }

    async fn measure_once(&self) {
        // Nothing else is asked of the agent while applications wait for it, and nothing can be written.
        if self.coordinator.as_ref().is_some_and(|coordinator| coordinator.status().is_some()) {
            self.latest.send_replace(Latest::default());
            return;
        }
        let agent = self.work.borrow().agent.clone();
        let samples = Latest::new(ask(&agent).await);
        self.latest.send_replace(Arc::clone(&samples));
        if samples.is_empty() {
            return;
        }
        let at = self.clock.now();
        if let Err(why) = self.store.writer().post(move |tx| tx.add_samples(at, &samples)) {
            tracing::debug!(error = %error_chain(&why), "what was measured is not written down");
        }
    }
}

/// Of two answers one is better than none.
async fn ask(agent: &Agent) -> Vec<Sample> {
    let said = |why: &agentapi_host::Error| tracing::debug!(error = %error_chain(why), "nothing was measured");
    let host = agent.host_metrics().await.inspect_err(said).map(|view| of_host(&view));
    let disks = agent.disks().await.inspect_err(said).map(|list| of_disks(&list));
    [host.unwrap_or_default(), disks.unwrap_or_default()].concat()
}

/// Often enough to see an hour, and little to ask.
const EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
