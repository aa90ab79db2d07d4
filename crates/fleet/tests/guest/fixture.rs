//! A controller with a mock agent, and a guest's part beside it.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use agentapi_controller::action::{Action, Outcome};
use agentapi_controller::actor::Actor;
use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::clock::{Clock, FastClock};
use agentapi_controller::config::{Config, Surroundings};
use agentapi_controller::controller::{Companion, Controller, Environment};
use agentapi_controller::event::EventKind;
use agentapi_controller::link::Link;
use agentapi_controller::run::Run;
use agentapi_controller::store::RunFilter;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, BusError};
use agentapi_fleet::guest::{Guest, Member};
use agentapi_fleet::name::GuestName;
use agentapi_fleet::slots::{Slots, SlotsConfig};
use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use agentapi_mock::{MockAgent, Scenario};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The clock of all guests and buses here: ten times as fast as the system's, because a guest looks every 20 seconds.
pub(crate) fn clock() -> Arc<dyn Clock> {
    static CLOCK: LazyLock<FastClock> = LazyLock::new(|| FastClock::new(10));
    Arc::new(*CLOCK)
}

pub(crate) struct Fixture {
    pub(crate) companion: Companion,
    stop: CancellationToken,
    running: JoinHandle<()>,
    guest: JoinHandle<()>,
    _agent: MockAgent,
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    pub(crate) async fn start(bus: &MemoryBus) -> Self {
        Self::in_folder(Self::folder(), bus).await
    }

    pub(crate) async fn in_folder(folder: TempDir, bus: &MemoryBus) -> Self {
        Self::of_host(folder, bus, "pve1").await
    }

    pub(crate) async fn of_host(folder: TempDir, bus: &MemoryBus, host: &str) -> Self {
        Self::dialling(folder, bus, host, 0, || Err(BusError::Unusable(String::new()))).await
    }

    /// With a bus that answers so for some times before it is reached.
    pub(crate) async fn dialling(
        folder: TempDir,
        bus: &MemoryBus,
        host: &str,
        failures: usize,
        failure: fn() -> Result<Arc<dyn Bus>, BusError>,
    ) -> Self {
        let scenario = Scenario::from_toml("backup = { duration_ms = 20 }").unwrap();
        let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
        fs::write(folder.path().join("token"), agent.token()).unwrap();
        let (endpoint, pin) = (agent.endpoint(), agent.fingerprint());
        let configuration = format!(
            "guest = \"guest\"\n[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n\
             [state]\nfolder = \"state\"\n\
             [backup]\nevery = \"10h\"\neven_if_not_due = true\naccept_crash_consistent = true\n"
        );
        fs::write(folder.path().join("controller.toml"), configuration).unwrap();
        let surroundings = Surroundings { host_name: "guest".into(), zone: TimeZone::UTC, credentials: None };
        let config = Config::read(&folder.path().join("controller.toml"), &surroundings).result.unwrap();
        let [main, read_only] = ["main.sock", "ro.sock"].map(|name| folder.path().join(name));
        let (name, host): (GuestName, GuestName) = ("guest".parse().unwrap(), host.parse().unwrap());
        let clock = clock();
        let slots = Slots::new(SlotsConfig::new(name.clone(), host.clone()), Arc::clone(&clock));
        let environment = Environment {
            clock,
            host: Host::builder(),
            sockets: Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None },
            inherited: Inherited::default(),
            surroundings,
            reload: Arc::default(),
            park: Parked::nothing_to_park,
            recovered: None,
            gate: Arc::new(slots.clone()),
        };
        let controller = Controller::start(&config, environment).await.unwrap();
        let (companion, stop) = (controller.companion(), CancellationToken::new());
        let running = tokio::spawn(controller.run(stop.clone()));
        let (bus, dialled) = (bus.clone(), AtomicUsize::new(0));
        let dial = Box::new(move || {
            let outcome = match dialled.fetch_add(1, Ordering::SeqCst) < failures {
                true => failure(),
                false => Ok(Arc::new(bus.clone()) as Arc<dyn Bus>),
            };
            Box::pin(async { outcome }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        let (member, for_guest) = (Member::new(name, host), companion.clone());
        let guest = tokio::spawn(Guest { companion: for_guest, member, slots, dial }.work());
        Self { companion, stop, running, guest, _agent: agent, folder }
    }

    pub(crate) fn link(&self) -> Link {
        self.companion.link.borrow().clone()
    }

    pub(crate) async fn run_backup(&self) {
        let run = Action::RunNow { subject: "backup".into() };
        let outcome = self.companion.actions.ask(run, Actor::Controller).await.unwrap();
        assert!(matches!(outcome, Outcome::Run(_)), "{outcome:?}");
    }

    pub(crate) fn has_backup(&self) -> bool {
        self.companion.status.get().subjects.iter().any(|subject| subject.last_success.is_some())
    }

    pub(crate) async fn runs(&self) -> Vec<Run> {
        self.companion.store.reader().runs(RunFilter::default(), None, 100).await.unwrap().items
    }

    /// The texts of events of a kind, the oldest first.
    pub(crate) async fn texts(&self, kind: EventKind) -> Vec<String> {
        let events = self.companion.store.reader().events_after(0, 1000).await.unwrap();
        events.into_iter().filter(|event| event.kind == kind).map(|event| event.text).collect()
    }

    /// Gives the folder, in which another controller may go on.
    pub(crate) async fn end(self) -> TempDir {
        self.guest.abort();
        self.stop.cancel();
        self.running.await.unwrap();
        self.folder
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
