//! What goes on beside the owner and the API: looking for findings, telling people of them, forgetting what is old. None of
//! it holds up a run, and each can end at any time.

use std::sync::Arc;

use agentapi_host::quiesce::Coordinator;
use agentapi_host::{Error, error_chain};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::approval::Waiting;
use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::places::Retention;
use crate::controller::StartError;
use crate::counters::Counters;
use crate::link::Link;
use crate::messages::Messages;
use crate::metrics::{self, Metrics};
use crate::notify::outbox::{self, Outbox, Receivers};
use crate::owner::StatusReader;
use crate::plan::Plan;
use crate::retention::forget;
use crate::run::host::Work;
use crate::sampler::Latest;
use crate::store::Store;
use crate::watcher::{self, Findings, Probe, Watcher};

/// What it reads.
pub(super) struct Parts {
    pub(super) receivers: watch::Receiver<Receivers>,
    pub(super) retention: watch::Receiver<Retention>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) store: Store,
    pub(super) plans: watch::Receiver<Arc<Plan>>,
    pub(super) works: watch::Receiver<Arc<Work>>,
    pub(super) status: StatusReader,
    pub(super) calls: Arc<Calls>,
    pub(super) counters: Counters,
    pub(super) approvals: watch::Receiver<Waiting>,
    pub(super) messages: Messages,
    pub(super) coordinator: Option<Coordinator>,
    pub(super) latest: watch::Receiver<Latest>,
    pub(super) link: watch::Receiver<Link>,
}

/// The tasks, before they begin, and what they publish.
pub(super) struct Background {
    watcher: Watcher,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    store: Store,
    retention: watch::Receiver<Retention>,
    pub(super) findings: watch::Receiver<Findings>,
    pub(super) receivers: watch::Receiver<Receivers>,
    pub(super) metrics: Arc<Metrics>,
}

impl Background {
    /// Reads what is kept of earlier controllers.
    pub(super) async fn new(config: &Config, parts: Parts) -> Result<Self, StartError> {
        let Parts { receivers, retention, clock, store, plans, works, status, .. } = parts;
        let Parts { calls, counters, approvals, messages, coordinator, latest, link, .. } = parts;
        let (watcher, findings) = Watcher::new(watcher::Sources {
            clock: Arc::clone(&clock),
            store: store.clone(),
            plan: plans,
            status: status.clone(),
            identity: calls.identity(),
            approvals,
            messages,
            link,
            probe: probe(works),
        })
        .await?;
        let outbox = Outbox::new(outbox::Sources {
            clock: Arc::clone(&clock),
            store: store.clone(),
            guest: config.fixed.guest.clone(),
            findings: findings.clone(),
            receivers: receivers.clone(),
        })
        .await?;
        let sources =
            metrics::Sources { clock: Arc::clone(&clock), status, findings: findings.clone(), latest, coordinator };
        let metrics = Arc::new(Metrics::new(sources, counters));
        Ok(Self { watcher, outbox, clock, store, retention, findings, receivers, metrics })
    }

    /// Begins. All of it ends when the value is dropped.
    pub(super) fn spawn(self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(self.watcher.watch());
        tasks.spawn(self.outbox.deliver());
        tasks.spawn(forget(self.clock, self.store, self.retention));
        tasks
    }
}

/// Any call shows the fingerprints in its error; this one only reads.
fn probe(work: watch::Receiver<Arc<Work>>) -> Probe {
    Box::new(move || {
        let agent = work.borrow().agent.clone();
        Box::pin(async move {
            match agent.backup_status().await {
                Err(why @ Error::PinMismatch { .. }) => Some(error_chain(&why)),
                _ => None,
            }
        })
    })
}
