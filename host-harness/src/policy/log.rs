//! The log of an extension: its lines with a level, and what it prints, within a budget of bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, mem};

use agentapi_contract::visible;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::policy::limits::Breach;

/// Receives the lines that extensions log or print.
pub trait Log: Send + Sync + 'static {
    /// Called for each line, as the extension wrote it: pass it through [`visible`] before it is shown to anybody. What is
    /// printed to stdout comes as [`Level::Info`], to stderr as [`Level::Warn`].
    fn line(&self, extension: &str, level: Level, line: &str);
}

/// How much a line matters, in the extension's eyes; from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Each step.
    Trace,
    /// What helps to understand a run afterwards.
    Debug,
    /// What the run has done.
    Info,
    /// What somebody should look at, although the run goes on.
    Warn,
    /// What the run could not do.
    Error,
}

impl Level {
    /// Its name in the contract, such as `info`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Passes lines to `tracing`, at their level, with the extension's name. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingLog;

impl Log for TracingLog {
    fn line(&self, extension: &str, level: Level, line: &str) {
        let line = visible(line);
        match level {
            Level::Trace => tracing::trace!(extension, "{line}"),
            Level::Debug => tracing::debug!(extension, "{line}"),
            Level::Info => tracing::info!(extension, "{line}"),
            Level::Warn => tracing::warn!(extension, "{line}"),
            Level::Error => tracing::error!(extension, "{line}"),
        }
    }
}

/// The log of one run: stdout, stderr and lines with a level, which share one budget.
#[derive(Clone)]
pub(super) struct RunLog {
    extension: Arc<str>,
    receiver: Arc<dyn Log>,
    bytes_left: Arc<AtomicUsize>,
    bytes_allowed: usize,
}

impl RunLog {
    pub(super) fn new(extension: Arc<str>, receiver: Arc<dyn Log>, bytes_allowed: usize) -> Self {
        Self { extension, receiver, bytes_left: Arc::new(bytes_allowed.into()), bytes_allowed }
    }

    /// One of the two streams, whose lines are of this level.
    pub(super) fn stream(&self, level: Level) -> LogStream {
        LogStream(Arc::new(LineBuffer { log: self.clone(), level, unfinished: Mutex::default() }))
    }

    /// Writes a text, each line of it as one of the log.
    pub(super) fn write(&self, level: Level, text: &str) -> Result<(), Breach> {
        // A line has its end here too, so that empty texts are not free.
        self.spend(text.len().saturating_add(1))?;
        for line in text.lines() {
            self.emit(level, line);
        }
        Ok(())
    }

    fn emit(&self, level: Level, line: &str) {
        if !line.is_empty() {
            self.receiver.line(&self.extension, level, line);
        }
    }

    /// Takes bytes from the budget; both streams may do so at once.
    fn spend(&self, bytes: usize) -> Result<(), Breach> {
        let spent = self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        spent.map(drop).map_err(|_| Breach::Log(self.bytes_allowed))
    }
}

/// Collects a stream into lines. Each stream has one of its own: lines of two streams that a program prints piece by
/// piece must not be mixed.
struct LineBuffer {
    log: RunLog,
    level: Level,
    unfinished: Mutex<Vec<u8>>,
}

impl LineBuffer {
    fn push(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            unfinished.extend_from_slice(part);
            if unfinished.ends_with(b"\n") {
                self.emit(&mem::take(&mut *unfinished));
            }
        }
    }

    fn emit(&self, line: &[u8]) {
        // Decoded here and not as it comes: a piece may end in the middle of a character.
        let text = String::from_utf8_lossy(line);
        self.log.emit(self.level, text.trim_end_matches(['\r', '\n']));
    }
}

impl Drop for LineBuffer {
    /// The last line may have no line end; it is what a panicking program prints last.
    fn drop(&mut self) {
        let unfinished = mem::take(self.unfinished.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.emit(&unfinished);
    }
}

/// A stream of the log, in the form that WASI wants.
#[derive(Clone)]
pub(super) struct LogStream(Arc<LineBuffer>);

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // For WASI 0.3 only. Extensions import 0.2, whose stream is `p2_stream`.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // Before the bytes are buffered: a line without end must not take the host's memory.
        self.0.log.spend(bytes.len()).map_err(|breach| StreamError::Trap(breach.into()))?;
        self.0.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        const MAX_WRITE_BYTES: usize = 64 * 1024;
        Ok(MAX_WRITE_BYTES)
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::{Arc, Breach, Bytes, Level, Log, Mutex, OutputStream, RunLog, StreamError, TracingLog};

    #[derive(Default)]
    struct CollectedLog(Mutex<Vec<String>>);

    impl Log for CollectedLog {
        fn line(&self, extension: &str, level: Level, line: &str) {
            self.0.lock().unwrap().push(format!("{extension} {level}: {line}"));
        }
    }

    #[test]
    fn what_is_printed_in_pieces_arrives_in_lines_of_either_stream() {
        let collected = Arc::new(CollectedLog::default());
        let log = RunLog::new("x".into(), Arc::clone(&collected) as Arc<dyn Log>, 100);
        let (mut stdout, mut stderr) = (log.stream(Level::Info), log.stream(Level::Warn));
        stdout.write(Bytes::from_static(b"one")).unwrap();
        stderr.write(Bytes::from_static(b"two\n\nthr")).unwrap();
        stdout.write(Bytes::from_static(b" more\r\nlast")).unwrap();
        assert_eq!(*collected.0.lock().unwrap(), ["x warn: two", "x info: one more"]);
        drop((stdout, stderr));
        assert_eq!(collected.0.lock().unwrap()[2..], ["x info: last", "x warn: thr"]);
    }

    #[test]
    fn both_streams_share_what_is_allowed() {
        let log = RunLog::new("x".into(), Arc::new(TracingLog), 5);
        let (mut stdout, mut stderr) = (log.stream(Level::Info), log.stream(Level::Warn));
        stdout.write(Bytes::from_static(b"abc")).unwrap();
        let error = stderr.write(Bytes::from_static(b"def")).unwrap_err();
        assert!(matches!(error, StreamError::Trap(why) if why.downcast_ref() == Some(&Breach::Log(5))));
    }
}
