//! Traces of a whole controller, with a mock agent and a collector.

use std::sync::Arc;
use std::time::Duration;

use agentapi_mock::MockAgent;
use axum::http::Method;
use futures_util::future::join_all;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use super::{Fixture, Running, pause};
use crate::clock::SystemClock;
use crate::traces::otlp::tests::{Answer, Collector, attributes};

impl Fixture {
    async fn traced(collector: &str) -> (Self, Running) {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), agent: MockAgent::start().await.unwrap() };
        fixture.agent.change(|state| {
            state.backup.make_due("it is time");
            state.backup.set_duration(Duration::from_millis(100));
        });
        // Of its own: what two controllers freeze at once is refused to the second.
        let program = format!("test -d {}", fixture.folder.path().display());
        let quiesce = format!("[quiesce]\napplications = [{{ freeze = \"{program}\", thaw = \"{program}\" }}]\n");
        let more = format!("{quiesce}[traces]\nurl = \"{collector}\"\n");
        let pin = fixture.agent.fingerprint().to_string();
        let running = fixture.start_with(Arc::new(SystemClock), &pin, &more).await;
        (fixture, running)
    }
}

impl Running {
    /// Has a backup made, and returns its run when it has ended.
    async fn back_up(&self) -> Value {
        let queued = self.ask(Method::POST, "/v1/subjects/backup/run").await;
        let run = queued["run"].as_i64().unwrap_or_else(|| panic!("{queued}"));
        loop {
            let run = self.get(&format!("/v1/runs/{run}")).await;
            if run["ended_at"].is_string() {
                return run;
            }
            pause().await;
        }
    }
}

fn find<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test]
async fn a_backup_is_a_trace_with_its_calls_freeze_and_thaw_in_it() {
    let collector = Collector::start([Answer::Status(200)]).await;
    let (fixture, running) = Fixture::traced(&collector.url).await;
    let scenario = async {
        let ended = running.back_up().await;
        assert_eq!(ended["state"], "done", "{ended}");
        let spans = collector.asked(1).await[0].spans();
        let [run] = find(&spans, "run backup")[..] else { panic!("{spans:?}") };
        let of_run = attributes(&run.attributes);
        let job = ended["job_id"].as_str().unwrap();
        for expected in [
            "agentapi.run.id=1".to_owned(),
            "agentapi.run.kind=backup".to_owned(),
            "agentapi.run.outcome=done".to_owned(),
            format!("agentapi.run.reason={}", ended["reason"].as_str().unwrap()),
            format!("agentapi.backup.job_id={job}"),
            "agentapi.backup.consistency=application".to_owned(),
            format!("agentapi.freeze.milliseconds={}", ended["frozen_ms"]),
        ] {
            assert!(of_run.contains(&expected), "{expected}: {of_run:?}");
        }
        let names = ["agent backup-due", "freeze", "agent start-backup", "agent backup-status", "thaw"];
        assert!(spans.iter().all(|span| span.name == "run backup" || names.contains(&span.name.as_str())), "{spans:?}");
        let [due, freeze, start, polls, thaw] = names.map(|name| find(&spans, name));
        assert_eq!([&due, &freeze, &start, &thaw].map(Vec::len), [1; 4]);
        // Those of the loop, and one before it.
        let asked = fixture.agent.requests();
        assert_eq!(polls.len(), asked.iter().filter(|asked| asked.path == "/backup/status").count());
        assert!(freeze[0].end_time_unix_nano <= start[0].start_time_unix_nano);
        assert!(start[0].end_time_unix_nano <= thaw[0].start_time_unix_nano);
        for span in spans.iter().filter(|span| span.name != "run backup") {
            assert_eq!((&span.trace_id, &span.parent_span_id), (&run.trace_id, &run.span_id));
            assert!(attributes(&span.attributes).contains(&"agentapi.outcome=ok".to_owned()), "{span:?}");
            assert!(span.start_time_unix_nano >= run.start_time_unix_nano, "{span:?}");
            assert!(span.end_time_unix_nano <= run.end_time_unix_nano, "{span:?}");
        }
        let text = format!("{:?}", collector.asked(1).await);
        assert!(!text.contains(fixture.agent.token()) && !text.contains(&fixture.agent.endpoint()), "{text}");
        running.end().await;
    };
    tokio::time::timeout(Duration::from_secs(300), scenario).await.unwrap();
}

#[tokio::test]
async fn backups_go_on_and_the_controller_ends_whatever_the_collector_does() {
    let scenario = async |answer: Option<Answer>| {
        let collector = Collector::start(answer).await;
        // Where nobody listens.
        let url = if answer.is_some() { collector.url.as_str() } else { "http://127.0.0.1:1" };
        let (fixture, running) = Fixture::traced(url).await;
        for _ in 0..2 {
            fixture.agent.change(|state| state.backup.make_due("it is time"));
            assert_eq!(running.back_up().await["state"], "done");
        }
        if let Some(Answer::Never) = answer {
            assert_eq!(collector.asked(1).await.len(), 1, "the first is still being sent");
        }
        running.end().await;
        assert!(!fixture.file("main.sock").exists());
    };
    let all = join_all([Some(Answer::Never), Some(Answer::Status(500)), None].map(scenario));
    tokio::time::timeout(Duration::from_secs(300), all).await.unwrap();
}
