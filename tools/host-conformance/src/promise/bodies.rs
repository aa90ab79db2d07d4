//! Answers of an agent that are right.

use agentapi_scripted_agent::Answer;
use serde_json::{Value, json};

/// To GET /storage, and to each other GET as far as no field is looked at.
pub(crate) const STORAGE: &str = r#"{"ok":true,"data":{"vmid":101,"mounts":[]}}"#;
/// To POST /backup.
pub(crate) const JOB: &str = r#"{"ok":true,"data":{"vmid":101,"job_id":"bk-101-1","phase":"running"}}"#;

pub(crate) fn storage() -> Answer {
    Answer::new(200, STORAGE)
}

pub(crate) fn job() -> Answer {
    Answer::new(200, JOB)
}

/// What [`STORAGE`] is to the caller.
pub(crate) fn storage_value() -> Value {
    json!({"vmid": 101, "mounts": []})
}

/// What [`JOB`] is to the caller.
pub(crate) fn job_value() -> Value {
    json!({"vmid": 101, "job_id": "bk-101-1", "phase": "running"})
}

/// A whole answer as it stands on the wire.
pub(crate) fn whole(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
