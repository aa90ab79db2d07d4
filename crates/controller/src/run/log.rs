//! The lines that an extension prints in a run, kept with it: bounded, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use agentapi_host::policy::{Level, Log};

use crate::clock::Clock;
use crate::run::RunId;
use crate::store::Writer;

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
    fn line(&self, _extension: &str, _level: Level, line: &str) {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let text = match number {
            ..MAX_LINES => line.chars().take(MAX_LINE_CHARACTERS).collect(),
            MAX_LINES => "more lines were printed, and are not kept".to_owned(),
            _ => return,
        };
        let (run, at) = (self.run, self.clock.now());
        // Where too much waits to be written, which a long freeze may bring about, a line is what can be missed.
        let _ = self.writer.post(move |tx| tx.add_line(at, run, number, &text));
    }
}

/// Lines of a run: more than anybody reads, in at most some megabytes.
const MAX_LINES: i64 = 2000;
/// Characters of a line.
const MAX_LINE_CHARACTERS: usize = 2000;
