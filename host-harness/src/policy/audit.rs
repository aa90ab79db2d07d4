//! The audit: one line for each operation that an extension asked for, with its outcome.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
pub struct AuditFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl AuditFile {
    /// Opens the file, creating it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened for appending.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = Mutex::new(append_to(&path)?);
        Ok(Self { path, file })
    }

    /// Continues in the file that has the name now.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; entries then go on into the old file.
    pub fn reopen(&self) -> io::Result<()> {
        let file = append_to(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl Audit for AuditFile {
    fn record(&self, entry: &AuditEntry) {
        let written = serde_json::to_string(entry).map_err(io::Error::other).and_then(|line| {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // One write for a line, its end included: O_APPEND then keeps the lines of two processes apart.
            file.write_all(format!("{line}\n").as_bytes())
        });
        if let Err(why) = written {
            tracing::error!(file = %self.path.display(), error = %why, "the audit cannot be written");
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
    use super::{Audit, AuditEntry, AuditFile};

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
}
