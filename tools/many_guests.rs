//! `cargo run --release --package agentapi-fleet --example many_guests COUNT SERVER SHA256 KEYS`: as many guests in one process,
//! each with the real controller, a state folder and a key of its own, on a real nats-server. `tools/fleet-figures` starts it.
//!
//! Each has a mock agent of its own, in the same process. Prints a line when all have told of themselves, and then, twenty
//! times, how long it takes until a backup that begins on one of them shows in the overview. For each line of its input all of
//! them back up, at most [`SLOTS`] of a host at once, and what came of that is printed. Ends when its input ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_controller::action::{Action, Outcome};
use agentapi_controller::actor::Actor;
use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::config::{Config, Surroundings};
use agentapi_controller::controller::{Companion, Controller, Environment};
use agentapi_fleet::bus::{Bus, Table};
use agentapi_fleet::guest::{Guest, Member};
use agentapi_fleet::nats::{Access, NatsBus};
use agentapi_fleet::overview::Overview;
use agentapi_fleet::slots::{Slots, SlotsConfig, set_max};
use agentapi_host::quiesce::Parked;
use agentapi_mock::{MockAgent, Scenario};
use anyhow::Context;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const GUESTS_OF_A_HOST: usize = 20;
const CHANGES: usize = 20;
/// Of each host.
const SLOTS: u32 = 4;

/// The bus, and whose keys are where.
#[derive(Clone)]
struct Server {
    server: agentapi_host::Authority,
    pins: agentapi_host::Pins,
    keys: PathBuf,
}

impl Server {
    fn access(&self, user: &str) -> anyhow::Result<Access> {
        let seed = fs::read_to_string(self.keys.join(format!("{user}.seed")))?.trim().to_owned();
        Ok(Access { server: self.server.clone(), pins: self.pins.clone(), seed, user: user.into() })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [count, server, pin, keys] = arguments.as_slice() else { anyhow::bail!("expected COUNT SERVER SHA256 KEYS") };
    let count: usize = count.parse()?;
    let pin = agentapi_host::Fingerprint::from_pasted(pin)?;
    let server = Server { server: server.parse()?, pins: pin.into(), keys: keys.into() };
    let scenario = Scenario::from_toml("backup = { duration_ms = 3000 }")?;
    let mut agents = Vec::new();
    for _ in 0..count {
        agents.push(MockAgent::builder().scenario(scenario.clone()).start().await?);
    }
    let folder = tempfile::tempdir()?;
    let bus = NatsBus::connect(&server.access("coordinator")?).await?;
    let started = Instant::now();
    let (mut guests, mut companions) = (JoinSet::new(), Vec::new());
    for (number, agent) in (0..count).zip(&agents) {
        let name = format!("g{number}");
        let host = host_of(number);
        let slots = Slots::new(SlotsConfig::new(name.parse()?, host.parse()?), Arc::new(SystemClock));
        let at = folder.path().join(&name);
        let controller = controller(&at, &name, agent, slots.clone()).await.context(name.clone())?;
        let companion = controller.companion();
        companions.push(companion.clone());
        guests.spawn(controller.run(CancellationToken::new()));
        guests.spawn(guest(companion, name, &host, slots, server.clone())?.work());
    }
    println!("{count} controllers run after {:.1} s", started.elapsed().as_secs_f64());
    let everybody_told = async {
        while Overview::read(&bus).await?.guests().filter(|(_, view)| view.inventory.is_some()).count() < count {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        anyhow::Ok(())
    };
    everybody_told.await?;
    println!("all {count} are in the overview after {:.1} s", started.elapsed().as_secs_f64());
    show_changes(&bus, &companions).await?;
    println!("{}", memory()?);
    // Until whoever measures has seen enough.
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        println!("{}", night(&bus, &companions).await?);
    }
    Ok(())
}

fn host_of(number: usize) -> String {
    format!("pve{}", number / GUESTS_OF_A_HOST + 1)
}

/// All guests are to back up now. Returns what came of it when the last one is done, by what each controller has written down.
async fn night(bus: &NatsBus, companions: &[Companion]) -> anyhow::Result<String> {
    for number in (0..companions.len()).step_by(GUESTS_OF_A_HOST) {
        set_max(bus, &host_of(number).parse()?, Some(SLOTS)).await?;
    }
    let asked = SystemClock.now();
    let mut runs = Vec::new();
    for (number, companion) in companions.iter().enumerate() {
        let run = Action::RunNow { subject: "backup".into() };
        let Outcome::Run(id) = companion.actions.ask(run, Actor::Controller).await? else { continue };
        runs.push((number, companion, id));
    }
    let (mut hosts, mut done) = (BTreeMap::<usize, Vec<(Timestamp, Timestamp)>>::new(), 0);
    let mut waits = Vec::new();
    for (number, companion, id) in &runs {
        let run = loop {
            let run = companion.store.reader().run(*id).await?;
            if run.state.is_end() {
                break run;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let (Some(began), Some(ended)) = (run.started_at, run.ended_at) else { continue };
        done += usize::from(run.state.name() == "done");
        waits.push(began.duration_since(asked).as_secs_f64());
        hosts.entry(number / GUESTS_OF_A_HOST).or_default().push((began, ended));
    }
    let at = |spans: &[(Timestamp, Timestamp)], now: Timestamp| {
        spans.iter().filter(|(began, ended)| *began <= now && now < *ended).count()
    };
    let most = hosts.values().map(|spans| spans.iter().map(|(began, _)| at(spans, *began)).max().unwrap_or_default());
    let most: Vec<_> = most.collect();
    let over = most.iter().filter(|most| **most > SLOTS as usize).count();
    waits.sort_by(f64::total_cmp);
    Ok(format!(
        "a night: {done} of {} backups are done after {:.0} s; at most {} of a host at once, more than {SLOTS} on {over} of {} hosts; \
         waited: {:.0} s (median), {:.0} s (longest)",
        companions.len(),
        SystemClock.now().duration_since(asked).as_secs_f64(),
        most.iter().max().copied().unwrap_or_default(),
        most.len(),
        waits.get(waits.len() / 2).copied().unwrap_or_default(),
        waits.last().copied().unwrap_or_default(),
    ))
}

async fn controller(folder: &Path, name: &str, agent: &MockAgent, slots: Slots) -> anyhow::Result<Controller> {
    fs::create_dir(folder)?;
    fs::write(folder.join("token"), agent.token())?;
    let configuration = format!(
        "guest = \"{name}\"\n[agent]\nendpoint = \"{}\"\nfingerprints = [\"{}\"]\ntoken_file = \"token\"\n[state]\nfolder = \"state\"\n\
         [backup]\nevery = \"10h\"\neven_if_not_due = true\naccept_crash_consistent = true\n",
        agent.endpoint(),
        agent.fingerprint(),
    );
    fs::write(folder.join("controller.toml"), configuration)?;
    let surroundings = Surroundings::of_process();
    let config = Config::read(&folder.join("controller.toml"), &surroundings).result;
    let config = config.map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?;
    let environment = Environment {
        clock: Arc::new(SystemClock),
        host: agentapi_host::Host::builder().cache_dir(folder.with_file_name("cache")),
        sockets: Sockets {
            main: folder.join("socket"),
            read_only: folder.join("socket-ro"),
            group: None,
            approvers: Vec::new(),
            metrics: None,
        },
        inherited: Inherited::default(),
        surroundings,
        reload: Arc::default(),
        park: Parked::nothing_to_park,
        recovered: None,
        gate: Arc::new(slots),
    };
    Ok(Controller::start(&config, environment).await?)
}

fn guest(companion: Companion, name: String, host: &str, slots: Slots, server: Server) -> anyhow::Result<Guest> {
    let member = Member::new(name.parse()?, host.parse()?);
    let dial = Box::new(move || {
        let (server, name) = (server.clone(), name.clone());
        let dialled = async move {
            let access =
                server.access(&name).map_err(|why| agentapi_fleet::bus::BusError::Unusable(why.to_string()))?;
            Ok(Arc::new(NatsBus::connect(&access).await?) as Arc<dyn Bus>)
        };
        Box::pin(dialled) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    });
    Ok(Guest { companion, member, slots, dial })
}

/// Has some guests begin a backup, and measures until the overview shows that.
async fn show_changes(bus: &NatsBus, companions: &[Companion]) -> anyhow::Result<()> {
    let mut changes = bus.watch(Table::Inventory).await?.changes;
    let mut times = Vec::new();
    for companion in companions.iter().step_by((companions.len() / CHANGES).max(1)).take(CHANGES) {
        let began = Instant::now();
        companion.actions.ask(Action::RunNow { subject: "backup".into() }, Actor::Controller).await?;
        loop {
            let entry = changes.next().await.context("the bus has ended")??;
            let text = String::from_utf8_lossy(entry.value.as_deref().unwrap_or_default()).into_owned();
            // Each has its first run here.
            if entry.key == companion.guest && text.contains("\"last_start\":\"") {
                break;
            }
        }
        times.push(began.elapsed());
    }
    times.sort();
    let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) else { return Ok(()) };
    println!(
        "a backup that begins shows after {:.2} s (median), {:.2} s (longest)",
        median.as_secs_f64(),
        longest.as_secs_f64()
    );
    Ok(())
}

/// The most memory that this process has had.
fn memory() -> anyhow::Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    Ok(format!("all controllers in this process: {}", line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")))
}
