//! A year in a minute: the controller's own parts on a virtual clock, with faults from a seed.
//!
//! Real are scheduler, owner, runs through the host library (component, TLS, backup loop, freeze and thaw by the keeper), the
//! store with its writer, reconciling, watcher, outbox and retention, and the mock agent. Virtual is the time of all of them but
//! for what happens on the network. Left out are the sockets, the look at the configuration's files, and how a notice travels.
//!
//! | fault | how |
//! | --- | --- |
//! | the agent is away for hours or days | each request fails, before it is carried out or after it |
//! | another certificate | until somebody trusts it, days later, and starts the controller anew |
//! | the controller crashes | its runtime is dropped, with a run under way as often as not; it is away for minutes or days |
//! | the wall clock jumps | by up to three hours either way |
//! | the disk is full | SQLite may not take another page, for hours |
//!
//! `AGENTAPI_TEST_YEARS` is how many years are lived, `AGENTAPI_TEST_SEED` the first one's seed.

mod calendar;
mod duty;
mod faults;
mod life;
mod oracle;
mod receiver;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_mock::{MockAgent, Scenario};
use fastrand::Rng;
use jiff::tz::TimeZone;

use crate::clock::{Clock, Monotonic, VirtualClock};
use crate::config::{Config, Surroundings};
use faults::{Fault, InForce, faults};
use oracle::Oracle;
use receiver::Recorder;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// As in the configuration.
const ALARM_AFTER: Duration = Duration::from_secs(26 * 60 * 60);
const KEEP_RUNS: usize = 200;

/// All that outlives a controller.
struct World {
    random: Rng,
    clock: VirtualClock,
    /// The agent's own threads: a controller that crashes takes its runtime with it.
    _agents: tokio::runtime::Runtime,
    agent: MockAgent,
    /// Whom the configuration trusts.
    pin: String,
    folder: tempfile::TempDir,
    faults: Vec<(Monotonic, Fault)>,
    in_force: InForce,
    operator: Recorder,
    oracle: Oracle,
}

impl World {
    fn new(seed: u64) -> Self {
        let agents = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let scenario = Scenario::from_toml("[backup]\nduration_ms = 0").unwrap();
        let agent = agents.block_on(MockAgent::builder().scenario(scenario).start()).unwrap();
        // In memory where there is such a folder: what is waited for is the program, and not a disk.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let clock = VirtualClock::new("2026-01-10T11:00:00Z".parse().unwrap());
        let mut random = Rng::with_seed(seed);
        let faults = faults(&mut random);
        let pin = agent.fingerprint().to_string();
        let operator = Recorder::default();
        let oracle = Oracle::new(clock.clone(), operator.clone());
        let (folder, in_force) = (folder.unwrap(), InForce::default());
        Self { random, clock, _agents: agents, agent, pin, folder, faults, in_force, operator, oracle }
    }

    fn configuration(&self) -> Config {
        let file = self.folder.path().join("controller.toml");
        fs::write(self.folder.path().join("token"), self.agent.token()).unwrap();
        let text = format!(
            "[agent]\nendpoint = \"{}\"\nfingerprints = [\"{}\"]\ntoken_file = \"token\"\n\
             [backup]\ncron = \"30 2 * * *\"\nzone = \"Europe/Berlin\"\neven_if_not_due = true\n\
             [quiesce]\napplications = [{{ freeze = \"touch '{folder}/frozen'\", thaw = \"rm -f '{folder}/frozen'\" }}]\n\
             [state]\nfolder = \"state\"\nkeep_for = \"60d\"\nkeep_runs = {KEEP_RUNS}\n",
            self.agent.endpoint(),
            self.pin,
            folder = self.folder.path().display(),
        );
        let surroundings = Surroundings { host_name: "guest".into(), zone: TimeZone::UTC, credentials: None };
        fs::write(&file, &text).unwrap();
        Config::check(&file, &text, &surroundings).result.unwrap()
    }

    fn is_frozen(&self) -> bool {
        self.folder.path().join("frozen").exists()
    }
}

#[test]
fn in_a_year_of_faults_every_backup_is_made_or_missed_aloud_and_none_twice() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, years) = (number("AGENTAPI_TEST_SEED").unwrap_or(1), number("AGENTAPI_TEST_YEARS").unwrap_or(1));
    for seed in first..first + years {
        let begun = Instant::now();
        println!("seed {seed}: AGENTAPI_TEST_SEED={seed} lives it again");
        let mut world = World::new(seed);
        let (mut lives, end) = (0, world.clock.monotonic() + YEAR);
        while world.clock.monotonic() < end {
            world.live();
            lives += 1;
        }
        let made = world.agent.change(|state| state.backup.started());
        let bytes = world.settle_accounts();
        assert!(world.oracle.taken_up() > 0, "no crash has hit a run");
        println!(
            "seed {seed}: {lives} controllers, {made} backups, {} of them owed, {} runs cut off, {} alarms, {} notices, {} KiB of history, {:?}",
            world.oracle.owed(),
            world.oracle.taken_up(),
            world.oracle.alarms(),
            world.operator.notices(),
            bytes / 1024,
            begun.elapsed()
        );
    }
}

/// For those who measure: the state is what is kept of a year.
fn size_of(folder: &std::path::Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn clock(world: &World) -> Arc<dyn Clock> {
    Arc::new(world.clock.clone())
}
