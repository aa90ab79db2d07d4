//! Backups of this guest.

use alloc::string::{String, ToString};

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::backup::Guest;
use crate::bindings::felhom::agentapi::types::{BackupDue, BackupJob, BackupPhase, BackupStatus, Error};
use crate::envelope;
use crate::json::{Field, Named, Record};

impl Guest for Component {
    fn due() -> Result<BackupDue, Error> {
        envelope::get(Route::BackupDue)
    }

    fn start() -> Result<BackupJob, Error> {
        envelope::post(Route::StartBackup, b"{}")
    }

    fn status() -> Result<BackupStatus, Error> {
        envelope::get(Route::BackupStatus)
    }
}

impl Named for BackupPhase {
    fn set(&mut self, text: &str) {
        *self = match text {
            "idle" => BackupPhase::Idle,
            "running" => BackupPhase::Running,
            "done" => BackupPhase::Done,
            "failed" => BackupPhase::Failed,
            _ => BackupPhase::Other(text.to_string()),
        };
    }
}

/// Source: data of GET /backup/due.
impl Record for BackupDue {
    fn zero() -> Self {
        BackupDue { vmid: 0, due: false, reason: String::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "due" => Field::Flag(&mut self.due),
            "reason" => Field::Text(&mut self.reason),
            _ => return None,
        })
    }
}

/// Source: data of POST /backup.
impl Record for BackupJob {
    fn zero() -> Self {
        BackupJob { vmid: 0, job_id: String::new(), phase: BackupPhase::Other(String::new()) }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "job_id" => Field::Text(&mut self.job_id),
            "phase" => Field::Name(&mut self.phase),
            _ => return None,
        })
    }
}

/// Source: data of GET /backup/status.
impl Record for BackupStatus {
    fn zero() -> Self {
        BackupStatus { vmid: 0, phase: BackupPhase::Other(String::new()), job_id: String::new(), error: String::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "phase" => Field::Name(&mut self.phase),
            "job_id" => Field::Text(&mut self.job_id),
            "error" => Field::Text(&mut self.error),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::named;
    use crate::transport::Answer;

    fn read<T: Record>(data: &str) -> T {
        let body = format!(r#"{{"ok":true,"data":{data}}}"#).into_bytes();
        envelope::record(Route::BackupDue, &Answer { status: 200, body }).unwrap()
    }

    #[test]
    fn every_field_is_read() {
        let due = read::<BackupDue>(r#"{"vmid":101,"due":true,"reason":"last backup 26h ago"}"#);
        assert_eq!((due.vmid, due.due, &*due.reason), (101, true, "last backup 26h ago"));
        let job = read::<BackupJob>(r#"{"vmid":101,"job_id":"bk-1","phase":"running"}"#);
        assert!(matches!(job.phase, BackupPhase::Running));
        assert_eq!((job.vmid, &*job.job_id), (101, "bk-1"));
        let status = read::<BackupStatus>(r#"{"vmid":101,"phase":"failed","job_id":"bk-1","error":"disk full"}"#);
        assert!(matches!(status.phase, BackupPhase::Failed));
        assert_eq!((&*status.job_id, &*status.error), ("bk-1", "disk full"));
    }

    #[test]
    fn what_is_missing_is_zero() {
        assert!(!read::<BackupDue>("null").due);
        assert_eq!(read::<BackupJob>("{}").job_id, "");
        assert!(matches!(read::<BackupStatus>("{}").phase, BackupPhase::Other(text) if text.is_empty()));
    }

    #[test]
    fn a_phase_that_is_not_known_keeps_its_text() {
        assert!(matches!(named(BackupPhase::Idle, "idle"), BackupPhase::Idle));
        assert!(matches!(named(BackupPhase::Idle, "done"), BackupPhase::Done));
        assert!(matches!(named(BackupPhase::Idle, "paused"), BackupPhase::Other(text) if text == "paused"));
    }
}
