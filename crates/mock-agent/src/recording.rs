//! A recording: what an agent answered to each request, as a file of JSON Lines.
//!
//! The first line is the header, `{"format":"agentapi-recording","version":1}`. Each further line is one exchange:
//!
//! | key | holds |
//! | --- | --- |
//! | `at_ms` | when the request arrived, in milliseconds since the start of the recording |
//! | `operation` | the operation, such as `backup-status` |
//! | `request` | the request's body; null where there was none |
//! | `took_ms` | how long the exchange took, in milliseconds |
//! | `status`, `body` | the answer; `body_base64` in place of `body` where it is not UTF-8 |
//! | `failed` | in place of an answer: the name of a [`Failure`] |
//!
//! A last line without its line end is a torn write, which is not read.

mod line;
mod player;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use agentapi_contract::Route;
use bytes::Bytes;
use serde_json::Value;

pub use writer::RecordingWriter;

pub(crate) use player::Player;

/// What an agent answered, in the order of the requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The exchanges, the earliest request first.
    pub exchanges: Vec<RecordedExchange>,
}

/// One request, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedExchange {
    /// When the request arrived, since the start of the recording. A file has whole milliseconds.
    pub at: Duration,
    /// Its operation.
    pub route: Route,
    /// Its body; null where there was none.
    pub request: Value,
    /// How long the exchange took. A file has whole milliseconds.
    pub took: Duration,
    /// What came back.
    pub outcome: Outcome,
}

/// What came back of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A whole answer, whatever its status.
    Answer {
        /// Its HTTP status, from 200 to 999.
        status: u16,
        /// Its body as it came.
        body: Bytes,
    },
    /// No whole answer.
    Failed(Failure),
}

/// How an exchange failed. A mock agent that plays one does to its own client what leads there to the same error, as far
/// as it can once it has the request: the first three happen before a request is sent, and are played as the fourth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// There was no connection. Played as [`Self::Interrupted`].
    Unreachable,
    /// TLS failed. Played as [`Self::Interrupted`].
    Tls,
    /// The certificate was not the pinned one. Played as [`Self::Interrupted`].
    PinMismatch,
    /// The connection broke. Played as an answer whose connection is closed in the middle of the body.
    Interrupted,
    /// The time was over. Played as no answer, until the client gives up, and for ten minutes at most.
    Deadline,
    /// The answer was larger than a client reads. Played as one that announces such a length.
    ResponseTooLarge,
    /// The client gave up before the answer came. Played as [`Self::Deadline`].
    Abandoned,
    /// Anything else. Played as [`Self::Interrupted`].
    Internal,
}

impl Failure {
    const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::Tls,
        Self::PinMismatch,
        Self::Interrupted,
        Self::Deadline,
        Self::ResponseTooLarge,
        Self::Abandoned,
        Self::Internal,
    ];

    /// Its name in a recording: that of the client's error where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::PinMismatch => "pin-mismatch",
            Self::Interrupted => "interrupted",
            Self::Deadline => "deadline",
            Self::ResponseTooLarge => "response-too-large",
            Self::Abandoned => "abandoned",
            Self::Internal => "internal",
        }
    }

    /// The failure of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

impl Recording {
    /// Reads a recording file. Blocks on the file system.
    ///
    /// # Errors
    /// [`RecordingError::Read`] where the file cannot be read as UTF-8 text, else as [`Self::from_text`].
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let text = fs::read_to_string(path).map_err(|error| RecordingError::Read { path: path.to_owned(), error })?;
        Self::from_text(&text)
    }

    /// Reads the text of a recording file.
    ///
    /// # Errors
    /// [`RecordingError::Line`] names the first line that is not as documented.
    pub fn from_text(text: &str) -> Result<Self, RecordingError> {
        // Whole lines only: what follows the last line end is a torn write.
        let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
        let mut lines = whole.split('\n').zip(1..);
        line::check_header(lines.next().map_or("", |(header, _)| header))?;
        let mut exchanges = lines.map(|(text, number)| line::read(text, number)).collect::<Result<Vec<_>, _>>()?;
        // A line is written when its exchange ends, and of two that overlap the later may end first.
        exchanges.sort_by_key(|exchange| exchange.at);
        Ok(Self { exchanges })
    }
}

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("cannot read the recording {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// A line is not as documented.
    #[error("line {line} of the recording: expected {expected}, found {found}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}

#[cfg(test)]
mod tests;
