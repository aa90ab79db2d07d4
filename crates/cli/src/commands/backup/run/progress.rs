//! How far the backup loop is, on stderr.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use agentapi_host::policy::Log;
use indicatif::{ProgressBar, ProgressStyle};

use crate::print::escape::visible;

/// Shows the lines that the loop prints: as one line that changes on a terminal, else one below the other.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn start() -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let spinner = ProgressBar::new_spinner().with_style(style);
            spinner.enable_steady_tick(REDRAW_INTERVAL);
            spinner
        });
        Self(spinner)
    }

    /// Removes the line from the terminal.
    pub(super) fn finish(&self) {
        if let Some(spinner) = &self.0 {
            spinner.finish_and_clear();
        }
    }
}

impl Log for Progress {
    fn line(&self, _extension: &str, line: &str) {
        match &self.0 {
            Some(spinner) => spinner.set_message(visible(line).into_owned()),
            // Not `eprintln!`, which panics if it cannot print: the backup must go on even if stderr is on a full disk.
            None => drop(writeln!(anstream::stderr(), "{}", visible(line))),
        }
    }
}

/// Pause between two pictures of the spinner.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);
