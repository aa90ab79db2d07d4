//! The audit: one line for each operation that an extension asked for, and what came of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What an extension asked for, and what came of it. Holds names and kinds, and so no secret.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// When it began: milliseconds since 1970.
    pub at_unix_ms: u128,
    /// The extension's name.
    pub extension: String,
    /// The SHA-256 of the extension, in hex.
    pub extension_sha256: String,
    /// The function, such as `backup.due`; `run` for the run as a whole.
    pub operation: String,
    /// `ok`, or the kind of error.
    pub outcome: String,
    /// How long it took.
    pub milliseconds: u128,
}

/// Takes entries down.
pub trait Audit: Send + Sync + 'static {
    /// Called after each operation. An audit that fails says so in the log; it does not stop the operation, which is done.
    fn record(&self, entry: &AuditEntry);
}

/// Entries as JSON Lines at the end of a file. Rotation is logrotate's: call [`reopen`](Self::reopen) on SIGHUP.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl AuditFile {
    /// Opens the file, making it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened for appending.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = Mutex::new(append_to(&path)?);
        Ok(Self { path, file })
    }

    /// Goes on in the file that now has the name.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; the old file is kept then.
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
            // One write for a line: two processes that append do not mix theirs.
            file.write_all(format!("{line}\n").as_bytes())
        });
        if let Err(why) = written {
            tracing::error!(file = %self.path.display(), error = %why, "the audit cannot be written");
        }
    }
}

pub(super) fn now_unix_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn append_to(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

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
