mod collector;

use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::Route;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::FLUSH;
use crate::clock::VirtualClock;
use crate::config::traces::Collector as Configured;
use crate::counters::Counters;
use crate::run::{RunEnd, RunId, RunState};
use crate::traces::tests::count;
use crate::traces::{Beginning, RunTrace, SendingTask, Sources, Step, StepKind, Traces, open};

pub(crate) use collector::{Answer, Collector};

/// Traces with who sends them, by a clock that stands still.
struct Sender {
    traces: Traces,
    counters: Counters,
    clock: VirtualClock,
    sending: SendingTask,
}

impl Sender {
    fn start(url: &str, token_file: Option<&std::path::Path>) -> Self {
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let counters = Counters::new();
        let configured = Configured { url: url.parse().unwrap(), token_file: token_file.map(Into::into) };
        let sources = Sources { clock: Arc::new(clock.clone()), counters: counters.clone(), guest: "guest-7".into() };
        let (traces, sending) = open(Some(&configured), sources).unwrap();
        Self { traces, counters, clock, sending: sending.spawn() }
    }

    fn put(&self, trace: RunTrace) {
        self.traces.0.as_ref().unwrap().queue.put(trace);
    }

    fn counts(&self) -> [u64; 3] {
        ["sent", "failed", "dropped"].map(|outcome| count(&self.counters, outcome))
    }

    /// Lets a minute pass whenever somebody sleeps, until so many have been counted.
    async fn pass_until(&self, expected: [u64; 3]) {
        let passes = async {
            while self.counts() != expected {
                if self.clock.until_next_wake().is_some() {
                    self.clock.advance(Duration::from_secs(60));
                }
                pause().await;
            }
        };
        within_a_minute(passes).await;
    }

    async fn end(self) {
        within_a_minute(self.sending.end()).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the collector is a real one")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends")
}

const BEGAN: &str = "2026-11-26T10:00:00Z";
const BEGAN_NS: u64 = 1_795_687_200_000_000_000;

/// A run that has asked the agent once.
fn trace(id: i64, subject: &str, began_at: &str) -> RunTrace {
    let (run, subject, reason) = (RunId(id), subject.to_owned(), "it was due".to_owned());
    let kind = StepKind::Call { route: Route::StartBackup, attempts: 2, is_reused: true, received_bytes: 70 };
    let (after, duration) = (Duration::from_millis(500), Duration::from_millis(250));
    RunTrace {
        beginning: Beginning { run, subject, reason, is_taken_up: false },
        began_at: began_at.parse().unwrap(),
        duration: Duration::from_secs(2),
        end: RunEnd::new(RunState::Done, ""),
        steps: vec![Step { kind, outcome: "ok", after, duration }],
        left_out: 0,
    }
}

/// The attributes as `key=value`.
pub(crate) fn attributes(attributes: &[KeyValue]) -> Vec<String> {
    let texts = attributes.iter().map(|attribute| {
        let value = match attribute.value.clone().and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(flag)) => flag.to_string(),
            other => panic!("{other:?}"),
        };
        format!("{}={value}", attribute.key)
    });
    texts.collect()
}

#[tokio::test]
async fn a_trace_is_posted_as_protobuf_below_the_base_with_the_token_of_the_file() {
    let collector = Collector::start([Answer::Status(200)]).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "s3cr3t\n").unwrap();
    let sender = Sender::start(&format!("{}/base/", collector.url), Some(token.path()));
    sender.put(trace(7, "nightly", BEGAN));
    let asked = within_a_minute(collector.asked(1)).await;
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/base/v1/traces"));
    for (name, value) in [("content-type", "application/x-protobuf"), ("authorization", "Bearer s3cr3t")] {
        assert_eq!(asked[0].headers.get(name).unwrap(), value);
    }
    let [resource] = asked[0].request.resource_spans.as_slice() else { panic!("{asked:?}") };
    let of_resource = attributes(&resource.resource.as_ref().unwrap().attributes);
    assert!(of_resource.contains(&"service.name=agentapi".to_owned()) && of_resource.len() == 3, "{of_resource:?}");
    assert!(of_resource.contains(&"agentapi.guest=guest-7".to_owned()), "{of_resource:?}");
    let [run, call] = asked[0].spans().try_into().unwrap();
    assert_eq!((run.trace_id.len(), run.span_id.len(), run.parent_span_id.len()), (16, 8, 0));
    assert_eq!((&call.trace_id, &call.parent_span_id), (&run.trace_id, &run.span_id));
    assert!(call.span_id.len() == 8 && call.span_id != run.span_id);
    assert_eq!((run.name.as_str(), run.kind()), ("run nightly", SpanKind::Internal));
    assert_eq!((run.start_time_unix_nano, run.end_time_unix_nano), (BEGAN_NS, BEGAN_NS + 2_000_000_000));
    assert_eq!((call.name.as_str(), call.kind()), ("agent start-backup", SpanKind::Client));
    let times = (call.start_time_unix_nano, call.end_time_unix_nano);
    assert_eq!(times, (BEGAN_NS + 500_000_000, BEGAN_NS + 750_000_000));
    let expected = [
        "agentapi.run.id=7",
        "agentapi.run.subject=nightly",
        "agentapi.run.kind=extension",
        "agentapi.run.reason=it was due",
        "agentapi.run.taken_up=false",
        "agentapi.run.outcome=done",
        "agentapi.run.calls_left_out=0",
    ];
    assert_eq!(attributes(&run.attributes), expected);
    let expected = [
        "agentapi.outcome=ok",
        "agentapi.route=start-backup",
        "http.request.method=POST",
        "url.path=/backup",
        "agentapi.attempts=2",
        "agentapi.connection.reused=true",
        "http.response.body.size=70",
    ];
    assert_eq!(attributes(&call.attributes), expected);
    sender.pass_until([1, 0, 0]).await;
    sender.end().await;
}

#[tokio::test]
async fn what_fails_says_so_and_no_text_is_longer_than_it_may_be_or_unseen() {
    let collector = Collector::start([Answer::Status(200)]).await;
    let sender = Sender::start(&collector.url, None);
    let reason = format!("\u{202e}{}", "r".repeat(5000));
    for (id, state) in [(1, RunState::Failed), (2, RunState::Stopped)] {
        let end = RunEnd { job_id: Some(reason.clone()), ..RunEnd::new(state, reason.clone()) };
        let mut trace = RunTrace { end, ..trace(id, "backup", BEGAN) };
        trace.steps[0].outcome = "deadline";
        sender.put(trace);
    }
    sender.pass_until([2, 0, 0]).await;
    let spans: Vec<_> = collector.asked(1).await.iter().flat_map(|asked| asked.spans()).collect();
    let cut = format!("\\u{{202e}}{}", "r".repeat(255));
    let codes: Vec<_> = spans.iter().map(|span| span.status.clone().unwrap_or_default()).collect();
    assert_eq!(codes.iter().map(|status| status.code()).collect::<Vec<_>>(), {
        [StatusCode::Error, StatusCode::Error, StatusCode::Unset, StatusCode::Error]
    });
    assert_eq!((codes[0].message.as_str(), codes[1].message.as_str()), (cut.as_str(), "deadline"));
    let of_run = attributes(&spans[0].attributes);
    for expected in ["agentapi.run.kind=backup".into(), format!("agentapi.backup.job_id={cut}")] {
        assert!(of_run.contains(&expected), "{of_run:?}");
    }
    let mut traces: Vec<_> = spans.iter().map(|span| &span.trace_id).collect();
    traces.dedup();
    assert_eq!(traces.len(), 2, "each run is a trace of its own");
    sender.end().await;
}

#[tokio::test]
async fn only_what_the_specification_names_is_sent_again() {
    for (status, sent_again) in [(429, true), (502, true), (503, true), (504, true), (500, false), (400, false)] {
        let collector = Collector::start([Answer::Status(status), Answer::Status(200)]).await;
        let sender = Sender::start(&collector.url, None);
        sender.put(trace(1, "x", BEGAN));
        sender.pass_until(if sent_again { [1, 0, 0] } else { [0, 1, 0] }).await;
        let asked = collector.asked(1).await;
        assert_eq!(asked.len(), if sent_again { 2 } else { 1 }, "{status}");
        assert!(asked.iter().all(|one| one.request == asked[0].request));
        // The next one is tried in any case.
        sender.put(trace(2, "x", BEGAN));
        sender.pass_until(if sent_again { [2, 0, 0] } else { [1, 1, 0] }).await;
        sender.end().await;
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_the_trace_and_nothing_else() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let sender = Sender::start(&format!("http://{address}"), None);
    sender.put(trace(1, "x", BEGAN));
    sender.pass_until([0, 1, 0]).await;
    sender.put(trace(2, "x", BEGAN));
    sender.end().await;
}

#[tokio::test]
async fn a_collector_that_hangs_gets_one_request_and_holds_up_neither_a_run_nor_the_end() {
    let collector = Collector::start([Answer::Never]).await;
    let sender = Sender::start(&collector.url, None);
    sender.put(trace(1, "x", BEGAN));
    within_a_minute(collector.asked(1)).await;
    // They fill the queue, in which those that are being sent count.
    for id in 2..6000 {
        sender.put(trace(id, "x", BEGAN));
    }
    assert_eq!(sender.counts(), [0, 0, 5999 - 4096]);
    assert_eq!(collector.asked(1).await.len(), 1);
    let passes = async {
        while sender.clock.until_next_wake().is_none() {
            pause().await;
        }
        sender.clock.advance(FLUSH);
    };
    within_a_minute(async { tokio::join!(sender.sending.end(), passes) }).await;
    assert_eq!(count(&sender.counters, "failed"), 0, "its own time was not over");
}

#[tokio::test]
async fn at_the_end_all_that_waits_is_sent() {
    let collector = Collector::start([Answer::Status(200)]).await;
    let sender = Sender::start(&collector.url, None);
    // It has not been polled yet.
    for id in 1..=600 {
        sender.put(trace(id, "x", BEGAN));
    }
    let counters = sender.counters.clone();
    sender.end().await;
    assert_eq!(count(&counters, "sent"), 600);
    let spans: usize = collector.asked(1).await.iter().map(|asked| asked.spans().len()).sum();
    assert_eq!(spans, 1200);
}
