//! The envelope around every answer: `{"ok": bool, "data": ..., "error": "text"}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

/// One answer of the agent: a status and an envelope.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    envelope: Envelope,
}

#[derive(Debug, PartialEq, Serialize)]
struct Envelope {
    ok: bool,
    data: Value,
    error: String,
}

impl Answer {
    /// `ok: true` with this data.
    pub(crate) fn granted(status: StatusCode, data: impl Serialize) -> Self {
        Self::new(status, data, None)
    }

    /// `ok: false` with this reason and no data.
    pub(crate) fn refused(status: StatusCode, error: impl Into<String>) -> Self {
        Self::new(status, Value::Null, Some(error.into()))
    }

    /// `ok: false` with this reason, and data that says more.
    pub(crate) fn refused_with(status: StatusCode, error: impl Into<String>, data: impl Serialize) -> Self {
        Self::new(status, data, Some(error.into()))
    }

    fn new(status: StatusCode, data: impl Serialize, refusal: Option<String>) -> Self {
        match serde_json::to_value(data) {
            Ok(data) => {
                Self { status, envelope: Envelope { ok: refusal.is_none(), data, error: refusal.unwrap_or_default() } }
            }
            Err(cause) => Self::refused(StatusCode::INTERNAL_SERVER_ERROR, cause.to_string()),
        }
    }
}

#[cfg(test)]
impl Answer {
    pub(crate) fn data(&self) -> &Value {
        &self.envelope.data
    }

    pub(crate) fn error(&self) -> &str {
        &self.envelope.error
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, Json(self.envelope)).into_response()
    }
}
