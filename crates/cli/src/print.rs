//! What commands print on stdout: text for people, or JSON for programs.
//!
//! A reader that has seen enough (`agentapi disks list | head -1`) is no failure. Where stdout cannot be written for another
//! reason, a command that only shows something has failed, and one that did something ends with the status of what it did.

pub(crate) mod escape;
pub(crate) mod fingerprints;
pub(crate) mod severity;
pub(crate) mod table;
pub(crate) mod units;
pub(crate) mod width;
pub(crate) mod wrap;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use crate::error::{SilentFailure, UntoldOutcome};
use crate::print::escape::visible_json;
use crate::status::ExitStatus;

/// The form in which a command prints its result.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of text.
    pub(crate) json: bool,
}

/// stdout cannot be written, and not because its reader is gone.
#[derive(Debug, thiserror::Error)]
#[error("stdout cannot be written")]
pub(crate) struct StdoutError(#[from] pub(crate) io::Error);

impl Output {
    /// Shows a record that the command was to look up: as JSON, or as the text that `describe` makes of it.
    pub(crate) fn show<T: Serialize>(self, record: &T, describe: impl FnOnce(&T) -> String) -> Result<(), StdoutError> {
        print(&self.text(|| record, || describe(record)))
    }

    /// Reports what the command did, and ends it with this status, also where the report cannot be printed.
    pub(crate) fn report<T: Serialize>(
        self,
        status: ExitStatus,
        record: &T,
        describe: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        report(status, &self.text(|| record, || describe(record)))
    }

    /// A result in this form, with its line end.
    pub(crate) fn text<T: Serialize>(self, json: impl FnOnce() -> T, text: impl FnOnce() -> String) -> String {
        if self.json { json_text(&json()) } else { text() }
    }
}

/// Prints what the command did, and ends it with this status, also where that cannot be printed.
pub(crate) fn report(status: ExitStatus, text: &str) -> anyhow::Result<()> {
    match print(text) {
        Err(StdoutError(source)) => Err(UntoldOutcome { status, source }.into()),
        Ok(()) if status == ExitStatus::Done => Ok(()),
        Ok(()) => Err(SilentFailure(status).into()),
    }
}

/// Prints a text, which ends with its own line end. Styles are removed unless stdout is a terminal.
pub(crate) fn print(text: &str) -> Result<(), StdoutError> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// As [`print()`], for commands that cannot go on without their reader.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    // Without this, an error at the end of the process would be lost: std ignores it there.
    stdout.flush()
}

/// JSON with its line end: indented over several lines on a terminal, else in one line.
pub(crate) fn json_text(value: &impl Serialize) -> String {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.unwrap_or_else(|error| json!({ "kind": "internal", "message": error.to_string() }).to_string());
    visible_json(text) + "\n"
}
