//! Errors as problem JSON (RFC 9457), one mapping for all of them.
//!
//! | status | means |
//! | --- | --- |
//! | 400, 404, 405 | the request is wrong |
//! | 403 | the connection may not do that |
//! | 409 | not in this state |
//! | 502, 504 | the agent's fault or refusal; `kind` is the one of `agentapi call` |
//! | 503 | it passes, and the operator can see why |
//! | 500 | a mistake of this program; its text is in the log, with nothing of it in the answer |

use agentapi_host::{Error, error_chain};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::action::Refusal;
use crate::approval::VerdictError;
use crate::store::StoreError;

/// An answer that tells what is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    pub(super) status: StatusCode,
    /// The kind, in the names of `agentapi call` where it is the agent's.
    pub(super) kind: &'static str,
    /// One sentence.
    pub(super) detail: String,
    /// The HTTP status with which the agent answered.
    #[serde(rename = "agent_status", skip_serializing_if = "Option::is_none")]
    pub(super) agent_status: Option<u16>,
    /// What the answer carries besides: the disk of a format that a person must decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<serde_json::Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), agent_status: None, value: None }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-argument", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status.as_u16();
        let mut body = serde_json::to_value(&self).unwrap_or_default();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("status".into(), status.into());
            fields.insert("title".into(), self.status.canonical_reason().unwrap_or("").into());
        }
        (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        match &why {
            StoreError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not-found", why.to_string()),
            StoreError::Parked(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "frozen", why.to_string()),
            StoreError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", why.to_string()),
            StoreError::Impossible(_) | StoreError::Decided { .. } => {
                Self::new(StatusCode::CONFLICT, "conflict", why.to_string())
            }
            _ => {
                tracing::error!(error = %error_chain(&why), "the state failed");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "state",
                    "the state cannot be read or written; the log says why",
                )
            }
        }
    }
}

impl From<VerdictError> for Problem {
    fn from(why: VerdictError) -> Self {
        match why {
            VerdictError::Store(why) => why.into(),
            VerdictError::OtherDisk { .. } => Self::invalid(why.to_string()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::NoSubject(_) => Self::new(StatusCode::NOT_FOUND, "not-found", why.to_string()),
            Refusal::NotOpen(_) => Self::new(StatusCode::CONFLICT, "conflict", why.to_string()),
            Refusal::Ending => Self::new(StatusCode::SERVICE_UNAVAILABLE, "ending", why.to_string()),
            Refusal::Store(why) => why.into(),
        }
    }
}

/// The agent's errors keep their kinds. `Error` may grow: what is not known here is told as the agent's.
impl From<Error> for Problem {
    fn from(why: Error) -> Self {
        let (status, kind) = match &why {
            Error::InvalidArgument(_) => (StatusCode::BAD_REQUEST, "invalid-argument"),
            Error::Denied(_) => (StatusCode::FORBIDDEN, "denied"),
            Error::NeedsConfirmation(_) | Error::FormatRefused(_) => (StatusCode::CONFLICT, why.kind()),
            Error::Unreachable { .. } | Error::Deadline { .. } => (StatusCode::GATEWAY_TIMEOUT, why.kind()),
            Error::Component(_) | Error::NotConnected | Error::NoPolicy => {
                tracing::error!(error = %error_chain(&why), "the client failed");
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the client failed; the log says why");
            }
            _ => (StatusCode::BAD_GATEWAY, why.kind()),
        };
        let agent_status = match &why {
            Error::HttpStatus { status, .. } => Some(*status),
            _ => None,
        };
        let value = match &why {
            Error::NeedsConfirmation(result) | Error::FormatRefused(result) => serde_json::to_value(result).ok(),
            _ => None,
        };
        Self { status, kind, detail: error_chain(&why), agent_status, value }
    }
}
