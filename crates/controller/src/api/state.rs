//! What the handlers of the API may use.

use std::sync::Arc;

use agentapi_host::quiesce::Coordinator;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::approval::Desk;
use crate::board::Board;
use crate::clock::Clock;
use crate::config::Config;
use crate::link::Link;
use crate::metrics::Metrics;
use crate::notify::outbox::Receivers;
use crate::owner::OwnerHandle;
use crate::plan::Plan;
use crate::run::host::Work;
use crate::sampler::Latest;
use crate::standing::Standing;
use crate::store::Store;
use crate::watcher::Findings;

/// What the handlers may use.
#[derive(Clone)]
pub struct ApiState {
    /// Takes what is asked.
    pub owner: OwnerHandle,
    /// Answers what was.
    pub store: Store,
    /// The conditions that hold.
    pub findings: watch::Receiver<Findings>,
    /// Where wipes are decided.
    pub desk: Desk,
    /// Who is told of them.
    pub receivers: watch::Receiver<Receivers>,
    /// The configuration in use.
    pub config: watch::Receiver<Arc<Config>>,
    /// What Prometheus reads.
    pub metrics: Arc<Metrics>,
    /// The guest's name.
    pub guest: String,
    /// The agent.
    pub work: watch::Receiver<Arc<Work>>,
    /// The freeze, if there can be one.
    pub coordinator: Option<Coordinator>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What can run.
    pub plans: watch::Receiver<Arc<Plan>>,
    /// What was measured last.
    pub latest: watch::Receiver<Latest>,
    /// How it is with the fleet's bus.
    pub link: Arc<watch::Sender<Link>>,
    /// What the fleet makes of the backups.
    pub standing: Arc<watch::Sender<Standing>>,
    /// What a coordinator beside this controller has seen of its fleet; none where there is no coordinator.
    pub board: Arc<watch::Sender<Option<Arc<Board>>>>,
    /// Ends streams.
    pub stop: CancellationToken,
}
