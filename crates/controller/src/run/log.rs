//! The lines that an extension prints in a run, kept with it: bounded, and never waited for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use agentapi_host::policy::{Level, Log};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::event::names;
use crate::run::RunId;
use crate::store::Writer;

names! {
    /// How much a line of a run matters, in the extension's eyes; from the least to the most.
    LineLevel {
        /// Each step.
        Trace = "trace",
        /// What helps to understand a run afterwards.
        Debug = "debug",
        /// What the run has done; also what it has printed to stdout.
        Info = "info",
        /// What somebody should look at, although the run goes on; also what it has printed to stderr.
        Warn = "warn",
        /// What the run could not do.
        Error = "error",
    }
}

/// One line that a run has logged or printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLine {
    /// Its place in the log, from 1 on.
    pub number: i64,
    /// When it was logged.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LineLevel,
    /// The line, as the extension has written it: escape it before it is shown.
    pub text: String,
}

impl From<Level> for LineLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

/// Receives the lines of one run.
pub(super) struct LineKeeper {
    run: RunId,
    clock: Arc<dyn Clock>,
    writer: Writer,
    count: AtomicI64,
}

impl LineKeeper {
    pub(super) fn new(run: RunId, clock: Arc<dyn Clock>, writer: Writer) -> Self {
        Self { run, clock, writer, count: AtomicI64::new(0) }
    }
}

impl Log for LineKeeper {
    fn line(&self, _extension: &str, level: Level, line: &str) {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let text = match number {
            ..MAX_LINES => line.chars().take(MAX_LINE_CHARACTERS).collect(),
            MAX_LINES => "more lines were printed, and are not kept".to_owned(),
            _ => return,
        };
        let (run, at, level) = (self.run, self.clock.now(), level.into());
        let line = LogLine { number, at, level, text };
        // Where too much waits to be written, which a long freeze may bring about, a line is what can be missed.
        let _ = self.writer.post(move |tx| tx.add_line(run, &line));
    }
}

/// Lines of a run: more than anybody reads, in at most some megabytes.
const MAX_LINES: i64 = 2000;
/// Characters of a line.
const MAX_LINE_CHARACTERS: usize = 2000;
