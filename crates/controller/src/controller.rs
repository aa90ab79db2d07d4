//! The controller as a whole: the order in which it starts, and the order in which it ends.
//!
//! | start | end |
//! | --- | --- |
//! | what was left frozen is thawed, before anything else is looked at ([`thaw_left_frozen`](agentapi_host::quiesce::thaw_left_frozen), by the caller) | runs are stopped, which thaws |
//! | the history is opened, and a damaged one set aside | runs that have ended are written down |
//! | extensions are loaded: what is refused ends the start | nothing is frozen any more |
//! | runs that were left open are taken up | streams end, requests are answered |
//! | the sockets are bound, and then somebody is answered | the sockets are removed |
//! | | traces that wait are sent, for some seconds |

mod announce;
mod background;
mod companion;
mod environment;
mod liveness;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_host::policy::{Audit, AuditFile};
use agentapi_host::quiesce::{Coordinator, Parked};
use agentapi_host::{BuildError as HostError, Observer, error_chain};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::api::{self, ApiState};
use crate::approval::Desk;
use crate::build::{self, BuildError};
use crate::calls::Calls;
use crate::config::{Config, Reload};
use crate::controller::announce::{announce, end};
use crate::controller::background::{Background, Parts};
use crate::counters::{Counted, Counters};
use crate::link::Link;
use crate::messages::Messages;
use crate::owner::{Owner, StatusReader};
use crate::reload::Reloader;
use crate::run::host::{HostRunner, KeptState, Parking, ParkingAudit};
use crate::sampler::Sampler;
use crate::store::{Store, StoreError};
use crate::traces::{self, Sending, Traced, TracedAudit};

pub use companion::Companion;
pub use environment::Environment;
pub use liveness::Liveness;

/// Why the controller did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The history cannot be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The component cannot be loaded.
    #[error("the client cannot be loaded")]
    Host(#[from] HostError),
    /// What is configured cannot run.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The audit cannot be written.
    #[error("the audit {} cannot be written", file.display())]
    Audit {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A socket cannot be bound.
    #[error("a socket cannot be bound")]
    Socket(#[source] io::Error),
}

/// A controller that is ready to run.
pub struct Controller {
    owner: Owner,
    background: Background,
    sampler: Sampler,
    reloader: Reloader,
    bound: api::Bound,
    state: ApiState,
    reloads: watch::Receiver<u64>,
    /// Ends requests and streams, after the runs.
    stop_api: CancellationToken,
    sending: Sending,
}

impl Controller {
    /// Starts all parts. Blocks while extensions are compiled.
    ///
    /// # Errors
    ///
    /// [`StartError`]: then nothing runs, and no socket is left.
    pub async fn start(config: &Config, environment: Environment) -> Result<Self, StartError> {
        let Environment { clock, host, sockets, inherited, surroundings, reload, park, recovered, gate } = environment;
        // The history first: it makes the folder in which the journal lies by default, and its lock keeps a second controller
        // from what the first one has frozen.
        let store = Store::open(&config.fixed.state)?;
        let coordinator = build::coordinator(&config.fixed)?;
        let counters = Counters::new();
        let calls = Calls::new(counters.clone());
        let host = host.observer(Arc::clone(&calls) as Arc<dyn Observer>).build()?;
        let (plan, work) = build::build(&host, &config.live, config.fixed.quiesce.is_some())?;
        let ((plan, plans), (work, works)) = (watch::channel(Arc::new(plan)), watch::channel(Arc::new(work)));
        let disk = Arc::new(Mutex::new(()));
        let desk = Desk::new(Arc::clone(&clock), store.clone());
        let messages = Messages::new(Arc::clone(&clock), store.clone()).await?;
        let audit: Arc<dyn ParkingAudit> = Arc::new(TracedAudit(audit(&config.fixed.audit)?));
        let parking = Parking::new(store.clone(), Some(Arc::clone(&audit)), park, Arc::clone(&disk));
        let runner = HostRunner {
            store: store.clone(),
            clock: Arc::clone(&clock),
            work: works.clone(),
            coordinator: coordinator.clone(),
            desk: desk.clone(),
            state: KeptState::new(store.clone()),
            messages: messages.clone(),
            audit: Some(audit),
            parking: Arc::new(parking),
        };
        let guest = config.fixed.guest.clone();
        let sources = traces::Sources { clock: Arc::clone(&clock), counters: counters.clone(), guest };
        let traces = traces::open(config.fixed.traces.as_ref(), sources);
        let (traces, sending) = traces.map_err(BuildError::from)?;
        let runner = Traced { runner, traces };
        let runner = Arc::new(Counted { runner, counters: counters.clone() });
        let (owner, handle) = Owner::new(Arc::clone(&clock), store.clone(), runner, gate, plans.clone()).await?;
        let (receivers, told) = watch::channel(build::receivers(&config.live)?);
        let (retention, kept) = watch::channel(config.live.retention);
        let (sampler, latest) = Sampler::new(Arc::clone(&clock), store.clone(), works.clone(), coordinator.clone());
        let link = Arc::new(watch::Sender::new(Link::default()));
        let parts = Parts {
            receivers: told,
            retention: kept,
            clock: Arc::clone(&clock),
            store: store.clone(),
            plans: plans.clone(),
            works: works.clone(),
            status: handle.status.clone(),
            calls,
            counters,
            approvals: desk.waiting(),
            messages,
            coordinator: coordinator.clone(),
            latest: latest.clone(),
            link: link.subscribe(),
        };
        let background = Background::new(config, parts).await?;
        let bound = api::bind(&sockets, &inherited).map_err(StartError::Socket)?;
        announce(&store, clock.as_ref(), recovered).await?;
        let (shown, in_use) = watch::channel(Arc::new(config.clone()));
        let (has_reloaded, reloads) = watch::channel(0);
        let reloader = Reloader {
            reload: Reload::new(config.file(), surroundings),
            config: config.clone(),
            shown,
            host,
            store: store.clone(),
            clock: Arc::clone(&clock),
            plan,
            work,
            receivers,
            retention,
            asked: reload,
            has_reloaded,
            disk,
        };
        let stop_api = CancellationToken::new();
        let state = ApiState {
            owner: handle,
            store,
            findings: background.findings.clone(),
            desk,
            receivers: background.receivers.clone(),
            config: in_use,
            metrics: Arc::clone(&background.metrics),
            guest: config.fixed.guest.clone(),
            work: works,
            coordinator,
            clock,
            plans,
            latest,
            link,
            standing: Arc::default(),
            board: Arc::default(),
            stop: stop_api.clone(),
        };
        Ok(Self { owner, background, sampler, reloader, bound, state, reloads, stop_api, sending })
    }

    /// What freezes, if anything is to be frozen: whoever does not wait for the end looks here whether something still is.
    pub fn coordinator(&self) -> Option<&Coordinator> {
        self.state.coordinator.as_ref()
    }

    /// What a watchdog asks. The token is the one that [`run`](Self::run) is given.
    pub fn liveness(&self, stop: &CancellationToken) -> Liveness {
        let (owner, coordinator) = (self.state.owner.clone(), self.state.coordinator.clone());
        Liveness { owner, coordinator, stop: stop.clone() }
    }

    /// What somebody beside it in this process sees of it.
    pub fn companion(&self) -> Companion {
        Companion::of(&self.state, &self.reloader, self.reloads.clone())
    }

    /// What runs and what is due.
    pub fn status(&self) -> StatusReader {
        self.state.owner.status.clone()
    }

    /// How often the configuration has been read because [`Environment::reload`] asked for it, and was taken up or refused.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.clone()
    }

    /// Runs until the token says to end, or cancels it because a part has ended by itself. Then stops what runs, waits until nothing is frozen, and answers what was asked.
    pub async fn run(self, stop: CancellationToken) {
        let Self { owner, background, sampler, reloader, bound, state, stop_api, sending, .. } = self;
        let (store, clock, coordinator) = (state.store.clone(), Arc::clone(&state.clock), state.coordinator.clone());
        let mut api = JoinSet::new();
        api.spawn(api::serve(bound, state));
        let mut beside = background.spawn();
        beside.spawn(sampler.measure());
        beside.spawn(reloader.work(stop.clone()));
        let mut owner = tokio::spawn(owner.work(stop.clone()));
        let sending = sending.spawn();
        let (mut is_in_order, mut is_working) = (true, true);
        while is_working {
            let ended = tokio::select! {
                ended = &mut owner => {
                    is_working = false;
                    ended
                }
                Some(ended) = beside.join_next() => ended,
                Some(ended) = api.join_next() => ended,
            };
            is_in_order &= has_ended_in_order(ended, &stop);
        }
        drop(beside);
        if let Some(coordinator) = &coordinator
            && let Err(why) = coordinator.idle().await
        {
            tracing::error!(error = %error_chain(&why), "still frozen: the next start thaws");
        }
        let at = clock.now();
        let event = end(is_in_order);
        if let Err(why) = store.writer().write(move |tx| tx.event(at, event)).await {
            tracing::error!(error = %error_chain(&why), "the end is not written down");
        }
        stop_api.cancel();
        while api.join_next().await.is_some() {}
        sending.end().await;
    }
}

/// A part that ends before it is told to takes the others with it: a controller without a schedule, or one that tells nobody
/// of what it finds, is worse than one that is seen to be gone and started again.
fn has_ended_in_order(ended: Result<(), JoinError>, stop: &CancellationToken) -> bool {
    match ended {
        Ok(()) if stop.is_cancelled() => return true,
        Ok(()) => tracing::error!("a part of the controller has ended by itself, and so the controller ends"),
        Err(why) => tracing::error!(error = %why, "a part of the controller has failed, and so the controller ends"),
    }
    stop.cancel();
    false
}

fn audit(file: &Path) -> Result<AuditFile, StartError> {
    AuditFile::open(file).map_err(|source| StartError::Audit { file: file.into(), source })
}

impl ParkingAudit for AuditFile {
    fn park(&self) -> Parked {
        Self::park(self)
    }

    fn as_audit(self: Arc<Self>) -> Arc<dyn Audit> {
        self
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the network and the threads of a simulated year take real time")]
mod year;
