//! The audit's file: JSON Lines, rotated from outside, kept in memory while something is frozen.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentapi_quiesce::Parked;

use crate::policy::audit::Audit;
use crate::policy::audit::entry::AuditEntry;
use crate::policy::audit::writer::{Writer, json_line};

/// Appends entries to a file, as JSON Lines: [`AuditEntry`] describes them. Rotation is logrotate's: call
/// [`reopen`](Self::reopen) on SIGHUP.
///
/// A file that is created may be read by its owner only (mode 0600). One that exists keeps its mode, so that whoever
/// prepares it decides who reads it; with logrotate that is its `create` directive.
///
/// An entry is written before [`record`](Audit::record) returns, and not synced: it survives the process, not a power
/// cut. Lines that were lost, because there was no room for them during a freeze or on the disk, are counted by a line of
/// the file's own as soon as it can be written:
///
/// ```json
/// {"event":"dropped","at_unix_ms":1764183600000,"lines":412}
/// ```
#[derive(Debug)]
pub struct AuditFile(Arc<Mutex<Writer>>);

impl AuditFile {
    /// Opens the file, creating it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened for appending.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Writer::open(path.into())?))))
    }

    /// Continues in the file that has the name now. While it is parked, as soon as it is not.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; entries then go on into the old file.
    pub fn reopen(&self) -> io::Result<()> {
        lock(&self.0).reopen()
    }

    /// Keeps entries in memory until the value is dropped, which the coordinator does after the thaw; then they are
    /// written. Nothing of the audit waits for a frozen disk in between. A process that is killed meanwhile loses them; that
    /// there was a freeze is in the journal.
    pub fn park(&self) -> Parked {
        lock(&self.0).park();
        Parked::until_dropped(Unpark(Arc::clone(&self.0)))
    }
}

/// Ends one parking when it is dropped.
struct Unpark(Arc<Mutex<Writer>>);

impl Drop for Unpark {
    fn drop(&mut self) {
        lock(&self.0).unpark();
    }
}

fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Audit for AuditFile {
    fn record(&self, entry: &AuditEntry) {
        if let Some(line) = json_line(entry) {
            lock(&self.0).take(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use serde_json::Value;

    use super::{Audit, AuditEntry, AuditFile};
    use crate::policy::audit::writer::MAX_WAITING_BYTES;
    use crate::policy::audit::{
        AuditApproval, AuditBackup, AuditConsistency, AuditEnd, AuditEvent, AuditOutcome, AuditTarget,
    };

    fn entry(operation: &str) -> AuditEntry {
        let [extension, extension_sha256, run, operation] = ["x", "ab", "r", operation].map(String::from);
        AuditEntry { at_unix_ms: 1, extension, extension_sha256, run, id: 2, operation, ..AuditEntry::default() }
    }

    #[test]
    fn an_entry_is_a_line_and_a_rotated_file_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        audit.record(&entry("backup.due"));
        let line = r#"{"at_unix_ms":1,"extension":"x","extension_sha256":"ab","run":"r","id":2,"operation":"backup.due","event":"begin"}"#;
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{line}\n"));

        fs::rename(&path, dir.path().join("audit.1")).unwrap();
        audit.reopen().unwrap();
        audit.record(&entry("run"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn an_end_is_flat_and_has_what_is_known() {
        let some = |text: &str| Some(text.to_owned());
        let target = AuditTarget { device: some("/dev/sdc1"), durable_id: some("uuid:1"), ..AuditTarget::default() };
        let backup = AuditBackup { job_id: some("bk-1"), phase: some("failed"), reason: some("no space") };
        let end = AuditEnd {
            outcome: AuditOutcome::Failed("agent"),
            approval: Some(AuditApproval::Approved { by: some("alice") }),
            guest: Some(101),
            backup: Some(backup),
            consistency: Some(AuditConsistency::Crash { reason: "the lease ended".into() }),
            milliseconds: 3,
            ..AuditEnd::default()
        };
        let json = serde_json::to_string(&AuditEntry { target, event: AuditEvent::End(end), ..entry("run") }).unwrap();
        let expected = r#""target":{"device":"/dev/sdc1","durable_id":"uuid:1"},"event":"end","outcome":"agent","approval":"approved","by":"alice","guest":101,"backup":{"job_id":"bk-1","phase":"failed","reason":"no space"},"consistency":"crash","consistency_reason":"the lease ended","milliseconds":3}"#;
        assert!(json.ends_with(expected), "{json}");

        let repeated = AuditEvent::Repeated { times: 412, last_unix_ms: 9 };
        let json = serde_json::to_string(&AuditEntry { event: repeated, ..entry("run") }).unwrap();
        assert!(json.ends_with(r#""event":"repeated","times":412,"last_unix_ms":9}"#), "{json}");
        let decided = AuditEvent::Decided(AuditApproval::Unanswered);
        let json = serde_json::to_string(&AuditEntry { event: decided, ..entry("run") }).unwrap();
        assert!(json.ends_with(r#""event":"decided","approval":"unanswered"}"#), "{json}");
    }

    #[test]
    fn what_comes_while_it_is_parked_is_written_afterwards_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        let (first, second) = (audit.park(), audit.park());
        audit.record(&entry("backup.start"));
        fs::rename(&path, dir.path().join("audit.1")).unwrap();
        audit.reopen().unwrap();
        audit.record(&entry("backup.status"));
        drop(first);
        assert_eq!(fs::read_to_string(dir.path().join("audit.1")).unwrap(), "", "one freeze still lasts");
        drop(second);
        let written = fs::read_to_string(dir.path().join("audit.1")).unwrap();
        let lines: Vec<_> = written.lines().collect();
        assert!(
            lines.len() == 2 && lines[0].contains("backup.start") && lines[1].contains("backup.status"),
            "{written}"
        );
        audit.record(&entry("run"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1, "rotated as asked for");
    }

    #[test]
    fn what_waits_is_bounded_and_a_line_counts_what_does_not_fit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        let parked = audit.park();
        let long = entry(&"x".repeat(MAX_WAITING_BYTES / 2));
        (0..3).for_each(|_| audit.record(&long));
        drop(parked);
        audit.record(&entry("run"));
        let written = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[1]["event"], &lines[1]["lines"]), (&"dropped".into(), &2.into()));
        assert!(written.len() <= MAX_WAITING_BYTES);
    }

    #[test]
    fn what_a_full_disk_swallowed_is_counted_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        symlink("/dev/full", &path).unwrap();
        let audit = AuditFile::open(&path).unwrap();
        (0..3).for_each(|_| audit.record(&entry("backup.due")));
        fs::remove_file(&path).unwrap();
        audit.reopen().unwrap();
        (0..2).for_each(|_| audit.record(&entry("run")));
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written.lines().count(), 3, "{written}");
        assert!(written.starts_with(r#"{"event":"dropped","at_unix_ms":"#) && written.contains(r#","lines":3}"#));
    }

    #[test]
    fn a_file_that_it_creates_is_its_owners_and_one_that_exists_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        drop(AuditFile::open(&path).unwrap());
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        drop(AuditFile::open(&path).unwrap());
        assert_eq!(mode(), 0o640);
    }
}
