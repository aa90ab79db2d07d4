//! A trace as the protobuf messages of OTLP. Texts of agents and extensions are cut, and made visible.

use std::time::Duration;

use agentapi_contract::visible;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use ring::digest::{SHA256, digest};

use crate::run::RunState;
use crate::run::host::BACKUP;
use crate::traces::{RunTrace, Step, StepKind};

/// The body of a request.
pub(super) fn request<'a>(guest: &str, traces: impl Iterator<Item = &'a RunTrace>) -> ExportTraceServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let attributes =
        vec![text("service.name", "agentapi"), text("service.version", version), text("agentapi.guest", guest)];
    let scope = InstrumentationScope {
        name: "agentapi-controller".into(),
        version: version.into(),
        ..InstrumentationScope::default()
    };
    let spans = traces.flat_map(|trace| spans(guest, trace)).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

fn spans(guest: &str, trace: &RunTrace) -> Vec<Span> {
    let (trace_id, root_id) = ids(guest, trace);
    let began = nanoseconds(trace.began_at);
    let steps = trace.steps.iter().zip(1..).map(|(step, number)| Span {
        trace_id: trace_id.into(),
        span_id: root_id.wrapping_add(number).to_be_bytes().into(),
        parent_span_id: root_id.to_be_bytes().into(),
        start_time_unix_nano: began.saturating_add(length(step.after)),
        end_time_unix_nano: began.saturating_add(length(step.after + step.duration)),
        ..span_of_step(step)
    });
    let root = Span {
        trace_id: trace_id.into(),
        span_id: root_id.to_be_bytes().into(),
        name: format!("run {}", trace.beginning.subject),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: began,
        end_time_unix_nano: began.saturating_add(length(trace.duration)),
        attributes: attributes_of_run(trace),
        status: match trace.end.state {
            RunState::Failed | RunState::Unknown => failed(bounded(&trace.end.reason)),
            _ => None,
        },
        ..Span::default()
    };
    std::iter::once(root).chain(steps).collect()
}

/// The id of the trace and of its first span. A hash of what no other run has, so that it is the same however often it
/// is made, and as good as random for whoever samples by it.
fn ids(guest: &str, trace: &RunTrace) -> ([u8; 16], u64) {
    let name = format!("{guest}/{}/{}", trace.beginning.run, trace.began_at.as_nanosecond());
    let digest = digest(&SHA256, name.as_bytes());
    let (mut trace_id, mut root_id) = ([0; 16], [0; 8]);
    let bytes = digest.as_ref().iter().copied();
    trace_id.iter_mut().chain(&mut root_id).zip(bytes).for_each(|(id, byte)| *id = byte);
    (trace_id, u64::from_be_bytes(root_id))
}

fn attributes_of_run(trace: &RunTrace) -> Vec<KeyValue> {
    let (beginning, end) = (&trace.beginning, &trace.end);
    let kind = if beginning.subject == BACKUP { "backup" } else { "extension" };
    let mut attributes = vec![
        number("agentapi.run.id", beginning.run.0),
        text("agentapi.run.subject", &beginning.subject),
        text("agentapi.run.kind", kind),
        text("agentapi.run.reason", &bounded(&beginning.reason)),
        flag("agentapi.run.taken_up", beginning.is_taken_up),
        text("agentapi.run.outcome", end.state.name()),
        number("agentapi.run.calls_left_out", trace.left_out.try_into().unwrap_or(i64::MAX)),
    ];
    if !end.reason.is_empty() {
        attributes.push(text("agentapi.run.end_reason", &bounded(&end.reason)));
    }
    attributes.extend(end.job_id.as_ref().map(|job| text("agentapi.backup.job_id", &bounded(job))));
    attributes.extend(end.consistency.as_ref().map(|worth| text("agentapi.backup.consistency", &bounded(worth))));
    attributes.extend(end.frozen_ms.map(|frozen| number("agentapi.freeze.milliseconds", frozen)));
    attributes
}

/// Without ids and times.
fn span_of_step(step: &Step) -> Span {
    let mut attributes = vec![text("agentapi.outcome", step.outcome)];
    let (name, kind) = match step.kind {
        StepKind::Call { route, attempts, is_reused, received_bytes } => {
            attributes.extend([
                text("agentapi.route", route.name()),
                text("http.request.method", route.method().as_str()),
                text("url.path", route.path()),
                number("agentapi.attempts", attempts.into()),
                flag("agentapi.connection.reused", is_reused),
                number("http.response.body.size", received_bytes.try_into().unwrap_or(i64::MAX)),
            ]);
            (format!("agent {}", route.name()), SpanKind::Client)
        }
        StepKind::Freeze => ("freeze".to_owned(), SpanKind::Internal),
        StepKind::Thaw => ("thaw".to_owned(), SpanKind::Internal),
    };
    let status = if step.outcome == "ok" { None } else { failed(step.outcome.to_owned()) };
    Span { name, kind: kind.into(), attributes, status, ..Span::default() }
}

fn failed(message: String) -> Option<Status> {
    Some(Status { message, code: StatusCode::Error.into() })
}

/// Cut first: a character that nobody sees is longer when it is written out.
fn bounded(text: &str) -> String {
    visible(&text.chars().take(MAX_CHARACTERS).collect::<String>()).into_owned()
}

/// Before 1970 there are no runs.
fn nanoseconds(at: Timestamp) -> u64 {
    at.as_nanosecond().try_into().unwrap_or(0)
}

/// In nanoseconds.
fn length(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn flag(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Characters of a text that an agent or an extension may have written, as in the audit.
const MAX_CHARACTERS: usize = 256;
