//! Errors as problem JSON (RFC 9457), one mapping for all of them. [`ProblemKind`] has the kinds and their statuses.
//!
//! | status | means |
//! | --- | --- |
//! | 400, 404, 405, 413, 415, 422, 431 | the request is wrong |
//! | 403 | the connection may not do that |
//! | 409 | not in this state |
//! | 429 | too often |
//! | 502, 504 | the agent's fault or refusal; `kind` is the one of `agentapi call` |
//! | 503 | it passes, and the operator can see why |
//! | 500 | a mistake of this program; its text is in the log, with nothing of it in the answer |

mod kind;

use agentapi_host::records::FormatResult;
use agentapi_host::{Error, error_chain};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::action::Refusal;
use crate::approval::VerdictError;
use crate::store::StoreError;

pub(crate) use kind::ProblemKind;

/// What is wrong (RFC 9457), as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    kind: ProblemKind,
    /// One sentence for people. It may hold texts of the agent: escape it before it is shown.
    detail: String,
    /// The HTTP status with which the agent answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_status: Option<u16>,
    /// What the agent said about a disk that a person must decide on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FormatResult>)]
    value: Option<Box<FormatResult>>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let status = kind.status();
        let title = status.canonical_reason().unwrap_or_default();
        Self { title, status: status.as_u16(), kind, detail: detail.into(), agent_status: None, value: None }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidArgument, detail)
    }

    /// A mistake of this program. What it was stands in the log alone.
    pub(crate) fn internal(what: &str, why: &str) -> Self {
        tracing::error!(error = why, "{what}");
        Self::new(ProblemKind::Internal, format!("{what}; the log says why"))
    }

    pub(crate) fn kind(&self) -> ProblemKind {
        self.kind
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The body.
    pub(crate) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.kind.status(), [(CONTENT_TYPE, PROBLEM_JSON)], self.json()).into_response();
        // For whoever looks at answers on their way out and acts on the kind.
        response.extensions_mut().insert(self.kind);
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(why: JsonRejection) -> Self {
        let kind = match why.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
            // Of the wrong shape, which axum distinguishes from no JSON at all. A client would do nothing else.
            _ => ProblemKind::InvalidArgument,
        };
        Self::new(kind, why.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(why: QueryRejection) -> Self {
        Self::invalid(why.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(why: PathRejection) -> Self {
        Self::invalid(why.body_text())
    }
}

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        let kind = match &why {
            StoreError::NotFound(_) => ProblemKind::NotFound,
            StoreError::Parked(_) => ProblemKind::Frozen,
            StoreError::Busy => ProblemKind::Busy,
            StoreError::Impossible(_) | StoreError::Decided { .. } => ProblemKind::Conflict,
            _ => {
                tracing::error!(error = %error_chain(&why), "the state failed");
                return Self::new(ProblemKind::State, "the state cannot be read or written; the log says why");
            }
        };
        Self::new(kind, why.to_string())
    }
}

impl From<VerdictError> for Problem {
    fn from(why: VerdictError) -> Self {
        match why {
            VerdictError::Store(why) => why.into(),
            VerdictError::OtherDisk { .. } => Self::invalid(why.to_string()),
            VerdictError::TooManyTries { .. } => Self::new(ProblemKind::TooManyTries, why.to_string()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(why: Refusal) -> Self {
        let kind = match why {
            Refusal::NoSubject(_) => ProblemKind::NotFound,
            Refusal::NotOpen(_) | Refusal::WipeIsOpen { .. } => ProblemKind::Conflict,
            Refusal::Ending => ProblemKind::Ending,
            Refusal::Store(why) => return why.into(),
        };
        Self::new(kind, why.to_string())
    }
}

/// The agent's errors keep their kinds.
impl From<Error> for Problem {
    fn from(why: Error) -> Self {
        let kind = ProblemKind::of_agent(why.kind());
        if kind == ProblemKind::Internal {
            return Self::internal("the client failed", &error_chain(&why));
        }
        let agent_status = match &why {
            Error::HttpStatus { status, .. } => Some(*status),
            _ => None,
        };
        let detail = match &why {
            // As it is, and also where it is empty: `agentapi call` says nothing in its place either.
            Error::Agent(text) => text.clone(),
            other => error_chain(other),
        };
        let value = match why {
            Error::NeedsConfirmation(result) | Error::FormatRefused(result) => Some(result),
            _ => None,
        };
        Self { agent_status, value, ..Self::new(kind, detail) }
    }
}

/// RFC 9457, section 3.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use agentapi_host::Error;

    use super::Problem;

    #[test]
    fn the_agents_own_words_are_repeated_as_they_are() {
        for text in ["VM 101 is locked (backup)", ""] {
            assert_eq!(Problem::from(Error::Agent(text.into())).detail(), text);
        }
    }
}
