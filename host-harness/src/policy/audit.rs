//! The audit: one line for each operation that an extension asked for, with its outcome.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use agentapi_quiesce::Parked;
use serde::Serialize;

use crate::policy::identity::Identity;

/// An operation that an extension asked for, and its outcome. Holds names and kinds, and so no secret.
///
/// A test of an [`Audit`] starts from the default and sets what matters to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When the operation began, in milliseconds since 1970.
    pub at_unix_ms: u128,
    /// The extension's name.
    pub extension: String,
    /// The SHA-256 of the extension's bytes, in hex.
    pub extension_sha256: String,
    /// The function, such as `backup.due`; `run` for the run as a whole.
    pub operation: String,
    /// `ok`, or the kind of error.
    pub outcome: String,
    /// How long it took.
    pub milliseconds: u128,
}

/// Receives an entry for each operation of an extension.
pub trait Audit: Send + Sync + 'static {
    /// Called after each operation, on the task that made it. The operation is done by then, so that an audit which
    /// cannot be written is reported in the log and stops nothing.
    fn record(&self, entry: &AuditEntry);
}

/// Appends entries to a file, as JSON Lines. Rotation is logrotate's: call [`reopen`](Self::reopen) on SIGHUP.
#[derive(Debug)]
pub struct AuditFile(Arc<Mutex<Writer>>);

/// The file, and the lines that wait while it must not be written to.
#[derive(Debug)]
struct Writer {
    path: PathBuf,
    file: File,
    /// How many freezes have parked it; lines are written while it is 0.
    parked: usize,
    /// Complete lines, in their order.
    waiting: Vec<u8>,
    /// Lines that found no room among the waiting ones.
    dropped: u64,
    /// Whether the name was to be opened anew meanwhile.
    is_rotated: bool,
}

/// Most bytes of lines that wait during a freeze: some ten thousand operations. What does not fit is counted, because
/// memory that grows until the thaw could end the process that is to thaw.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

impl AuditFile {
    /// Opens the file, creating it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened for appending.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = append_to(&path)?;
        let writer = Writer { path, file, parked: 0, waiting: Vec::new(), dropped: 0, is_rotated: false };
        Ok(Self(Arc::new(Mutex::new(writer))))
    }

    /// Continues in the file that has the name now. While it is parked, as soon as it is not.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; entries then go on into the old file.
    pub fn reopen(&self) -> io::Result<()> {
        let mut writer = lock(&self.0);
        if writer.parked > 0 {
            // Opening a file waits for the thaw as writing to one does.
            writer.is_rotated = true;
            return Ok(());
        }
        writer.file = append_to(&writer.path)?;
        Ok(())
    }

    /// Keeps entries in memory until the value is dropped, which the coordinator does after the thaw; then they are
    /// written. Nothing of the audit waits for a frozen disk in between.
    pub fn park(&self) -> Parked {
        lock(&self.0).parked += 1;
        Parked::until_dropped(Unpark(Arc::clone(&self.0)))
    }
}

/// Ends one parking when it is dropped.
struct Unpark(Arc<Mutex<Writer>>);

impl Drop for Unpark {
    fn drop(&mut self) {
        let mut writer = lock(&self.0);
        writer.parked = writer.parked.saturating_sub(1);
        if writer.parked == 0 {
            writer.resume();
        }
    }
}

impl Writer {
    fn take(&mut self, line: &[u8]) {
        if self.parked == 0 {
            return self.write(line);
        }
        if self.waiting.len() + line.len() > MAX_WAITING_BYTES {
            self.dropped += 1;
        } else {
            self.waiting.extend_from_slice(line);
        }
    }

    /// Writes what has waited, first of all into the file that the name meant then.
    fn resume(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.write(&waiting);
        }
        if self.dropped > 0 {
            tracing::error!(file = %self.path.display(), lines = self.dropped, "the audit lacks lines of a freeze");
            self.dropped = 0;
        }
        if std::mem::take(&mut self.is_rotated) {
            match append_to(&self.path) {
                Ok(file) => self.file = file,
                Err(why) => tracing::error!(file = %self.path.display(), error = %why, "the audit is not rotated"),
            }
        }
    }

    /// One write for whole lines: O_APPEND then keeps the lines of two processes apart.
    fn write(&mut self, lines: &[u8]) {
        if let Err(why) = self.file.write_all(lines) {
            tracing::error!(file = %self.path.display(), error = %why, "the audit cannot be written");
        }
    }
}

fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Audit for AuditFile {
    fn record(&self, entry: &AuditEntry) {
        match serde_json::to_string(entry) {
            Ok(line) => lock(&self.0).take(format!("{line}\n").as_bytes()),
            Err(why) => tracing::error!(error = %why, "an audit entry has no JSON"),
        }
    }
}

/// Makes the entries of one extension, for the audit that the controller set, if it set one.
#[derive(Clone)]
pub(super) struct AuditTrail {
    identity: Identity,
    audit: Option<Arc<dyn Audit>>,
}

impl AuditTrail {
    pub(super) fn new(identity: Identity, audit: Option<Arc<dyn Audit>>) -> Self {
        Self { identity, audit }
    }

    /// Records an operation that ends now.
    pub(super) fn record(&self, operation: &str, outcome: &str, started: Instant) {
        let Some(audit) = &self.audit else { return };
        let milliseconds = started.elapsed().as_millis();
        audit.record(&AuditEntry {
            // One reading of the wall clock, so that begin and duration agree even if the clock was set meanwhile.
            at_unix_ms: now_unix_ms().saturating_sub(milliseconds),
            extension: self.identity.name.to_string(),
            extension_sha256: self.identity.sha256.to_string(),
            operation: operation.into(),
            outcome: outcome.into(),
            milliseconds,
        });
    }
}

fn now_unix_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::{Audit, AuditEntry, AuditFile, MAX_WAITING_BYTES, lock};

    fn entry(operation: &str) -> AuditEntry {
        let [extension, extension_sha256, operation, outcome] = ["x", "ab", operation, "ok"].map(String::from);
        AuditEntry { at_unix_ms: 1, extension, extension_sha256, operation, outcome, milliseconds: 2 }
    }

    #[test]
    fn an_entry_is_a_line_and_a_rotated_file_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        audit.record(&entry("backup.due"));
        let line = r#"{"at_unix_ms":1,"extension":"x","extension_sha256":"ab","operation":"backup.due","outcome":"ok","milliseconds":2}"#;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{line}\n"));

        std::fs::rename(&path, dir.path().join("audit.1")).unwrap();
        audit.reopen().unwrap();
        audit.record(&entry("run"));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_comes_while_it_is_parked_is_written_afterwards_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        let (first, second) = (audit.park(), audit.park());
        audit.record(&entry("backup.start"));
        std::fs::rename(&path, dir.path().join("audit.1")).unwrap();
        audit.reopen().unwrap();
        audit.record(&entry("backup.status"));
        drop(first);
        assert_eq!(std::fs::read_to_string(dir.path().join("audit.1")).unwrap(), "", "one freeze still lasts");
        drop(second);
        let written = std::fs::read_to_string(dir.path().join("audit.1")).unwrap();
        let lines: Vec<_> = written.lines().collect();
        assert!(
            lines.len() == 2 && lines[0].contains("backup.start") && lines[1].contains("backup.status"),
            "{written}"
        );
        audit.record(&entry("run"));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1, "rotated as asked for");
    }

    #[test]
    fn what_waits_is_bounded_and_what_does_not_fit_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditFile::open(dir.path().join("audit.jsonl")).unwrap();
        let parked = audit.park();
        let long = entry(&"x".repeat(MAX_WAITING_BYTES / 2));
        (0..3).for_each(|_| audit.record(&long));
        assert_eq!(lock(&audit.0).dropped, 2);
        assert!(lock(&audit.0).waiting.len() <= MAX_WAITING_BYTES);
        drop(parked);
        audit.record(&entry("run"));
        assert_eq!(std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap().lines().count(), 2);
    }
}
