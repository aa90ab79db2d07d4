mod told;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::quiesce::Program;
use agentapi_host::{Host, Target};
use agentapi_mock::MockAgent;
use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::{ApiState, Sockets, bind, serve, table};
use crate::approval::Desk;
use crate::clock::SystemClock;
use crate::config::notify::{Notify, NotifyTarget};
use crate::counters::Counters;
use crate::event::Severity;
use crate::metrics::{self, Metrics};
use crate::notify::Receiver;
use crate::owner::Owner;
use crate::plan::{Plan, Subject};
use crate::run::host::Work;
use crate::run::{Run, RunContext, RunEnd, RunState, Runner};
use crate::store::Store;
use crate::watcher::Findings;

/// Ends at once.
struct Quick;

impl Runner for Quick {
    fn run(&self, _: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async { RunEnd::new(RunState::Done, "") })
    }

    fn reconcile(&self, _: Run, _: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async { RunEnd::new(RunState::Stopped, "") })
    }
}

/// A controller behind its sockets, and the mock agent that it asks.
struct Fixture {
    store: Store,
    sockets: Sockets,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    owner: JoinHandle<()>,
    finder: watch::Sender<Findings>,
    _work: watch::Sender<Arc<Work>>,
    _plan: watch::Sender<Arc<Plan>>,
    _agent: MockAgent,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
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
        let clock = Arc::new(SystemClock);
        let (owner, handle) = Owner::new(clock.clone(), store.clone(), Arc::new(Quick), plans).await.unwrap();
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
            coordinator: None,
        };
        let metrics = Metrics::new(sources, Counters::new());
        let state = ApiState {
            owner: handle,
            store: store.clone(),
            findings,
            desk: Desk::new(clock.clone(), store.clone()),
            receivers,
            metrics: Arc::new(metrics),
            guest: "guest".into(),
            work: works,
            coordinator: None,
            clock,
            stop: stop.clone(),
        };
        let [main, read_only] = ["main.sock", "ro.sock"].map(|name| folder.path().join(name));
        let sockets = Sockets { main, read_only, group: None, approvers: Vec::new() };
        let serving = tokio::spawn(serve(bind(&sockets).unwrap(), state));
        let owner = tokio::spawn(owner.work(stop.clone()));
        Self { store, sockets, stop, serving, owner, finder, _work: work, _plan: plan, _agent: agent, _folder: folder }
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        ask_at(&self.sockets.main, method, path, body).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, "").await
    }
}

async fn connect(socket: &PathBuf) -> SendRequest<Full<Bytes>> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask_at(socket: &PathBuf, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("host", "agentapi");
    let request = request.header("content-type", "application/json").body(Full::from(body.to_owned())).unwrap();
    let answer = connect(socket).await.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {body:?}")))
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
async fn what_is_wrong_is_told_as_a_problem() {
    let fixture = Fixture::new().await;
    for (method, path, body, status, kind) in [
        (Method::GET, "/v1/nothing", "", 404, "not-found"),
        (Method::DELETE, "/v1/runs", "", 405, "invalid-argument"),
        (Method::GET, "/v1/runs/7", "", 404, "not-found"),
        (Method::GET, "/v1/runs/x", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?limit=x", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?colour=red", "", 400, "invalid-argument"),
        (Method::GET, "/v1/runs?state=finished", "", 400, "invalid-argument"),
        (Method::POST, "/v1/runs/7/stop", "", 409, "conflict"),
        (Method::POST, "/v1/subjects/x/run", "", 404, "not-found"),
        (Method::POST, "/v1/agent/eject-disk", "{", 400, "invalid-argument"),
        (Method::POST, "/v1/agent/eject-disk", r#"{"where":"/mnt/none"}"#, 502, "http-status"),
    ] {
        let (found, problem) = fixture.ask(method, path, body).await;
        assert_eq!(
            (found.as_u16(), &problem["kind"], &problem["status"]),
            (status, &json!(kind), &json!(status)),
            "{path}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{path}");
    }
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

/// What each path asks for, as it is meant: nothing that acts is below `Operate`.
#[test]
fn no_route_that_acts_is_open_to_who_may_only_read() {
    for row in table() {
        let ends_with = |ends: &[&str]| ends.iter().any(|end| row.path.ends_with(end));
        let decides = ends_with(&["/approve", "/refuse"]);
        let acts = decides || ends_with(&["stop", "run", "pause", "resume", "assign-disk", "eject-disk", "test"]);
        assert_eq!(row.access >= Access::Operate, acts, "{}", row.path);
        assert_eq!(row.access == Access::Decide, decides, "{}", row.path);
    }
}

#[tokio::test]
async fn the_read_only_socket_refuses_what_acts() {
    let fixture = Fixture::new().await;
    let read_only = &fixture.sockets.read_only;
    assert_eq!(ask_at(read_only, Method::GET, "/v1/status", "").await.0, StatusCode::OK);
    let (status, problem) = ask_at(read_only, Method::POST, "/v1/subjects/backup/run", "").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::FORBIDDEN, &json!("denied")));
    assert_eq!(fixture.get("/v1/runs").await.1["runs"], json!([]));
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

/// Reads a stream of events until so many have come; gives their numbers and names.
async fn read_stream(fixture: &Fixture, last: Option<i64>, count: usize) -> Vec<String> {
    let mut stream = UnixStream::connect(&fixture.sockets.main).await.unwrap();
    let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
    let head = format!("GET /v1/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n{last}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    let read = async {
        while text.matches("event: ").count() < count {
            let mut piece = [0; 4096];
            let bytes = stream.read(&mut piece).await.unwrap();
            assert!(bytes > 0, "the stream ended: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..bytes]));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap();
    text.lines().filter_map(|line| line.strip_prefix("event: ").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_stream_goes_on_where_its_reader_was_and_follows_and_ends_with_the_controller() {
    let fixture = Fixture::new().await;
    fixture.ask(Method::POST, "/v1/subjects/backup/run", "").await;
    let all = ["run-queued", "run-started", "run-ended"];
    assert_eq!(read_stream(&fixture, Some(0), 3).await, all);
    assert_eq!(read_stream(&fixture, Some(1), 2).await, all[1..]);
    let following = read_stream(&fixture, Some(3), 3);
    let asking = fixture.ask(Method::POST, "/v1/subjects/backup/run", "");
    assert_eq!(tokio::join!(following, asking).0, all);

    let _open = UnixStream::connect(&fixture.sockets.main).await.unwrap();
    fixture.stop.cancel();
    tokio::time::timeout(Duration::from_secs(60), fixture.serving).await.unwrap().unwrap();
    fixture.owner.await.unwrap();
    assert!(!fixture.sockets.main.exists() && !fixture.sockets.read_only.exists());
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
