//! What an extension prints: line by line to whoever listens, as much as is allowed.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::limits::Breach;

/// Takes the lines that extensions print.
pub trait Log: Send + Sync + 'static {
    /// Called for each line of stdout and stderr, as it was printed: escape it before it is shown on a terminal.
    fn line(&self, extension: &str, line: &str);
}

/// Lines to `tracing`, at level info, with the extension's name. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced;

impl Log for Traced {
    fn line(&self, extension: &str, line: &str) {
        tracing::info!(extension, "{}", line.escape_debug());
    }
}

/// stdout and stderr of one run, which share what is allowed.
#[derive(Clone)]
pub(super) struct Printed {
    extension: Arc<str>,
    log: Arc<dyn Log>,
    left: Arc<AtomicUsize>,
    allowed: usize,
}

impl Printed {
    pub(super) fn new(extension: Arc<str>, log: Arc<dyn Log>, allowed: usize) -> Self {
        Self { extension, log, left: Arc::new(allowed.into()), allowed }
    }

    /// One of the two streams.
    pub(super) fn stream(&self) -> Stream {
        Stream(Arc::new(Lines { printed: self.clone(), unfinished: Mutex::default() }))
    }
}

/// Lines as they come: a program may print them in pieces.
struct Lines {
    printed: Printed,
    unfinished: Mutex<Vec<u8>>,
}

impl Lines {
    fn take(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            unfinished.extend_from_slice(part);
            if unfinished.ends_with(b"\n") {
                self.tell(&mem::take(&mut *unfinished));
            }
        }
    }

    fn tell(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        if !text.is_empty() {
            self.printed.log.line(&self.printed.extension, text);
        }
    }
}

impl Drop for Lines {
    /// The last line may have no end.
    fn drop(&mut self) {
        let unfinished = mem::take(self.unfinished.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.tell(&unfinished);
    }
}

/// A stream as WASI has it.
#[derive(Clone)]
pub(super) struct Stream(Arc<Lines>);

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let Printed { left, allowed, .. } = &self.0.printed;
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes.len()));
        if taken.is_err() {
            return Err(StreamError::Trap(Breach::Log(*allowed).into()));
        }
        self.0.take(&bytes);
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
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Log for Kept {
        fn line(&self, extension: &str, line: &str) {
            self.0.lock().unwrap().push(format!("{extension}: {line}"));
        }
    }

    #[test]
    fn what_is_printed_in_pieces_is_told_in_lines_of_either_stream() {
        let kept = Arc::new(Kept::default());
        let printed = Printed::new("x".into(), Arc::clone(&kept) as Arc<dyn Log>, 100);
        let (mut stdout, mut stderr) = (printed.stream(), printed.stream());
        stdout.write(Bytes::from_static(b"one")).unwrap();
        stderr.write(Bytes::from_static(b"two\n\nthr")).unwrap();
        stdout.write(Bytes::from_static(b" more\r\nlast")).unwrap();
        assert_eq!(*kept.0.lock().unwrap(), ["x: two", "x: one more"]);
        drop((stdout, stderr));
        assert_eq!(kept.0.lock().unwrap()[2..], ["x: last", "x: thr"]);
    }

    #[test]
    fn both_streams_share_what_is_allowed() {
        let printed = Printed::new("x".into(), Arc::new(Traced), 5);
        let (mut stdout, mut stderr) = (printed.stream(), printed.stream());
        stdout.write(Bytes::from_static(b"abc")).unwrap();
        let error = stderr.write(Bytes::from_static(b"def")).unwrap_err();
        assert!(matches!(error, StreamError::Trap(why) if why.downcast_ref() == Some(&Breach::Log(5))));
    }
}
