//! What commands print on stdout: text for people, or JSON for programs.

pub(crate) mod escape;
pub(crate) mod table;
pub(crate) mod units;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::print::escape::visible_json;

/// The form in which a command prints its result.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of text.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a record: as JSON, or as the text that `describe` makes of it.
    pub(crate) fn print<T: Serialize>(self, record: &T, describe: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json { print_json(record) } else { print(&describe(record)) }
    }
}

/// Prints a text, which ends with its own line end. Styles are removed unless stdout is a terminal.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    // Without this, an error at the end of the process would be lost: std ignores it there.
    stdout.flush()
}

/// Prints JSON: indented over several lines on a terminal, else in one line.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", visible_json(text?))?;
    stdout.flush()
}
