//! What a program beside the controller sees of it, in the same process: for a fleet's bus, which the controller knows
//! nothing of.

use std::sync::Arc;

use tokio::sync::watch;

use crate::action::Actions;
use crate::api::ApiState;
use crate::approval::{Desk, Waiting};
use crate::clock::Clock;
use crate::link::Link;
use crate::owner::StatusReader;
use crate::plan::Plan;
use crate::sampler::Latest;
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
    /// Tells the controller how it is with the bus.
    pub link: Arc<watch::Sender<Link>>,
}

impl Companion {
    pub(super) fn of(state: &ApiState) -> Self {
        Self {
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
        }
    }
}
