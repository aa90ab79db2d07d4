//! What goes wrong: a call of the host that failed, and the failure of a run that it becomes.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Serialize, Serializer};

use crate::bindings::felhom::agentapi::notify::NotifyError;
use crate::bindings::felhom::agentapi::quiesce::QuiesceError;
use crate::bindings::felhom::agentapi::state::StateError;
use crate::bindings::felhom::agentapi::types::{Error, FormatError, Progress};

/// A call of the host that failed: which one, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct CallError<E = Error> {
    /// The function, as a grant names it: `disks.list`.
    pub call: &'static str,
    /// The error of the contract.
    pub error: E,
}

/// An error of the contract, by the name of its case.
pub trait Case {
    /// The case's name in the WIT package, such as `http-status`.
    fn kind(&self) -> &'static str;

    /// What the case carries; empty if it carries nothing.
    fn message(&self) -> String;
}

impl<E> CallError<E> {
    pub(crate) fn of(call: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self { call, error }
    }
}

impl<E: Case> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.error.kind())?;
        match self.error.message() {
            none if none.is_empty() => Ok(()),
            message => write!(f, ": {message}"),
        }
    }
}

impl<E: Case + fmt::Debug> core::error::Error for CallError<E> {}

/// In JSON `{"call", "kind", "message"}`: the shape in which a report names the calls that failed.
impl<E: Case> Serialize for CallError<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Failure::from_parts(Some(self.call), self.error.kind(), self.error.message()).serialize(serializer)
    }
}

/// Why a run failed, for whoever runs the extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The call that failed; none where the extension itself found something wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'static str>,
    /// The error's name in the WIT package, or one of the extension's own; `extension` where it has none.
    pub kind: Cow<'static, str>,
    /// What happened, in words; may be empty.
    pub message: String,
}

impl Failure {
    /// A failure that the extension itself found, with a name for programs and words for people.
    pub fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { call: None, kind: kind.into(), message: message.into() }
    }

    fn from_parts(call: Option<&'static str>, kind: &'static str, message: String) -> Self {
        Self { call, kind: kind.into(), message }
    }

    /// The text that `run` fails with: `{"error": {"call", "kind", "message"}}`.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: &'a Failure,
        }
        // Texts can always be written.
        serde_json::to_string(&Envelope { error: self }).unwrap_or_default()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = self.call {
            write!(f, "{call}: ")?;
        }
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl<E: Case> From<CallError<E>> for Failure {
    fn from(CallError { call, error }: CallError<E>) -> Self {
        Self::from_parts(Some(call), error.kind(), error.message())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new("extension", message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new("extension", message)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(why: serde_json::Error) -> Self {
        Self::new("extension", why.to_string())
    }
}

#[cfg(feature = "std")]
impl From<std::boxed::Box<dyn core::error::Error>> for Failure {
    fn from(why: std::boxed::Box<dyn core::error::Error>) -> Self {
        Self::new("extension", why.to_string())
    }
}

// Each is exhaustive, so that a case which the contract adds gets its name here before it compiles.

impl Case for Error {
    fn kind(&self) -> &'static str {
        match self {
            Self::NotConnected => "not-connected",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::Denied(_) => "denied",
            Self::PinMismatch => "pin-mismatch",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(_) => "tls",
            Self::Interrupted(_) => "interrupted",
            Self::Deadline(_) => "deadline",
            Self::HttpStatus(_) => "http-status",
            Self::ResponseTooLarge(_) => "response-too-large",
            Self::BadEnvelope(_) => "bad-envelope",
            Self::Agent(_) => "agent",
            Self::Decode(_) => "decode",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotConnected | Self::PinMismatch => String::new(),
            Self::InvalidArgument(text)
            | Self::Denied(text)
            | Self::Unreachable(text)
            | Self::Tls(text)
            | Self::Interrupted(text)
            | Self::BadEnvelope(text)
            | Self::Agent(text)
            | Self::Decode(text) => text.clone(),
            Self::Deadline(Progress::Sending) => "sending".into(),
            Self::Deadline(Progress::Waiting) => "waiting".into(),
            Self::Deadline(Progress::Receiving) => "receiving".into(),
            Self::HttpStatus(answer) => format!("{} {}", answer.status, answer.text).trim_end().into(),
            Self::ResponseTooLarge(limit) => limit.to_string(),
        }
    }
}

impl Case for FormatError {
    fn kind(&self) -> &'static str {
        match self {
            Self::NeedsConfirmation(_) => "needs-confirmation",
            Self::Refused(_) => "refused",
            Self::Failed(error) => error.kind(),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NeedsConfirmation(result) | Self::Refused(result) => result.reason.clone(),
            Self::Failed(error) => error.message(),
        }
    }
}

impl Case for QuiesceError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Busy(_) => "busy",
            Self::AlreadyFrozen => "already-frozen",
            Self::NotFrozen => "not-frozen",
            Self::Failed(_) => "failed",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Denied(text) | Self::Busy(text) | Self::Failed(text) => text.clone(),
            Self::AlreadyFrozen | Self::NotFrozen => String::new(),
        }
    }
}

impl Case for StateError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::InvalidKey(_) => "invalid-key",
            Self::TooLarge(_) => "too-large",
            Self::Failed(_) => "failed",
        }
    }

    fn message(&self) -> String {
        let (Self::Denied(text) | Self::InvalidKey(text) | Self::TooLarge(text) | Self::Failed(text)) = self;
        text.clone()
    }
}

impl Case for NotifyError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::Failed(_) => "failed",
        }
    }

    fn message(&self) -> String {
        let (Self::Denied(text) | Self::InvalidArgument(text) | Self::Failed(text)) = self;
        text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::felhom::agentapi::types::HttpAnswer;

    #[test]
    fn an_error_of_a_call_says_which_call_and_how() {
        let error = Error::HttpStatus(HttpAnswer { status: 409, text: "VM 101 is locked".into() });
        let error = CallError { call: "backup.start", error };
        assert_eq!(error.to_string(), "backup.start: http-status: 409 VM 101 is locked");
        let json = r#"{"call":"backup.start","kind":"http-status","message":"409 VM 101 is locked"}"#;
        assert_eq!(serde_json::to_string(&error).unwrap(), json);
        assert_eq!(Failure::from(error).to_json(), [r#"{"error":"#, json, "}"].concat());
        assert_eq!(CallError { call: "x.y", error: QuiesceError::NotFrozen }.to_string(), "x.y: not-frozen");
    }
}
