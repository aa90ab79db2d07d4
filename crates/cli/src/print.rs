//! What a command prints on stdout: text for people, or the agent's JSON.

pub(crate) mod escape;
pub(crate) mod table;
pub(crate) mod units;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::print::escape::visible_json;

/// How a command prints.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a record: as JSON, or as `describe` puts it.
    pub(crate) fn print<T: Serialize>(self, record: &T, describe: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json { print_json(record) } else { print(&describe(record)) }
    }
}

/// Prints a text that ends its own lines. Styles reach terminals only.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints JSON: over several lines on a terminal, else in one.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", visible_json(text?))?;
    stdout.flush()
}
