//! One controller, from its start to its end or crash.

use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use agentapi_mock::{Fault as AgentFault, Repeat, RouteSelector};
use axum::http::StatusCode;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::faults::{Fault, InForce, within};
use super::{DAY, HOUR, World, clock, size_of};
use crate::api::{Inherited, Sockets};
use crate::clock::{Clock, Monotonic};
use crate::config::Surroundings;
use crate::controller::{Controller, Environment, StartError};
use crate::owner::{Activity, StatusReader};
use crate::run::RunId;
use crate::store::{RunFilter, Store, StoreError};
use crate::watcher::Findings;
use tokio::sync::watch;

/// A controller at work, without its sockets.
pub(super) struct Life {
    pub(super) store: Store,
    pub(super) status: StatusReader,
    /// The latest success of the backup that was known before it did anything.
    pub(super) success_before: Option<jiff::Timestamp>,
    pub(super) findings: watch::Receiver<Findings>,
    coordinator: agentapi_host::quiesce::Coordinator,
    stop: CancellationToken,
    owner: JoinHandle<()>,
    _beside: tokio::task::JoinSet<()>,
}

impl World {
    /// Lives for some days, until an end that is decided by the dice.
    pub(super) fn live(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let until = self.clock.monotonic() + within(&mut self.random, 20 * DAY);
        let crashes = self.random.u8(0..10) < 7;
        runtime.block_on(async {
            let life = self.start().await;
            // The limit that stands for a full disk ends with the connection that has it.
            self.in_force.is_full = false;
            self.oracle.begins(&life).await;
            let is_early = self.drive(&life, until).await;
            if crashes && !is_early {
                self.die_soon(&life).await;
                self.oracle.excuses();
            } else {
                self.oracle.excuses();
                life.stop.cancel();
                // What it still waits for by the clock, such as an agent that does not answer, ends with it.
                life.owner.await.unwrap();
                assert!(!self.is_frozen(), "it has ended in order");
            }
        });
        // All of its tasks end where they are, as in a crash; what it has told its writer is still written.
        runtime.shutdown_background();
        // What has reached the agent is done there.
        std::thread::sleep(Duration::from_millis(20));
        self.oracle.count_starts(&self.agent);
        let away = match self.random.u8(0..10) {
            0..6 => within(&mut self.random, HOUR / 6),
            6..9 => within(&mut self.random, 10 * HOUR),
            _ => within(&mut self.random, 3 * DAY),
        };
        self.clock.advance(away);
    }

    async fn start(&mut self) -> Life {
        let config = self.configuration();
        let [main, read_only] = ["main.sock", "ro.sock"].map(|name| self.folder.path().join(name));
        let environment = Environment {
            clock: clock(self),
            host: Host::builder().cache_dir(self.folder.path().join("cache")),
            sockets: Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None },
            inherited: Inherited::default(),
            surroundings: Surroundings::of_process(),
            reload: std::sync::Arc::default(),
            park: Parked::nothing_to_park,
            recovered: None,
            gate: std::sync::Arc::new(crate::gate::Open),
        };
        let controller = loop {
            match Controller::start(&config, environment.clone()).await {
                // The locks of the one before go with its threads, a moment later.
                Err(StartError::Store(StoreError::InUse(_)) | StartError::Build(_)) => pause().await,
                started => break started.unwrap(),
            }
        };
        let Controller { owner, background, state, reloader, .. } = controller;
        // As a reload would name them: their program would take real time.
        reloader.receivers.send(self.operator.receivers()).unwrap();
        let (store, status) = (state.store.clone(), state.owner.status.clone());
        let (findings, coordinator) = (background.findings.clone(), state.coordinator.clone().unwrap());
        let success_before = status.get().subjects.first().and_then(|subject| subject.last_success);
        let stop = CancellationToken::new();
        let owner = tokio::spawn(owner.work(stop.clone()));
        Life { store, status, success_before, findings, coordinator, stop, owner, _beside: background.spawn() }
    }

    /// Lets the time pass. Whether the life ended before its time, because somebody starts the controller anew.
    async fn drive(&mut self, life: &Life, until: Monotonic) -> bool {
        loop {
            self.settle(life).await;
            self.look(life);
            let now = self.clock.monotonic();
            while self.faults.first().is_some_and(|(at, _)| *at <= now) {
                let (_, fault) = self.faults.remove(0);
                if self.happen(life, fault).await {
                    return true;
                }
            }
            if now >= until {
                return false;
            }
            let next = self.faults.first().map_or(DAY, |(at, _)| at.since(now));
            let wake = self.clock.until_next_wake().unwrap_or(DAY).max(Duration::from_millis(1));
            self.clock.advance(wake.min(next).min(until.since(now)));
        }
    }

    fn look(&mut self, life: &Life) {
        if self.in_force.is_any() {
            self.oracle.excuses();
        }
        self.oracle.looks(life, &self.agent);
        assert!(!life.is_idle() || !self.is_frozen(), "frozen, and nobody knows of it");
    }

    /// Whether the controller is to be started anew.
    async fn happen(&mut self, life: &Life, fault: Fault) -> bool {
        self.in_force.take(fault);
        self.oracle.excuses();
        match fault {
            Fault::Away { acts: true } => self.agent.inject(RouteSelector::Any, AgentFault::ResetAt(0), Repeat::Always),
            Fault::Away { acts: false } => {
                self.agent.inject(
                    RouteSelector::Any,
                    AgentFault::Status(StatusCode::SERVICE_UNAVAILABLE),
                    Repeat::Always,
                );
            }
            Fault::Back => self.agent.clear_faults(),
            Fault::OtherCertificate => self.agent.rotate_certificate().unwrap(),
            Fault::Trusted => {
                self.pin = self.agent.fingerprint().to_string();
                return true;
            }
            Fault::Jump(by) => {
                self.clock.jump(by);
                self.oracle.excuses();
            }
            Fault::Full => set_pages(life, 1).await,
            Fault::Space => set_pages(life, i64::from(u32::MAX) - 1).await,
        }
        false
    }

    /// Waits until all that goes on waits for the clock, or has gone on for longer than anything takes that does not.
    async fn settle(&self, life: &Life) {
        let (mut calm, mut tries) = (0, 0);
        while calm < 2 && tries < 40 {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            if life.is_idle() {
                calm += 1;
            } else {
                (calm, tries) = (0, tries + 1);
                pause().await;
            }
        }
    }

    /// As often as not, goes on until a run is under way; and then for a moment.
    async fn die_soon(&mut self, life: &Life) {
        let end = self.clock.monotonic() + DAY;
        let is_in_a_run = self.random.bool();
        while is_in_a_run && life.is_idle() && self.clock.monotonic() < end {
            self.settle(life).await;
            self.look(life);
            self.clock.advance(self.clock.until_next_wake().unwrap_or(DAY).max(Duration::from_millis(1)));
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
        let moment = Duration::from_micros(self.random.u64(0..60_000));
        tokio::time::sleep(moment).await;
    }

    /// The last controller, without faults, has to bring all to an end. The size of what it keeps.
    pub(super) fn settle_accounts(&mut self) -> u64 {
        self.faults.clear();
        self.agent.clear_faults();
        self.in_force = InForce::default();
        self.pin = self.agent.fingerprint().to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let life = self.start().await;
            self.oracle.begins(&life).await;
            let until = self.clock.monotonic() + 3 * DAY;
            self.drive(&life, until).await;
            let filter = RunFilter { is_open: true, ..RunFilter::default() };
            let open = life.store.reader().runs(filter, None, 10).await.unwrap().items;
            assert!(open.is_empty(), "{open:#?}");
            assert!(!self.is_frozen());
            assert_eq!(life.findings.borrow().as_slice(), [], "all is well again");
            self.oracle.ends(&life).await;
            life.stop.cancel();
            life.owner.await.unwrap();
        });
        runtime.shutdown_background();
        let bytes = size_of(&self.folder.path().join("state"));
        assert!(bytes < 8 << 20, "{bytes} bytes");
        bytes
    }
}

impl Life {
    pub(super) fn is_idle(&self) -> bool {
        self.coordinator.status().is_none()
            && self.status.get().subjects.iter().all(|subject| subject.activity == Activity::Idle)
    }

    /// The run that goes on, if one does.
    pub(super) fn running(&self) -> Option<RunId> {
        self.status.get().subjects.iter().find_map(|subject| match subject.activity {
            Activity::Running { run, .. } => run,
            _ => None,
        })
    }
}

async fn set_pages(life: &Life, pages: i64) {
    let set = move |tx: &mut crate::store::Tx<'_>| Ok(tx.savepoint.pragma_update(None, "max_page_count", pages)?);
    life.store.writer().write(set).await.unwrap();
}

/// Of the machine's time: for threads and the network.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
