//! The guest: a real controller, with a bus on which an order lies.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::clock::SystemClock;
use agentapi_controller::config::{Config, Surroundings};
use agentapi_controller::controller::{Companion, Controller, Environment};
use agentapi_controller::run::Run;
use agentapi_controller::store::RunFilter;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::guest::Source;
use agentapi_fleet::guest::orders::Orders;
use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

/// Looks at its orders for ever. Says when it begins to, and then what has become of them.
pub(crate) async fn obey(folder: &Path) {
    let controller = controller(folder).await;
    let companion = controller.companion();
    tokio::spawn(controller.run(CancellationToken::new()));
    let bus = MemoryBus::new(Arc::new(SystemClock));
    let list = fs::read(folder.join("list")).unwrap();
    bus.put(Table::Order, "g1", list.into(), Expect::Anything).await.unwrap();
    let mut orders = Orders::new(Source {
        companion: companion.clone(),
        bus: Arc::new(bus),
        name: "g1".parse().unwrap(),
        allowed_signers: Some(folder.join("signers")),
    });
    say("looking");
    loop {
        orders.look().await.unwrap();
        tell_of(&runs(&companion).await);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn controller(folder: &Path) -> Controller {
    let surroundings = Surroundings { host_name: "g1".into(), zone: TimeZone::UTC, credentials: None };
    let config = Config::read(&folder.join("controller.toml"), &surroundings).result.unwrap();
    let (main, read_only) = (folder.join("main.sock"), folder.join("ro.sock"));
    let environment = Environment {
        clock: Arc::new(SystemClock),
        host: Host::builder().cache_dir(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        sockets: Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None },
        inherited: Inherited::default(),
        surroundings,
        reload: Arc::default(),
        park: Parked::nothing_to_park,
        recovered: None,
        gate: Arc::new(agentapi_controller::gate::Open),
    };
    Controller::start(&config, environment).await.unwrap()
}

async fn runs(companion: &Companion) -> Vec<Run> {
    companion.store.reader().runs(RunFilter::default(), None, 100).await.unwrap().items
}

/// Says of each order how many runs it has had, and how the latest has ended.
fn tell_of(runs: &[Run]) {
    for run in runs.iter().filter(|run| run.ended_at.is_some()) {
        let Some((_, id)) = run.reason.trim_end_matches(')').split_once("(order ") else { continue };
        let count = runs.iter().filter(|other| other.reason == run.reason).count();
        say(&format!("{id} {count} {}: {}", run.state, run.end_reason));
    }
}

fn say(line: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "{line}").unwrap();
    output.flush().unwrap();
}
