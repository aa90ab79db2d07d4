//! The envelope around every answer: `{"ok": bool, "data": ..., "error": "text"}`.
//!
//! An answer is written as soon as it is made. That keeps the fields in the order in which the structs name them,
//! which is the agent's order, whatever features other crates of a build give to `serde_json`'s maps.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

/// One answer of the agent: a status and an envelope.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    envelope: Bytes,
}

#[derive(Serialize)]
struct Envelope<T> {
    ok: bool,
    data: T,
    error: String,
}

impl Answer {
    /// `ok: true` with this data.
    pub(crate) fn granted(status: StatusCode, data: impl Serialize) -> Self {
        Self::new(status, Envelope { ok: true, data, error: String::new() })
    }

    /// `ok: false` with this reason and no data.
    pub(crate) fn refused(status: StatusCode, error: impl Into<String>) -> Self {
        Self::refused_with(status, error, ())
    }

    /// `ok: false` with this reason, and data that says more.
    pub(crate) fn refused_with(status: StatusCode, error: impl Into<String>, data: impl Serialize) -> Self {
        Self::new(status, Envelope { ok: false, data, error: error.into() })
    }

    fn new(status: StatusCode, envelope: Envelope<impl Serialize>) -> Self {
        match serde_json::to_vec(&envelope) {
            Ok(envelope) => Self { status, envelope: envelope.into() },
            Err(cause) => Self::refused(StatusCode::INTERNAL_SERVER_ERROR, cause.to_string()),
        }
    }

    /// The answer as HTTP has it. The length is left to hyper, which states it when it writes the body.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.envelope);
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response
    }
}

/// The media type of every answer.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[cfg(test)]
impl Answer {
    pub(crate) fn data(&self) -> serde_json::Value {
        self.parsed()["data"].clone()
    }

    pub(crate) fn error(&self) -> String {
        self.parsed()["error"].as_str().unwrap().to_owned()
    }

    fn parsed(&self) -> serde_json::Value {
        serde_json::from_slice(&self.envelope).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::Answer;

    #[test]
    fn an_envelope_has_its_three_fields_in_the_agents_order() {
        for (answer, wanted) in [
            (Answer::granted(StatusCode::OK, [1]), r#"{"ok":true,"data":[1],"error":""}"#),
            (Answer::refused(StatusCode::NOT_FOUND, "none"), r#"{"ok":false,"data":null,"error":"none"}"#),
            (Answer::refused_with(StatusCode::CONFLICT, "no", 7), r#"{"ok":false,"data":7,"error":"no"}"#),
        ] {
            assert_eq!(answer.envelope, wanted);
        }
    }

    #[test]
    fn an_answer_that_cannot_be_written_is_an_internal_error() {
        let data = std::collections::BTreeMap::from([((), ())]);
        let answer = Answer::granted(StatusCode::OK, data);
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (500, "key must be a string"));
    }
}
