mod access;
mod keys;
mod lists;
mod problems;
mod samples;
mod streams;
mod told;
mod wipes;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::AuditFile;
use agentapi_host::quiesce::{Parked, Program};
use agentapi_host::{Host, Target};
use agentapi_mock::MockAgent;
use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ApiState, Inherited, Sockets, bind, serve};
use crate::approval::Desk;
use crate::board::Board;
use crate::clock::{Clock, SystemClock};
use crate::config::notify::{Notify, NotifyTarget};
use crate::config::{Config, Surroundings};
use crate::counters::Counters;
use crate::event::Severity;
use crate::messages::Messages;
use crate::metrics::{self, Metrics};
use crate::notify::Receiver;
use crate::owner::Owner;
use crate::plan::{Plan, Subject};
use crate::run::host::{HostRunner, KeptState, Parking, Work};
use crate::run::{Run, RunContext, RunEnd, RunState, Runner};
use crate::store::Store;
use crate::watcher::Findings;

/// Ends at once, but for wipes.
struct Quick(HostRunner);

impl Runner for Quick {
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        match context.wipe {
            Some(_) => self.0.run(context),
            None => Box::pin(async { RunEnd::new(RunState::Done, "") }),
        }
    }

    fn reconcile(&self, _: Run, _: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async { RunEnd::new(RunState::Stopped, "") })
    }
}

/// A controller behind its sockets, and the mock agent that it asks.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) sockets: Sockets,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    owner: JoinHandle<()>,
    finder: watch::Sender<Findings>,
    pub(crate) board: Arc<watch::Sender<Option<Arc<Board>>>>,
    _work: watch::Sender<Arc<Work>>,
    _plan: watch::Sender<Arc<Plan>>,
    pub(crate) agent: MockAgent,
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::by(Arc::new(SystemClock)).await
    }

    pub(crate) async fn by(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agent = MockAgent::start().await.unwrap();
        let target = Target::parse(&agent.endpoint(), agent.token(), [agent.fingerprint().to_string()]).unwrap();
        let host = Host::builder().cache_dir(folder.path().join("cache")).build().unwrap();
        let work = Work { agent: host.agent(target).unwrap(), backup: None, extensions: [].into() };
        let subject =
            Subject { name: "backup".into(), digest: "ab".into(), schedule: None, may_freeze: true, alarm_after: None };
        let (plan, plans) = watch::channel(Arc::new(Plan { subjects: vec![subject] }));
        let (work, works) = watch::channel(Arc::new(work));
        let store = Store::open(&folder.path().join("state")).unwrap();
        let desk = Desk::new(clock.clone(), store.clone());
        let runner = HostRunner {
            store: store.clone(),
            clock: clock.clone(),
            work: works.clone(),
            coordinator: None,
            desk: desk.clone(),
            state: KeptState::new(store.clone()),
            messages: Messages::new(clock.clone(), store.clone()).await.unwrap(),
            audit: Some(Arc::new(AuditFile::open(folder.path().join("audit.jsonl")).unwrap())),
            parking: Arc::new(Parking::new(store.clone(), None, Parked::nothing_to_park, Arc::default())),
        };
        let (owner, handle) =
            Owner::new(clock.clone(), store.clone(), Arc::new(Quick(runner)), Arc::new(crate::gate::Open), plans)
                .await
                .unwrap();
        let stop = CancellationToken::new();
        let receivers = [("works", "cat"), ("fails", "sh -c 'echo no route >&2; exit 3'")].map(|(name, line)| {
            let target = NotifyTarget::Command(Program::parse(line).unwrap());
            Receiver::new(&Notify { name: name.into(), severity: Severity::Warning, target }).unwrap()
        });
        let receivers = watch::channel(Arc::new(receivers.into())).1;
        let (finder, findings) = watch::channel(Arc::default());
        let sources = metrics::Sources {
            clock: clock.clone(),
            status: handle.status.clone(),
            findings: findings.clone(),
            latest: watch::channel(Arc::default()).1,
            coordinator: None,
        };
        let metrics = Metrics::new(sources, Counters::new());
        let board: Arc<watch::Sender<Option<Arc<Board>>>> = Arc::default();
        let state = ApiState {
            owner: handle,
            store: store.clone(),
            findings,
            desk,
            receivers,
            config: watch::channel(Arc::new(config(folder.path()))).1,
            metrics: Arc::new(metrics),
            guest: "guest".into(),
            work: works,
            coordinator: None,
            clock,
            plans: plan.subscribe(),
            latest: watch::channel(Arc::default()).1,
            link: Arc::new(watch::Sender::default()),
            standing: Arc::new(watch::Sender::default()),
            board: Arc::clone(&board),
            stop: stop.clone(),
        };
        let [main, read_only] = ["main.sock", "ro.sock"].map(|name| folder.path().join(name));
        let sockets = Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None };
        let serving = tokio::spawn(serve(bind(&sockets, &Inherited::default()).unwrap(), state));
        let owner = tokio::spawn(owner.work(stop.clone()));
        Self { store, sockets, stop, serving, owner, finder, board, _work: work, _plan: plan, agent, folder }
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        ask_at(&self.sockets.main, method, path, body).await
    }

    /// With an idempotency key.
    async fn post(&self, path: &str, key: &str, body: &str) -> (StatusCode, Value) {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        send(&self.sockets.main, Method::POST, path, &headers, body).await.0
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, "").await
    }
}

/// A configuration with a secret wherever there can be one.
fn config(folder: &Path) -> Config {
    std::fs::write(folder.join("token"), "secret-token").unwrap();
    let text = format!(
        r#"
guest = "guest"
[agent]
endpoint = "agent:8443"
fingerprints = ["{}"]
token_file = "token"
[backup]
every = "1h"
[quiesce]
applications = [{{ freeze = "mysql --password=secret-1", thaw = "thaw secret-2" }}, {{ file_system = "/data" }}]
[[notify]]
kind = "webhook"
url = "https://chat.example/hooks/secret-3?key=secret-4"
secret_file = "token"
[[notify]]
kind = "command"
command = "tell secret-5"
"#,
        "ab".repeat(32)
    );
    let surroundings = Surroundings { host_name: String::new(), zone: TimeZone::UTC, credentials: None };
    Config::check(&folder.join("controller.toml"), &text, &surroundings).result.unwrap()
}

pub(crate) async fn connect(socket: &PathBuf) -> SendRequest<Full<Bytes>> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask_at(socket: &PathBuf, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    send(socket, method, path, &[("content-type", "application/json")], body).await.0
}

/// The status and the JSON of the body; and the headers.
pub(crate) async fn send(
    socket: &PathBuf,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> ((StatusCode, Value), HeaderMap) {
    let request = Request::builder().method(method).uri(path).header("host", "agentapi");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = connect(socket).await.send_request(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    ((status, serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {body:?}"))), headers)
}

#[tokio::test]
async fn a_run_is_asked_for_listed_shown_and_told_as_events() {
    let fixture = Fixture::new().await;
    let (status, started) = fixture.ask(Method::POST, "/v1/subjects/backup/run", "").await;
    assert_eq!((status, &started), (StatusCode::OK, &json!({ "run": 1 })));
    let mut run = Value::Null;
    for _ in 0..1000 {
        run = fixture.get("/v1/runs/1").await.1;
        if run["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((&run["state"], &run["subject"]), (&json!("done"), &json!("backup")));
    assert!(run["reason"].as_str().unwrap().starts_with("asked for by user "), "{run}");
    assert_eq!(fixture.get("/v1/runs?subject=backup&state=done").await.1["runs"], json!([run]));
    let events = fixture.get("/v1/events?after=1").await.1["events"].clone();
    let kinds: Vec<_> = events.as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["run-started", "run-ended"]);
    assert_eq!(fixture.get("/v1/status").await.1["subjects"][0]["activity"], json!({ "state": "idle" }));
}

#[tokio::test]
async fn the_agent_is_asked_with_the_names_and_values_of_the_command() {
    let fixture = Fixture::new().await;
    for (path, key) in [
        ("/v1/agent/storage", "mounts"),
        ("/v1/agent/backup-due", "due"),
        ("/v1/agent/backup-status", "phase"),
        ("/v1/agent/disks", "disks"),
        ("/v1/agent/host-metrics", "storage_targets"),
    ] {
        let (status, value) = fixture.get(path).await;
        assert!(status == StatusCode::OK && !value[key].is_null(), "{path}: {value}");
    }
}

#[tokio::test]
async fn while_the_store_is_parked_liveness_readiness_and_status_answer_and_the_history_says_why_not() {
    let fixture = Fixture::new().await;
    let parked = fixture.store.park();
    for path in ["/v1/live", "/v1/ready", "/v1/status", "/v1/agent/disks"] {
        assert_eq!(fixture.get(path).await.0, StatusCode::OK, "{path}");
    }
    let (status, problem) = fixture.get("/v1/runs").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("frozen")));
    drop(parked);
    assert_eq!(fixture.get("/v1/runs").await.0, StatusCode::OK);
}

#[tokio::test]
async fn two_hundred_at_once_are_answered() {
    let fixture = Arc::new(Fixture::new().await);
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.get("/v1/status").await.0 })
        })
        .collect();
    for answer in asking {
        assert_eq!(answer.await.unwrap(), StatusCode::OK);
    }
}
