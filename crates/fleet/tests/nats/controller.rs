//! A real controller with a mock agent, that can be ended and started again on the same state.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::config::{Config, Surroundings};
use agentapi_controller::controller::{Companion, Controller, Environment, StartError};
use agentapi_controller::event::{Event, EventKind};
use agentapi_controller::run::Run;
use agentapi_controller::store::{RunFilter, StoreError};
use agentapi_fleet::guest::{Dial, Guest, Member};
use agentapi_fleet::slots::{Slots, SlotsConfig};
use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use agentapi_mock::{MockAgent, Scenario};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What stays when a controller ends.
pub(crate) struct Machine {
    pub(crate) agent: MockAgent,
    name: String,
    clock: Arc<dyn Clock>,
    folder: TempDir,
}

pub(crate) struct Running {
    pub(crate) companion: Companion,
    slots: Slots,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Machine {
    pub(crate) async fn new() -> Self {
        Self::named("g1").await
    }

    pub(crate) async fn named(name: &str) -> Self {
        let scenario = Scenario::from_toml("backup = { duration_ms = 20 }").unwrap();
        let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
        Self { agent, name: name.to_owned(), clock: Arc::new(SystemClock), folder: tempfile::tempdir().unwrap() }
    }

    /// The same, by another clock.
    pub(crate) fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.file(name), text).unwrap();
        self.file(name)
    }

    /// Makes the history one that cannot be opened. Waits until nobody has it open.
    pub(crate) async fn damage_state(&self) {
        let lock = fs::File::open(self.file("state/controller.lock")).unwrap();
        wait_until("the state is free", async || lock.try_lock().is_ok()).await;
        drop(lock);
        for log in ["state/controller.db-wal", "state/controller.db-shm"] {
            let _ = fs::remove_file(self.file(log));
        }
        fs::write(self.file("state/controller.db"), "this is no database".repeat(1000)).unwrap();
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with("[backup]\nevery = \"10h\"\neven_if_not_due = true\naccept_crash_consistent = true\n").await
    }

    /// With an application that is frozen while it backs up: the file `frozen` is there as long, and `freezes` has a line for
    /// each time.
    pub(crate) async fn start_with_freezes(&self) -> Running {
        let [frozen, freezes] = ["frozen", "freezes"].map(|name| self.file(name).display().to_string());
        self.start_with(&format!(
            "[backup]\nevery = \"10h\"\neven_if_not_due = true\n[quiesce]\n\
             applications = [{{ freeze = 'sh -c \"touch {frozen}; echo once >> {freezes}\"', thaw = 'rm -f {frozen}' }}]\n"
        ))
        .await
    }

    pub(crate) async fn start_with(&self, more: &str) -> Running {
        self.write("token", self.agent.token());
        let (endpoint, pin, name) = (self.agent.endpoint(), self.agent.fingerprint(), &self.name);
        let configuration = format!(
            "guest = \"{name}\"\n[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n\
             [state]\nfolder = \"state\"\n{more}"
        );
        let file = self.write("controller.toml", &configuration);
        let surroundings = Surroundings { host_name: name.clone(), zone: TimeZone::UTC, credentials: None };
        let config = Config::read(&file, &surroundings).result.unwrap();
        let slots =
            Slots::new(SlotsConfig::new(name.parse().unwrap(), "pve1".parse().unwrap()), Arc::clone(&self.clock));
        let (main, read_only) = (self.file("main.sock"), self.file("ro.sock"));
        let environment = Environment {
            clock: Arc::clone(&self.clock),
            // The component is compiled once for all tests.
            host: Host::builder().cache_dir(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")),
            sockets: Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None },
            inherited: Inherited::default(),
            surroundings,
            reload: Arc::default(),
            park: Parked::nothing_to_park,
            recovered: None,
            gate: Arc::new(slots.clone()),
        };
        let controller = loop {
            match Controller::start(&config, environment.clone()).await {
                // The lock of the one before goes with its thread, a moment later.
                Err(StartError::Store(StoreError::InUse(_))) => tokio::task::yield_now().await,
                started => break started.unwrap(),
            }
        };
        let (companion, stop) = (controller.companion(), CancellationToken::new());
        let task = tokio::spawn(controller.run(stop.clone()));
        Running { companion, slots, stop, task }
    }
}

impl Running {
    /// Lets it take part in a fleet, until the task is aborted.
    pub(crate) fn join(&self, member: Member, dial: Dial) -> JoinHandle<()> {
        let (companion, slots) = (self.companion.clone(), self.slots.clone());
        tokio::spawn(Guest { companion, member, slots, dial }.work())
    }

    /// Ends it, but for its store, which lives as long as a companion.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    pub(crate) async fn events(&self, kind: EventKind) -> Vec<Event> {
        let events = after_the_thaw(async || self.companion.store.reader().events_after(0, 1000).await).await;
        events.into_iter().filter(|event| event.kind == kind).collect()
    }

    /// The texts of events of a kind.
    pub(crate) async fn texts(&self, kind: EventKind) -> Vec<String> {
        self.events(kind).await.into_iter().map(|event| event.text).collect()
    }

    /// The newest first.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        after_the_thaw(async || self.companion.store.reader().runs(RunFilter::default(), None, 100).await).await.items
    }

    /// Waits until all runs have ended.
    pub(crate) async fn be_idle(&self) {
        wait_until("all runs end", async || self.runs().await.iter().all(|run| run.ended_at.is_some())).await;
    }
}

/// What is read of the history. It answers nothing while something is frozen.
async fn after_the_thaw<T>(read: impl AsyncFn() -> Result<T, StoreError>) -> T {
    loop {
        match read().await {
            Err(StoreError::Parked(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            read => return read.unwrap(),
        }
    }
}

/// Waits until it is so: for as long as a busy machine takes, many times over.
pub(crate) async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
