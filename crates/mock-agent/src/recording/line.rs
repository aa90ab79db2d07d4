//! One line of a recording file.

use std::time::Duration;

use agentapi_contract::Route;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Failure, Outcome, RecordedExchange, RecordingError};

const FORMAT: &str = "agentapi-recording";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: u64,
    operation: String,
    request: Value,
    took_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// The header of a new file.
pub(super) fn header() -> serde_json::Result<String> {
    serde_json::to_string(&Header { format: FORMAT.to_owned(), version: VERSION })
}

pub(super) fn check_header(text: &str) -> Result<(), RecordingError> {
    let wrong = |expected, found| RecordingError::Line { line: 1, expected, found };
    let header: Header = serde_json::from_str(text)
        .map_err(|_| wrong("the header {\"format\":\"agentapi-recording\",\"version\":1}", shown(text)))?;
    match (header.format.as_str(), header.version) {
        (FORMAT, VERSION) => Ok(()),
        (FORMAT, version) => Err(wrong("version 1", format!("version {version}"))),
        (format, _) => Err(wrong("the format agentapi-recording", shown(format))),
    }
}

pub(super) fn write(exchange: &RecordedExchange) -> serde_json::Result<String> {
    let mut line = Line {
        at_ms: milliseconds(exchange.at),
        operation: exchange.route.name().to_owned(),
        request: exchange.request.clone(),
        took_ms: milliseconds(exchange.took),
        status: None,
        body: None,
        body_base64: None,
        failed: None,
    };
    match &exchange.outcome {
        Outcome::Failed(failure) => line.failed = Some(failure.name().to_owned()),
        Outcome::Answer { status, body } => {
            line.status = Some(*status);
            match std::str::from_utf8(body) {
                Ok(text) => line.body = Some(text.to_owned()),
                Err(_) => line.body_base64 = Some(STANDARD.encode(body)),
            }
        }
    }
    serde_json::to_string(&line)
}

pub(super) fn read(text: &str, number: usize) -> Result<RecordedExchange, RecordingError> {
    let wrong = |expected, found| RecordingError::Line { line: number, expected, found };
    let line: Line = serde_json::from_str(text).map_err(|why| wrong("an exchange as JSON", why.to_string()))?;
    let route = Route::named(&line.operation).ok_or_else(|| wrong("an operation", shown(&line.operation)))?;
    let outcome = match (line.status, line.body, line.body_base64, line.failed) {
        (None, None, None, Some(name)) => {
            Outcome::Failed(Failure::named(&name).ok_or_else(|| wrong("the name of a failure", shown(&name)))?)
        }
        // hyper takes a status below 200 for an interim answer, which no exchange ends with.
        (Some(status), ..) if !(200..=999).contains(&status) => {
            return Err(wrong("a status from 200 to 999", status.to_string()));
        }
        (Some(status), Some(text), None, None) => Outcome::Answer { status, body: text.into() },
        (Some(status), None, Some(text), None) => {
            let body = STANDARD.decode(&text).map_err(|why| wrong("a body in base64", why.to_string()))?;
            Outcome::Answer { status, body: Bytes::from(body) }
        }
        _ => return Err(wrong("status with body or body_base64, or else failed", "another set of them".to_owned())),
    };
    let (at, took) = (Duration::from_millis(line.at_ms), Duration::from_millis(line.took_ms));
    Ok(RecordedExchange { at, route, request: line.request, took, outcome })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The beginning of a text, quoted.
fn shown(text: &str) -> String {
    match text {
        "" => "nothing".to_owned(),
        _ => format!("{:?}", text.chars().take(60).collect::<String>()),
    }
}
