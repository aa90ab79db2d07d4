//! What an agent is to play: the answers, in order, and the listeners besides the main one.
//!
//! A script is read from the `server` object of a recorded case, or built with the methods here. Either way it is
//! checked once: every [`Answer`] can be played.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::behaviour::{Behaviour, Delivery, Opening, UnknownBehaviour};
use crate::listener::Listener;
use crate::unasked::{Place, Unasked};

/// The answers of one agent. The first request gets the first answer, whichever listener it arrives at, and so on. The
/// last answer repeats.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RecordedServer")]
pub struct Script {
    pub(crate) answers: Vec<Answer>,
    pub(crate) listeners: Vec<Listener>,
}

impl Script {
    /// A script of at least one answer, for the main listener only.
    ///
    /// # Panics
    ///
    /// Without any answer.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        assert!(!answers.is_empty(), "a script has at least one answer");
        Self { answers, listeners: Vec::new() }
    }

    /// Asks for these listeners besides the main one.
    #[must_use]
    pub fn listeners(mut self, listeners: impl IntoIterator<Item = Listener>) -> Self {
        for listener in listeners {
            if listener != Listener::Main && !self.listeners.contains(&listener) {
                self.listeners.push(listener);
            }
        }
        self
    }

    /// Asks for the listeners whose placeholders, such as `{PORT2}`, occur in a text, such as a case's arguments.
    #[must_use]
    pub fn listeners_named_in(self, text: &str) -> Self {
        let named = Listener::ALL.iter().copied();
        self.listeners(named.filter(|listener| text.contains(listener.placeholder())))
    }
}

/// One answer: what is sent, and how.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) opening: Opening,
    pub(crate) delivery: Delivery,
    pub(crate) unasked: Option<Unasked>,
}

impl Answer {
    /// An answer with a `Content-Length`, delivered whole over an ordinary connection.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            framing: Framing::ContentLength,
            opening: Opening::Normal,
            delivery: Delivery::Whole,
            unasked: None,
        }
    }

    /// An answer of exactly these bytes, after which the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(200, bytes).framing(Framing::Raw)
    }

    /// Adds a header, sent as given; placeholders like `{PORT}` are replaced in the value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How the body's end is marked.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// How a connection is opened while this answer is the next one.
    ///
    /// An answer is used up by the request that gets it. An opening after which no request can follow
    /// (`close-at-accept`, `garbage`, `handshake-hang`, `tls1.0`, `tls1.1`) uses it up at once.
    #[must_use]
    pub fn opening(mut self, opening: Opening) -> Self {
        self.opening = opening;
        self
    }

    /// How much of the answer is sent, how fast, and what happens to the connection after it.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// What is sent after it without having been asked for. The delivery is [`Delivery::Whole`] then.
    #[must_use]
    pub fn unasked(mut self, bytes: impl Into<Vec<u8>>, place: Place) -> Self {
        self.unasked = Some(Unasked { bytes: bytes.into(), place });
        self
    }
}

/// How the body's end is marked (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// By `Content-Length`.
    #[default]
    ContentLength,
    /// By the last chunk. The body is sent as two chunks, its halves.
    Chunked,
    /// By the end of the connection.
    Close,
    /// Not at all: only the body is sent, with a status line of its own if it has one. Then the connection is closed.
    Raw,
}

/// A `server` object that does not say what to play.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptError {
    #[error("`behaviour` is unknown")]
    Behaviour(#[from] UnknownBehaviour),
    #[error("body is not base64")]
    Base64(#[from] base64::DecodeError),
    #[error("expected at most one of the fields for a body, found several")]
    SeveralBodies,
}

#[derive(Deserialize)]
struct RecordedServer {
    #[serde(flatten)]
    first: RecordedAnswer,
    #[serde(default)]
    then: Vec<RecordedAnswer>,
}

#[derive(Deserialize)]
struct RecordedAnswer {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    #[serde(alias = "raw_base64")]
    body_base64: Option<String>,
    #[serde(alias = "raw_parts")]
    body_parts: Option<Vec<RecordedPart>>,
    #[serde(default)]
    framing: Framing,
    behaviour: Option<String>,
}

#[derive(Deserialize)]
struct RecordedPart {
    text: String,
    times: usize,
}

fn ok() -> u16 {
    200
}

impl TryFrom<RecordedServer> for Script {
    type Error = ScriptError;

    fn try_from(server: RecordedServer) -> Result<Self, ScriptError> {
        let recorded = std::iter::once(server.first).chain(server.then);
        let answers: Vec<_> = recorded.map(Answer::try_from).collect::<Result<_, _>>()?;
        let headers = answers.iter().flat_map(|answer| &answer.headers);
        let values: String = headers.map(|(_, value)| value.as_str()).collect();
        Ok(Self::new(answers).listeners_named_in(&values))
    }
}

impl TryFrom<RecordedAnswer> for Answer {
    type Error = ScriptError;

    fn try_from(recorded: RecordedAnswer) -> Result<Self, ScriptError> {
        let body = match (recorded.body, recorded.body_base64, recorded.body_parts) {
            (body, None, None) => body.unwrap_or_default().into_bytes(),
            (None, Some(encoded), None) => STANDARD.decode(encoded)?,
            (None, None, Some(parts)) => joined(&parts),
            _ => return Err(ScriptError::SeveralBodies),
        };
        let mut answer = Self::new(recorded.status, body).framing(recorded.framing);
        answer.headers = recorded.headers;
        Ok(match recorded.behaviour.as_deref().map(str::parse) {
            None => answer,
            Some(Ok(Behaviour::Opening(opening))) => answer.opening(opening),
            Some(Ok(Behaviour::Delivery(delivery))) => answer.delivery(delivery),
            Some(Err(unknown)) => return Err(unknown.into()),
        })
    }
}

fn joined(parts: &[RecordedPart]) -> Vec<u8> {
    let repeated = parts.iter().map(|part| part.text.repeat(part.times));
    repeated.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Framing, Script};
    use crate::behaviour::{Delivery, Opening};
    use crate::listener::Listener;

    #[test]
    fn a_recorded_server_is_read_with_its_later_answers() {
        let script: Script = serde_json::from_str(
            r#"{"status": 307, "headers": [["Location", "https://127.0.0.1:{PORT2}/"]], "body": "moved",
                "behaviour": "tls1.2",
                "then": [{"body_parts": [{"text": "ab", "times": 2}, {"text": "c", "times": 1}],
                          "framing": "chunked", "behaviour": "hang"},
                         {"framing": "raw", "raw_base64": "AAE="}]}"#,
        )
        .unwrap();
        let [first, second, third] = &script.answers[..] else {
            panic!("three answers");
        };
        assert_eq!((first.status, &first.body[..]), (307, &b"moved"[..]));
        assert_ne!(first.opening, Opening::Normal);
        assert_eq!((second.status, &second.body[..]), (200, &b"ababc"[..]));
        assert_eq!((second.framing, second.delivery), (Framing::Chunked, Delivery::Hang));
        assert_eq!((third.framing, &third.body[..]), (Framing::Raw, &[0, 1][..]));
        assert_eq!(script.listeners, [Listener::Second]);
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        for (server, reason) in [
            (r#"{"behaviour": "sulk"}"#, "`behaviour` is unknown"),
            (r#"{"body_base64": "?"}"#, "body is not base64"),
            (r#"{"body": "", "raw_base64": ""}"#, "expected at most one of the fields for a body, found several"),
        ] {
            let error = serde_json::from_str::<Script>(server).unwrap_err();
            assert_eq!(error.to_string(), reason);
        }
    }
}
