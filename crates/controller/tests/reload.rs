//! Another configuration while the controller runs, through its sockets and a mock agent.

#![expect(clippy::disallowed_methods, reason = "the tests wait for a real controller")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::clock::SystemClock;
use agentapi_controller::config::{Config, Surroundings};
use agentapi_controller::controller::{Controller, Environment};
use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use agentapi_mock::MockAgent;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Fixture {
    agent: MockAgent,
    folder: tempfile::TempDir,
    reload: Arc<Notify>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

const BACKUP: &str = "[backup]\nevery = \"10h\"\naccept_crash_consistent = true\n";

impl Fixture {
    async fn start() -> Self {
        let (agent, folder) = (MockAgent::start().await.unwrap(), tempfile::tempdir().unwrap());
        let (reload, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        fs::write(folder.path().join("token"), agent.token()).unwrap();
        let fixture = Self { agent, folder, reload, stop, running: tokio::spawn(async {}) };
        fixture.configure(BACKUP);
        let surroundings = Surroundings { host_name: "guest".into(), zone: TimeZone::UTC, credentials: None };
        let config = Config::read(&fixture.file(), &surroundings).result.unwrap();
        let [main, read_only] = ["main.sock", "ro.sock"].map(|name| fixture.folder.path().join(name));
        let environment = Environment {
            clock: Arc::new(SystemClock),
            host: Host::builder(),
            sockets: Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None },
            inherited: Inherited::default(),
            surroundings,
            reload: Arc::clone(&fixture.reload),
            park: Parked::nothing_to_park,
            recovered: None,
            gate: Arc::new(agentapi_controller::gate::Open),
        };
        let controller = Controller::start(&config, environment).await.unwrap();
        let running = tokio::spawn(controller.run(fixture.stop.clone()));
        Self { running, ..fixture }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("controller.toml")
    }

    fn configure(&self, rest: &str) {
        let (endpoint, pin) = (self.agent.endpoint(), self.agent.fingerprint());
        let agent = format!("[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n");
        fs::write(self.file(), format!("{agent}[state]\nfolder = \"state\"\n{rest}")).unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        let stream = UnixStream::connect(self.folder.path().join("main.sock")).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::builder().uri(path).header("host", "x").body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
        serde_json::from_slice(&answer.to_bytes()).unwrap()
    }

    /// Asks for a reload, and waits for the event that tells what became of it. The controller looks by itself too, so that
    /// there may be two.
    async fn reload(&self, kind: &str, text: &str) {
        self.reload.notify_one();
        for _ in 0..3000 {
            let events = self.get("/v1/events?limit=1000").await["events"].clone();
            let mut events = events.as_array().unwrap().iter();
            if events.any(|event| event["kind"] == kind && event["text"].as_str().unwrap().contains(text)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no event {kind} with {text:?}");
    }

    async fn wait_for_subjects(&self, expected: &[&str]) {
        let found = async {
            while self.subjects().await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.unwrap();
    }

    async fn subjects(&self) -> Vec<String> {
        let status = self.get("/v1/status").await;
        status["subjects"].as_array().unwrap().iter().map(|subject| subject["name"].as_str().unwrap().into()).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_configuration_is_taken_whole_or_refused_whole() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.subjects().await, ["backup"]);

    fixture.configure(
        "[backup]\nevery = \"1h\"\naccept_crash_consistent = true\n[[extension]]\nname = \"x\"\nfile = \"none.wasm\"\n",
    );
    fixture.reload("reload-refused", "controller.toml:").await;
    assert_eq!(fixture.subjects().await, ["backup"], "the one before stays in use");

    fixture.configure("");
    fixture.reload("reloaded", "in use").await;
    fixture.wait_for_subjects(&[]).await;

    fixture.configure(BACKUP);
    fixture.reload.notify_one();
    fixture.wait_for_subjects(&["backup"]).await;
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_restart_is_refused_by_name() {
    let fixture = Fixture::start().await;
    for (rest, key) in [
        (
            format!("{BACKUP}[quiesce]\napplications = [{{ freeze = \"true\", thaw = \"true\" }}]\n"),
            "quiesce.applications",
        ),
        (format!("{BACKUP}[audit]\nfile = \"elsewhere.jsonl\"\n"), "audit.file"),
    ] {
        fixture.configure(&rest);
        fixture.reload("reload-refused", &format!("{key}: ")).await;
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_file_is_noticed_without_being_told() {
    let fixture = Fixture::start().await;
    fixture.configure("");
    fixture.wait_for_subjects(&[]).await;
    fixture.end().await;
}
