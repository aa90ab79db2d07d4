//! A wipe that an extension or a user asks `agentapi serve` for, and the person who decides by `agentapi approvals`.

mod peers;
mod users;

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use agentapi_mock::MockAgent;
use serde_json::Value;

use crate::policy_command::agentapi;
use crate::support::{build_folder, extension};

const DEVICE: &str = "/dev/sdc1";
const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";

/// A disk that the extension leaves alone.
const OTHER: &str = "/dev/sdd1";
const OTHER_ID: &str = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";

/// A controller with the extension `wiper`, which asks for a wipe of [`DEVICE`] each time that it runs.
struct Fixture {
    runtime: tokio::runtime::Runtime,
    agent: MockAgent,
    folder: tempfile::TempDir,
    command: PathBuf,
}

/// Killed when it is dropped.
struct Controller(Child);

impl Fixture {
    /// With these lines more for the extension, and tables after them.
    fn new(more: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let agent = runtime.block_on(MockAgent::start()).unwrap();
        let fixture = Self { runtime, agent, folder: tempfile::tempdir().unwrap(), command: agentapi() };
        let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint());
        let wiper = extension("misbehaving");
        let config = format!(
            "[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n\
             [api]\nsocket = \"main.sock\"\nsocket_ro = \"ro.sock\"\n[state]\nfolder = \"state\"\n\
             [[extension]]\nname = \"wiper\"\nfile = '{}'\nungranted = \"deny\"\nfunctions = [\"disks.format\"]\n\
             input = {{ do = \"{DEVICE}={ID}\" }}\n{more}",
            wiper.display()
        );
        std::fs::write(fixture.folder.path().join("token"), fixture.agent.token()).unwrap();
        std::fs::write(fixture.folder.path().join("controller.toml"), config).unwrap();
        fixture
    }

    /// Has the command's configuration say this of its sockets besides.
    fn configure_api(&self, more: &str) {
        let file = self.folder.path().join("controller.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, config.replace("[api]\n", &format!("[api]\n{more}"))).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command);
        command.args(arguments).env("AGENTAPI_SOCKET", self.folder.path().join("main.sock"));
        command.env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache")).stdin(Stdio::null());
        command
    }

    fn spawn(&self) -> Controller {
        let config = self.folder.path().join("controller.toml");
        let mut serve = self.command(&["serve", "--config", config.to_str().unwrap()]);
        Controller(serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// A controller that answers.
    fn serve(&self) -> Controller {
        let mut controller = self.spawn();
        self.wait_until("the controller answers", || match controller.0.try_wait().unwrap() {
            None => self.output(&["status"]).status.success(),
            Some(_) => {
                let mut said = String::new();
                controller.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("it has ended: {said}");
            }
        });
        controller
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The JSON that a command prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The status of a command, and what it says.
    fn ends(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !condition() {
            assert!(Instant::now() < until, "not within a minute: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has the extension run, and waits until it asks. Returns the numbers of the run and of the request.
    fn ask(&self) -> (i64, i64) {
        let run = self.json(&["schedule", "run", "wiper"])["run"].as_i64().unwrap();
        let mut waiting = Vec::new();
        self.wait_until("it asks", || {
            waiting = self.json(&["status"])["approvals"].as_array().unwrap().clone();
            !waiting.is_empty()
        });
        assert_eq!((&waiting[0]["run"], &waiting[0]["durable_id"]), (&run.into(), &ID.into()));
        (run, waiting[0]["id"].as_i64().unwrap())
    }

    fn ended(&self, run: i64) -> Value {
        let mut found = Value::Null;
        self.wait_until("the run has ended", || {
            found = self.json(&["runs", "show", &run.to_string()]);
            found["ended_at"].is_string()
        });
        found
    }

    fn state_of(&self, approval: i64) -> String {
        self.json(&["approvals", "show", &approval.to_string()])["state"].as_str().unwrap().to_owned()
    }

    /// How often the agent was told to format.
    fn formats(&self) -> usize {
        self.agent.requests().iter().filter(|request| request.path == "/disks/format").count()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_disk_is_wiped_once_when_its_durable_id_was_typed_and_not_before() {
    let fixture = Fixture::new("");
    let _controller = fixture.serve();
    let (run, approval) = fixture.ask();
    let number = approval.to_string();
    assert_eq!(fixture.json(&["runs", "show", &run.to_string()])["state"], "waiting-for-approval");
    let (status, shown) = fixture.ends(&["approvals", "show", &number]);
    assert!(status == Some(0) && shown.contains(ID) && shown.contains("asked by: wiper"), "{shown}");
    assert!(fixture.ends(&["status"]).1.contains("wiper asks whether /dev/sdc1"), "the finding");

    let (status, said) = fixture.ends(&["approvals", "approve", &number]);
    assert!(status == Some(1) && said.contains("stdin is no terminal"), "{status:?} {said}");
    let (status, said) = fixture.ends(&["approvals", "approve", &number, "--confirm", "uuid:another"]);
    assert!(status == Some(2) && said.contains("expected the durable id of the disk"), "{status:?} {said}");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (0, "waiting"));

    assert_eq!(fixture.ends(&["approvals", "approve", &number, "--confirm", ID]).0, Some(0));
    assert_eq!(fixture.ended(run)["result"], "formatted: true");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (1, "used"));
    let (status, said) = fixture.ends(&["approvals", "approve", &number, "--confirm", ID]);
    assert!(status == Some(1) && said.contains("is used, and not waiting any more"), "{status:?} {said}");
    assert_eq!(fixture.formats(), 1);
}

#[test]
fn a_refusal_and_a_run_that_is_stopped_wipe_nothing() {
    let fixture = Fixture::new("");
    let _controller = fixture.serve();
    let (run, approval) = fixture.ask();
    assert_eq!(fixture.ends(&["approvals", "refuse", &approval.to_string(), "--reason", "not today"]).0, Some(0));
    let ended = fixture.ended(run);
    assert_eq!(ended["state"], "failed");
    assert!(ended["end_reason"].as_str().unwrap().contains("no person has approved"), "{ended}");
    let shown = fixture.json(&["approvals", "show", &approval.to_string()]);
    assert_eq!((&shown["state"], &shown["reason"]), (&"refused".into(), &"not today".into()));

    let (run, approval) = fixture.ask();
    fixture.json(&["runs", "stop", &run.to_string()]);
    assert_eq!(fixture.ended(run)["state"], "stopped");
    assert_eq!(fixture.state_of(approval), "withdrawn");
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(1));
    assert_eq!(fixture.formats(), 0);
}

#[test]
fn a_disk_that_has_become_another_since_it_was_shown_is_left_alone() {
    let fixture = Fixture::new("");
    let _controller = fixture.serve();
    let (run, approval) = fixture.ask();
    fixture.agent.change(|state| {
        let disk = state.disks.iter_mut().find(|disk| disk.backing_device == DEVICE).unwrap();
        disk.total_bytes += 1;
    });
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(0));
    assert_eq!(fixture.ended(run)["state"], "failed");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (0, "withdrawn"));
    let (_, events) = fixture.ends(&["events"]);
    assert!(events.contains("the disk is not any more what it was when it was agreed to"), "{events}");

    // As large as it was shown, and in use since.
    let (run, approval) = fixture.ask();
    fixture.agent.change(|state| {
        let disk = state.disks.iter_mut().find(|disk| disk.backing_device == DEVICE).unwrap();
        disk.mount_path = "/mnt/in-use".into();
    });
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(0));
    assert_eq!(fixture.ended(run)["state"], "failed");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (0, "withdrawn"));
}

#[test]
fn nobody_is_asked_for_longer_than_the_run_may_last() {
    let fixture = Fixture::new("limits = { wall_ms = 60000 }\n");
    let _controller = fixture.serve();
    let (run, approval) = fixture.ask();
    let shown = fixture.json(&["approvals", "show", &approval.to_string()]);
    let time = |key: &str| shown[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // Thirty of its seconds are kept for the wipe.
    assert!(time("expires_at").duration_since(time("asked_at")).as_secs() <= 30, "{shown}");
    fixture.json(&["runs", "stop", &run.to_string()]);
    fixture.ended(run);
    drop(_controller);

    let fixture = Fixture::new("limits = { wall_ms = 20000 }\n");
    let _controller = fixture.serve();
    let run = fixture.json(&["schedule", "run", "wiper"])["run"].as_i64().unwrap();
    assert_eq!(fixture.ended(run)["state"], "failed");
    assert_eq!(fixture.json(&["approvals"])["approvals"].as_array().unwrap().len(), 0);
    let (_, events) = fixture.ends(&["events"]);
    assert!(events.contains("leaves no time in which a person could decide"), "{events}");
}

/// How often: `AGENTAPI_TEST_KILLS`, or so many.
const KILLS: u64 = 15;

#[test]
fn killed_at_random_moments_no_approval_is_used_twice_and_no_disk_is_wiped_without_one() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let kills = number("AGENTAPI_TEST_KILLS").unwrap_or(KILLS).min(300);
    let mut random = fastrand::Rng::with_seed(number("AGENTAPI_TEST_SEED").unwrap_or(1));
    let fixture = Fixture::new("every = \"1s\"\n");
    let disks = fixture.agent.change(|state| state.disks.clone());
    for _ in 0..kills {
        // A disk that was wiped holds nothing and is another: the next life finds it as it was.
        fixture.agent.change(|state| state.disks = disks.clone());
        let controller = fixture.serve();
        let until = Instant::now() + Duration::from_millis(random.u64(..1500));
        // Beside the extension's: a user wants another disk wiped.
        fixture.output(&["disks", "wipe", OTHER, "--durable-id", OTHER_ID]);
        while Instant::now() < until {
            let waiting = fixture.json(&["status"])["approvals"].as_array().unwrap().clone();
            for approval in waiting {
                // Most likely while the controller is killed.
                let id = approval["durable_id"].as_str().unwrap();
                fixture.output(&["approvals", "approve", &approval["id"].to_string(), "--confirm", id]);
            }
        }
        drop(controller);
    }
    let _controller = fixture.serve();
    fixture.json(&["schedule", "pause", "wiper"]);
    fixture.wait_until("no run stays open", || {
        fixture.json(&["status"])["approvals"].as_array().unwrap().iter().for_each(|approval| {
            fixture.output(&["approvals", "refuse", &approval["id"].to_string()]);
        });
        let runs = fixture.json(&["runs"]);
        runs["runs"].as_array().unwrap().iter().all(|run| run["ended_at"].is_string())
    });
    // One by one: the list holds the newest only.
    let latest = fixture.json(&["approvals"])["approvals"][0]["id"].as_i64().unwrap();
    let approvals: Vec<_> =
        (1..=latest).map(|number| fixture.json(&["approvals", "show", &number.to_string()])).collect();
    let count = |state: &str| approvals.iter().filter(|approval| approval["state"] == state).count();
    println!("{kills} kills: {} requests, {} used, {} formats", approvals.len(), count("used"), fixture.formats());
    assert_eq!(count("waiting") + count("approved"), 0);
    for subject in ["wiper", "wipe"] {
        let is_used = |approval: &&Value| approval["subject"] == subject && approval["state"] == "used";
        assert!(approvals.iter().any(|approval| is_used(&approval)), "none of {subject} was used before a kill");
    }
    // A kill between the two lets an approval be used up for nothing, and never the other way round.
    assert!(fixture.formats() <= count("used"), "{} formats, {} approvals used", fixture.formats(), count("used"));
    drop(fixture.runtime);
}
