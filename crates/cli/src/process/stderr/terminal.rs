//! What the messages go to, and what standard error is.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::process::stderr::queue::Sink;

/// Standard error, with a line below the messages that changes. The progress bar is drawn by this thread alone and not by
/// one of its own: that one would hold the bar's lock during a write.
#[derive(Default)]
pub(super) struct Terminal {
    spinner: Option<ProgressBar>,
}

impl Sink for Terminal {
    fn write(&mut self, text: &str) -> io::Result<()> {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| write(text)),
            None => write(text),
        }
    }

    fn show(&mut self, progress: Option<&str>) {
        match progress {
            Some(line) => self.spinner.get_or_insert_with(spinner).set_message(line.to_owned()),
            None => self.spinner.take().iter().for_each(ProgressBar::finish_and_clear),
        }
        self.tick();
    }

    fn tick(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.tick();
        }
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn write(text: &str) -> io::Result<()> {
    let mut stderr = anstream::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
