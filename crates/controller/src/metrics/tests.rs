use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::Route;
use agentapi_host::CallSummary;
use tokio::sync::watch;

use super::{CONTENT_TYPE, Metrics, Sources};
use crate::clock::{Clock, VirtualClock};
use crate::counters::{Counted, Counters};
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::owner::{Activity, Status, StatusReader, SubjectStatus};
use crate::run::{Run, RunContext, RunEnd, RunId, RunState, Runner};
use crate::sample::{Measure, Sample};

/// Panics, or has frozen for 1.5 s.
struct Script;

impl Runner for Script {
    fn run(&self, context: RunContext) -> std::pin::Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async move {
            assert_ne!(context.subject, "panics");
            RunEnd { frozen_ms: Some(1500), ..RunEnd::new(RunState::Done, "") }
        })
    }

    fn reconcile(
        &self,
        _: Run,
        _: tokio_util::sync::CancellationToken,
    ) -> std::pin::Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async { RunEnd::new(RunState::Unknown, "") })
    }
}

/// A name that would break the text if it were not escaped.
const STRANGE: &str = "a\"b\\c\nd";

fn metrics() -> (Metrics, Counters) {
    let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
    let subject = |name: &str, last_success| SubjectStatus {
        name: name.into(),
        activity: Activity::Running { run: None, since: clock.now() },
        is_paused: true,
        next_due: Some("1970-01-01T01:00:00Z".parse().unwrap()),
        last_start: None,
        last_success,
    };
    let hour_ago = "2026-11-26T09:00:00Z".parse().unwrap();
    let subjects = vec![subject("backup", Some(hour_ago)), subject("never", None), subject(STRANGE, Some(hour_ago))];
    let (kind, severity, since) = (FindingKind::NoSuccess, Severity::Critical, clock.now());
    let findings = vec![Finding { kind, subject: "never".into(), severity, since, text: String::new() }];
    let sample = |measure, of: &str| Sample { measure, of: of.into(), value: 25.0 };
    let latest = vec![
        sample(Measure::Load, ""),
        sample(Measure::Cpu, ""),
        sample(Measure::DiskUsed, STRANGE),
        sample(Measure::StorageUsed, "local"),
    ];
    let sources = Sources {
        status: StatusReader::new(watch::channel(Arc::new(Status { subjects })).1),
        findings: watch::channel(Arc::new(findings)).1,
        latest: watch::channel(Arc::new(latest)).1,
        coordinator: None,
        clock: Arc::new(clock),
    };
    let counters = Counters::new();
    (Metrics::new(sources, counters.clone()), counters)
}

fn call(route: Route, outcome: &'static str) -> CallSummary {
    let mut call = CallSummary::default();
    (call.route, call.outcome, call.duration) = (Some(route), outcome, Duration::from_millis(50));
    call
}

#[tokio::test]
async fn what_has_happened_is_counted_and_what_has_not_is_0() {
    let (metrics, counters) = metrics();
    counters.call_ended(&call(Route::BackupStatus, "ok"));
    counters.call_ended(&call(Route::BackupStatus, "http-status"));
    let runner = Counted { runner: Script, counters };
    for subject in ["backup", "backup", "panics"] {
        let (subject, reason) = (subject.to_owned(), String::new());
        let context = RunContext { run: RunId(1), subject, reason, stop: Default::default(), wipe: None };
        let _ = tokio::spawn(runner.run(context)).await;
    }
    let text = metrics.text().unwrap();
    for line in [
        r#"agentapi_runs_total{subject="backup",outcome="done"} 2"#,
        r#"agentapi_runs_total{subject="backup",outcome="failed"} 0"#,
        r#"agentapi_runs_total{subject="never",outcome="unknown"} 0"#,
        r#"agentapi_runs_total{subject="panics",outcome="failed"} 1"#,
        "agentapi_freeze_seconds_total 3.0",
        r#"agentapi_agent_calls_total{route="backup-status",outcome="ok"} 1"#,
        r#"agentapi_agent_calls_total{route="backup-status",outcome="http-status"} 1"#,
        r#"agentapi_agent_calls_total{route="format-disk",outcome="pin-mismatch"} 0"#,
        r#"agentapi_agent_call_seconds_count{route="backup-status"} 2"#,
        r#"agentapi_agent_call_seconds_bucket{route="backup-status",le="0.1"} 2"#,
        r#"agentapi_since_success_seconds{subject="backup"} 3600.0"#,
        r#"agentapi_since_success_seconds{subject="a\"b\\c\nd"} 3600.0"#,
        r#"agentapi_next_due_timestamp_seconds{subject="never"} 3600.0"#,
        r#"agentapi_schedule_paused{subject="backup"} 1.0"#,
        r#"agentapi_running{subject="backup"} 1.0"#,
        r#"agentapi_findings{kind="no-success"} 1.0"#,
        r#"agentapi_findings{kind="pin-mismatch"} 0.0"#,
        "agentapi_freeze_stage_seconds 0.0",
        "agentapi_host_load1 25.0",
        "agentapi_host_cpu_ratio 0.25",
        r#"agentapi_storage_used_ratio{target="local"} 0.25"#,
        r#"agentapi_disk_used_ratio{disk="a\"b\\c\nd"} 0.25"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
    assert!(!text.contains(r#"agentapi_since_success_seconds{subject="never"}"#));
}

#[test]
fn promtool_finds_nothing_to_say() {
    let (metrics, counters) = metrics();
    counters.call_ended(&call(Route::Disks, "ok"));
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().expect("promtool of the Debian package prometheus");
    child.stdin.take().unwrap().write_all(metrics.text().unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!((String::from_utf8_lossy(&said).as_ref(), output.status.code()), ("", Some(0)));
}

#[test]
fn the_content_type_is_that_of_the_format() {
    assert_eq!(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
}
