//! What a program beside the controller sees of it, in the same process: for a fleet's bus, which the controller knows
//! nothing of.

use std::sync::Arc;

use agentapi_host::Host;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::{JoinError, spawn_blocking};

use crate::action::Actions;
use crate::api::ApiState;
use crate::approval::{Desk, Waiting};
use crate::board::Board;
use crate::clock::Clock;
use crate::config::Config;
use crate::link::Link;
use crate::owner::StatusReader;
use crate::plan::Plan;
use crate::reload::Reloader;
use crate::sampler::Latest;
use crate::standing::Standing;
use crate::store::Store;
use crate::watcher::Findings;

/// The controller, for who works beside it. Cheap to clone.
#[derive(Clone)]
pub struct Companion {
    /// The guest's name.
    pub guest: String,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What runs and what is due.
    pub status: StatusReader,
    /// What can run.
    pub plan: watch::Receiver<Arc<Plan>>,
    /// The conditions that hold.
    pub findings: watch::Receiver<Findings>,
    /// The wipes that wait for a person.
    pub approvals: watch::Receiver<Waiting>,
    /// What was measured last.
    pub latest: watch::Receiver<Latest>,
    /// The history, and what a fleet's part remembers.
    pub store: Store,
    /// Asks the owner.
    pub actions: Actions,
    /// Decides on wipes.
    pub desk: Desk,
    /// The configuration in use.
    pub config: watch::Receiver<Arc<Config>>,
    pub(super) host: Host,
    pub(super) disk: Arc<Mutex<()>>,
    /// Has the configuration read again.
    pub reload: Arc<Notify>,
    /// Counts how often that was done.
    pub reloads: watch::Receiver<u64>,
    /// Tells the controller how it is with the bus.
    pub link: Arc<watch::Sender<Link>>,
    /// Tells it what the fleet makes of its backups.
    pub standing: Arc<watch::Sender<Standing>>,
    /// Shows people what a coordinator has seen of its fleet.
    pub board: Arc<watch::Sender<Option<Arc<Board>>>>,
}

impl Companion {
    pub(super) fn of(state: &ApiState, reloader: &Reloader, reloads: watch::Receiver<u64>) -> Self {
        Self {
            host: reloader.host.clone(),
            disk: Arc::clone(&reloader.disk),
            config: state.config.clone(),
            reload: Arc::clone(&reloader.asked),
            reloads,
            guest: state.guest.clone(),
            clock: Arc::clone(&state.clock),
            status: state.owner.status.clone(),
            plan: state.plans.clone(),
            findings: state.findings.clone(),
            approvals: state.desk.waiting(),
            latest: state.latest.clone(),
            store: state.store.clone(),
            actions: state.owner.actions.clone(),
            desk: state.desk.clone(),
            link: Arc::clone(&state.link),
            standing: Arc::clone(&state.standing),
            board: Arc::clone(&state.board),
        }
    }

    /// Does work that writes to a disk, on a thread that may wait for one, and not while something is frozen.
    ///
    /// # Errors
    ///
    /// [`JoinError`] where it panicked.
    pub async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Host) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let (disk, host) = (Arc::clone(&self.disk).lock_owned().await, self.host.clone());
        let done = spawn_blocking(move || {
            let _disk = disk;
            work(&host)
        });
        done.await
    }
}
