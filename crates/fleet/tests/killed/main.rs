//! A guest that obeys orders and is killed again and again meanwhile, by SIGKILL at moments that a seed decides: no order is
//! obeyed twice, and none is lost without a word.
//!
//! Started with an environment variable it is the guest; without, it is the test, which plays the signer, the agent and fate.
//! `SEED=7 cargo test -p agentapi-fleet --test killed` does the same again.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod guest;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_fleet::order::{Op, Order};
use agentapi_fleet::signed::{Signed, Statement};
use agentapi_mock::{MockAgent, Scenario};
use jiff::SignedDuration;

/// The folder of the guest that a child is.
const FOLDER: &str = "AGENTAPI_TEST_FOLDER";
const ORDERS: usize = 8;
/// For each order.
const MAX_KILLS: usize = 3;
/// For changes that do not come, because there is nothing left to do.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return guest::obey(Path::new(&folder)).await;
    }
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    fastrand::seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::from_toml("backup = { duration_ms = 20 }").unwrap();
    let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
    prepare(folder.path(), &agent);
    // The guest's memory begins before the first order.
    let (mut child, mut lines) = start(folder.path());
    assert_eq!(lines.next().as_deref(), Some("looking"));
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut obeyed, mut stopped) = (0, 0);
    for number in 0..ORDERS {
        let before = agent.change(|state| state.backup.started());
        let id = put_order(folder.path());
        // The first one is left in peace: what is counted is there to be counted.
        let kills = if number == 0 { 0 } else { fastrand::usize(1..=MAX_KILLS) };
        for _ in 0..kills {
            kill_some_time(folder.path());
        }
        let end = be_done(folder.path(), &id);
        let end = end.strip_prefix("1 ").unwrap_or_else(|| panic!("SEED={seed} order {number}: runs and end {end}"));
        let started = agent.change(|state| state.backup.started()) - before;
        println!("order {number}, killed {kills} times: {started} backup started, {end}");
        // The one end without a backup is a run that was written down and killed before the agent was asked.
        assert!(
            started == 1 || (started == 0 && kills > 0 && end.starts_with("stopped")),
            "SEED={seed} order {number}: {started}, {end}"
        );
        obeyed += started;
        stopped += 1 - started;
    }
    println!("{obeyed} orders were obeyed once, {stopped} were not obeyed, and none twice");
}

fn prepare(folder: &Path, agent: &MockAgent) {
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
    let made = Command::new("ssh-keygen").args(keygen).arg(folder.join("key")).status();
    assert!(made.expect("ssh-keygen is installed").success());
    let key = fs::read_to_string(folder.join("key.pub")).unwrap();
    fs::write(folder.join("list"), "[]").unwrap();
    fs::write(folder.join("signers"), format!("alice {key}")).unwrap();
    fs::write(folder.join("token"), agent.token()).unwrap();
    let configuration = format!(
        "guest = \"g1\"\n[agent]\nendpoint = \"{}\"\nfingerprints = [\"{}\"]\ntoken_file = \"token\"\n\
         [state]\nfolder = \"state\"\n\
         [backup]\nevery = \"10h\"\neven_if_not_due = true\naccept_crash_consistent = true\n",
        agent.endpoint(),
        agent.fingerprint()
    );
    fs::write(folder.join("controller.toml"), configuration).unwrap();
}

/// Lays an order where each child finds it on its bus, and returns its id.
fn put_order(folder: &Path) -> String {
    let hour = SignedDuration::from_hours(1);
    let order = Order::new("g1".parse().unwrap(), Op::Backup, "alice", SystemClock.now(), hour);
    assert_eq!(order.issued_by(), "alice");
    let signed = Signed::by_ssh_keygen(&order, &folder.join("key")).unwrap();
    fs::write(folder.join("list"), serde_json::to_vec(&[signed]).unwrap()).unwrap();
    order.id
}

fn start(folder: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let mut child = child.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}

/// Kills a guest while it looks at its orders: just after one of the first changes of its history reaches the file, because
/// what it does is decided between these, or at any other moment.
fn kill_some_time(folder: &Path) {
    let (mut child, mut lines) = start(folder);
    assert_eq!(lines.next().as_deref(), Some("looking"));
    let log = folder.join("state/controller.db-wal");
    let stamp = || fs::metadata(&log).and_then(|log| Ok((log.len(), log.modified()?))).ok();
    let (mut left, mut seen, started) = (fastrand::u32(..=6), stamp(), Instant::now());
    while left > 0 && started.elapsed() < LONGEST_WAIT {
        let now = stamp();
        left -= u32::from(now != seen);
        seen = now;
    }
    if fastrand::bool() {
        std::thread::sleep(Duration::from_micros(fastrand::u64(..5_000)));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Lets a guest go on to the end, and returns how many runs the order has had, and how the latest has ended.
fn be_done(folder: &Path, id: &str) -> String {
    let (mut child, lines) = start(folder);
    let end = lines.into_iter().find_map(|line| line.strip_prefix(&format!("{id} ")).map(str::to_owned));
    child.kill().unwrap();
    child.wait().unwrap();
    end.expect("the guest says how the order has ended")
}
