//! Runs subjects through the host library: the backup loop, extensions and wipes, against the agent, with the applications
//! frozen by the coordinator and the store parked meanwhile.

mod approver;
mod backup;
mod disk;
mod extension;
mod parking;
mod reconcile;
mod state;
mod wipe;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{Audit, Policy};
use agentapi_host::quiesce::{Coordinator, Parked};
use agentapi_host::{Agent, error_chain};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::approval::Desk;
use crate::clock::{Clock, Monotonic};
use crate::messages::Messages;
use crate::run::log::LineKeeper;
use crate::run::{Run, RunContext, RunEnd, RunId, RunState, Runner};
use crate::store::Store;

pub use crate::config::extension::{BACKUP, WIPE};
use approver::RunApprover;
pub(crate) use disk::{LookError, look};
pub(crate) use parking::Parking;
pub use state::KeptState;

/// The runner of the controller. Cheap to clone.
#[derive(Clone)]
pub struct HostRunner {
    /// Where runs are written down.
    pub store: Store,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What runs. Replaced whole at a reload; a run keeps what it began with.
    pub work: watch::Receiver<Arc<Work>>,
    /// Freezes the applications; none where nothing is to be frozen.
    pub coordinator: Option<Coordinator>,
    /// Where people are asked before an extension wipes a disk.
    pub desk: Desk,
    /// What extensions remember.
    pub state: KeptState,
    /// What extensions tell the operator.
    pub messages: Messages,
    /// Takes what runs do; none if there is no audit.
    pub audit: Option<Arc<dyn ParkingAudit>>,
    /// Parks what writes while something is frozen.
    pub(crate) parking: Arc<Parking>,
}

/// An audit that can be told to keep its lines in memory for a while.
pub trait ParkingAudit: Audit {
    /// Keeps them until the value is dropped.
    fn park(&self) -> Parked;
    /// The same audit as the host library takes it.
    fn as_audit(self: Arc<Self>) -> Arc<dyn Audit>;
}

/// What runs, loaded.
pub struct Work {
    /// The agent.
    pub agent: Agent,
    /// The backup loop; none where it is not configured.
    pub backup: Option<BackupWork>,
    /// The extensions by name.
    pub extensions: BTreeMap<String, ExtensionWork>,
}

/// The backup loop, loaded.
pub struct BackupWork {
    /// The loop.
    pub policy: Policy,
    /// Its input: a JSON text.
    pub input: String,
    /// How long a backup is followed.
    pub give_up_after: Duration,
    /// Whether a backup that is only crash-consistent is as good, although applications are to be frozen.
    pub accepts_crash_consistent: bool,
}

/// An extension, loaded.
pub struct ExtensionWork {
    /// The extension.
    pub policy: Policy,
    /// Its input: a JSON text.
    pub input: String,
    /// Whether it may read what it remembers.
    pub remembers: bool,
    /// How long a run of it may last.
    pub wall: Duration,
}

impl Runner for HostRunner {
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        let runner = self.clone();
        Box::pin(async move {
            let work = Arc::clone(&runner.work.borrow());
            let RunContext { run, subject, stop, wipe, .. } = context;
            if let Some(wipe) = wipe {
                return runner.wipe(run, &work.agent, wipe, &stop).await;
            }
            match (subject.as_str(), &work.backup, work.extensions.get(&subject)) {
                (BACKUP, Some(backup), _) => runner.back_up(run, &work.agent, backup, &stop).await,
                (_, _, Some(extension)) => runner.run_extension(run, &work.agent, extension, &stop).await,
                _ => RunEnd::new(RunState::Stopped, "it is no longer in the configuration"),
            }
        })
    }

    fn reconcile(&self, run: Run, stop: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        let runner = self.clone();
        Box::pin(async move { runner.find_out(run, &stop).await })
    }
}

impl HostRunner {
    /// The extension with what this run needs: where its lines go, whom it asks, what it may freeze. The run begins now, and
    /// may last so long.
    fn prepare(&self, run: RunId, agent: &Agent, policy: &Policy, wall: Duration) -> Policy {
        let lines = LineKeeper::new(run, Arc::clone(&self.clock), self.store.writer().clone());
        let ends_at = self.clock.monotonic() + wall;
        let approver = self.approver(run, agent, ends_at, policy.sha256().to_owned());
        let mut policy = policy.clone().log(Arc::new(lines)).approver(Arc::new(approver));
        if let Some(audit) = &self.audit {
            policy = policy.audit(Arc::clone(audit).as_audit());
        }
        let Some(coordinator) = &self.coordinator else { return policy };
        let parking = Arc::clone(&self.parking);
        policy.quiesce(coordinator.clone(), move || parking.park())
    }

    fn approver(&self, run: RunId, agent: &Agent, ends_at: Monotonic, extension_sha256: String) -> RunApprover {
        let (desk, store, clock) = (self.desk.clone(), self.store.clone(), Arc::clone(&self.clock));
        RunApprover { desk, store, clock, agent: agent.clone(), run, ends_at, extension_sha256 }
    }

    /// Runs an extension until its end or until it is stopped; then waits until nothing is frozen. The error is an end.
    async fn drive(
        &self,
        policy: &Policy,
        agent: &Agent,
        input: &str,
        stop: &CancellationToken,
    ) -> Result<String, RunEnd> {
        let outcome = tokio::select! {
            outcome = policy.run(agent, input) => outcome.map_err(|why| extension::end_of(&why)),
            () = stop.cancelled() => Err(RunEnd::new(RunState::Stopped, "it was stopped")),
        };
        // A run that was stopped is thawed in the background. Its permit is kept until that has worked. Another run's freeze,
        // which may last for hours, is none of this one's business.
        if let Some(coordinator) = &self.coordinator
            && coordinator.status().is_some_and(|status| status.holder == policy.name())
            && let Err(why) = coordinator.idle().await
        {
            tracing::error!(error = %error_chain(&why), "still frozen");
        }
        outcome
    }
}
