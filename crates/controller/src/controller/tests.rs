#[cfg(feature = "otlp")]
mod otlp;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::quiesce::Parked;
use agentapi_mock::MockAgent;
use axum::body::Bytes;
use axum::http::Method;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Controller, Environment};
use crate::api::{Inherited, Sockets};
use crate::clock::{Clock, Monotonic, Sleep, SystemClock};
use crate::config::{Config, Surroundings};
use crate::event::{EventKind, Severity};

/// A whole controller in a folder, with a backup that is too late at once and a program that is told.
struct Fixture {
    folder: tempfile::TempDir,
    agent: MockAgent,
}

struct Running {
    socket: PathBuf,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Fixture {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn start(&self, pin: &str) -> Running {
        self.start_by(Arc::new(SystemClock), pin).await
    }

    async fn start_by(&self, clock: Arc<dyn Clock>, pin: &str) -> Running {
        self.start_with(clock, pin, "").await
    }

    /// With these tables beside its own.
    async fn start_with(&self, clock: Arc<dyn Clock>, pin: &str, more: &str) -> Running {
        fs::write(self.file("token"), self.agent.token()).unwrap();
        let told = self.file("told");
        let text = format!(
            "[agent]\nendpoint = \"{}\"\ntoken_file = \"token\"\nfingerprints = [\"{pin}\"]\n\
             [backup]\naccept_crash_consistent = true\nalarm_after = \"1ms\"\npaused = true\n\
             [state]\nfolder = \"state\"\n\
             [[notify]]\nkind = \"command\"\ncommand = \"sh -c 'cat >> {told}; echo >> {told}'\"\n{more}",
            self.agent.endpoint(),
            told = told.display()
        );
        let surroundings = Surroundings { host_name: "guest".into(), zone: TimeZone::UTC, credentials: None };
        std::fs::write(self.file("controller.toml"), &text).unwrap();
        let config = Config::check(&self.file("controller.toml"), &text, &surroundings).result.unwrap();
        let (main, read_only) = (self.file("main.sock"), self.file("ro.sock"));
        let sockets = Sockets { main: main.clone(), read_only, group: None, approvers: Vec::new(), metrics: None };
        let host = Host::builder().cache_dir(self.file("cache"));
        let environment = Environment {
            clock,
            host,
            sockets,
            inherited: Inherited::default(),
            surroundings,
            reload: Arc::default(),
            park: Parked::nothing_to_park,
            recovered: None,
            gate: Arc::new(crate::gate::Open),
        };
        let stop = CancellationToken::new();
        let controller = loop {
            match Controller::start(&config, environment.clone()).await {
                // The lock of the one before goes with its thread, a moment later.
                Err(super::StartError::Store(crate::store::StoreError::InUse(_))) => tokio::task::yield_now().await,
                started => break started.unwrap(),
            }
        };
        let task = tokio::spawn(controller.run(stop.clone()));
        Running { socket: main, stop, task }
    }

    /// The states and kinds that were told, once so many have come.
    async fn told(&self, count: usize) -> Vec<(String, String)> {
        loop {
            let text = fs::read_to_string(self.file("told")).unwrap_or_default();
            let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if lines.len() >= count {
                let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
                return lines.iter().map(|line| (word(line, "state"), word(line, "kind"))).collect();
            }
            pause().await;
        }
    }
}

impl Running {
    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> Value {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request =
            hyper::Request::builder().method(method).uri(path).header("host", "x").body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    /// The findings, once there are those that are wanted.
    async fn findings(&self, are_wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let findings = self.get("/v1/findings").await["findings"].as_array().unwrap().clone();
            if are_wanted(&findings) {
                return findings;
            }
            pause().await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the controller under test runs by the clocks of the system")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn another_certificate_and_a_late_backup_are_found_told_kept_and_cleared() {
    let fixture = Fixture { folder: tempfile::tempdir().unwrap(), agent: MockAgent::start().await.unwrap() };
    let wrong = vec!["AB"; 32].join(":");
    let presented = fixture.agent.fingerprint().to_string();
    let running = fixture.start(&wrong).await;
    let scenario = async {
        assert_eq!(running.get("/v1/agent/storage").await["kind"], "pin-mismatch");
        let findings = running.findings(|findings| findings.len() == 2).await;
        let text = |kind: &str| {
            findings.iter().find(|finding| finding["kind"] == kind).unwrap()["text"].as_str().unwrap().to_owned()
        };
        assert!(text("no-success").starts_with("no success of backup for longer than 1ms: there was none since"));
        let mismatch = text("pin-mismatch");
        assert!(mismatch.contains(&wrong) && mismatch.contains(&presented), "{mismatch}");
        let raised = |kind: &str| ("raised".to_owned(), kind.to_owned());
        // One now, and the other after the pause between notices, which the next controller does not know of.
        assert!(fixture.told(1).await.iter().all(|told| [raised("no-success"), raised("pin-mismatch")].contains(told)));
        running.end().await;

        let running = fixture.start(&presented).await;
        running.findings(|findings| findings.len() == 2).await;
        assert_eq!(running.get("/v1/agent/storage").await["mounts"].as_array().map(Vec::is_empty), Some(false));
        running.findings(|findings| findings.len() == 1 && findings[0]["kind"] == "no-success").await;
        // Written down a moment after it is known.
        loop {
            let events = running.get("/v1/events?limit=1000").await["events"].clone();
            let kinds: Vec<_> = events.as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
            let count = |kind: &str| kinds.iter().filter(|found| **found == kind).count();
            assert_eq!(count("finding-raised"), 2, "neither was raised again by the second: {kinds:?}");
            if count("finding-cleared") == 1 {
                break;
            }
            pause().await;
        }
        running.end().await;
    };
    tokio::time::timeout(Duration::from_secs(300), scenario).await.unwrap();
}

#[tokio::test]
async fn a_part_that_ends_by_itself_or_panics_ends_the_others() {
    let failed = tokio::spawn(async { panic!("out of cheese") }).await;
    for ended in [Ok(()), failed] {
        let stop = CancellationToken::new();
        assert!(!super::has_ended_in_order(ended, &stop));
        assert!(stop.is_cancelled());
        assert!(super::has_ended_in_order(Ok(()), &stop), "those that follow have been told to");
    }
}

/// The clock of the system, on which the one panics who is the first to sleep after so many others.
#[derive(Debug)]
struct Panics {
    left: AtomicIsize,
}

impl Clock for Panics {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Monotonic {
        SystemClock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Below zero it goes on: nobody else panics.
        assert!(self.left.fetch_sub(1, Ordering::Relaxed) != 0, "out of cheese");
        SystemClock.sleep(duration)
    }
}

#[tokio::test]
async fn whichever_part_panics_the_controller_ends_and_its_sockets_are_gone() {
    let fixture = Fixture { folder: tempfile::tempdir().unwrap(), agent: MockAgent::start().await.unwrap() };
    let pin = fixture.agent.fingerprint().to_string();
    // The owner, the watcher, the outbox, what forgets, and what reloads: each sleeps as soon as it has begun.
    for left in 0..5 {
        let running = fixture.start_by(Arc::new(Panics { left: left.into() }), &pin).await;
        tokio::time::timeout(Duration::from_secs(60), running.task).await.expect("it ends").unwrap();
        assert!(running.stop.is_cancelled() && !running.socket.exists(), "{left}");
        let store = loop {
            match crate::store::Store::open(&fixture.file("state")) {
                Err(crate::store::StoreError::InUse(_)) => tokio::task::yield_now().await,
                opened => break opened.unwrap(),
            }
        };
        let events = store.reader().events_after(0, 1000).await.unwrap();
        let last = events.last().unwrap();
        assert_eq!((last.kind, last.severity), (EventKind::Stopped, Severity::Critical), "{left}: {last:?}");
    }
}
