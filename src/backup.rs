//! The interface `backup`: backups of this guest.

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::backup::Guest;
use crate::bindings::felhom::agentapi::types::{BackupDue, BackupJob, BackupPhase, BackupStatus, Error};
use crate::envelope;
use crate::json::{record, variant};

impl Guest for Component {
    fn due() -> Result<BackupDue, Error> {
        envelope::get(Route::BackupDue)
    }

    fn start() -> Result<BackupJob, Error> {
        // It takes no arguments, but the agent expects a JSON body of every POST.
        envelope::post(Route::StartBackup, b"{}")
    }

    fn status() -> Result<BackupStatus, Error> {
        envelope::get(Route::BackupStatus)
    }
}

variant! {
    BackupPhase {
        "idle" => Idle,
        "running" => Running,
        "done" => Done,
        "failed" => Failed,
    }
}

record! {
    /// Source: data of GET /backup/due.
    BackupDue {
        "vmid" => vmid: Int,
        "due" => due: Flag,
        "reason" => reason: Text,
    }
}

record! {
    /// Source: data of POST /backup.
    BackupJob {
        "vmid" => vmid: Int,
        "job_id" => job_id: Text,
        "phase" => phase: Variant,
    }
}

record! {
    /// Source: data of GET /backup/status.
    BackupStatus {
        "vmid" => vmid: Int,
        "phase" => phase: Variant,
        "job_id" => job_id: Text,
        "error" => error: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::decode_data;
    use crate::json::Variant;

    #[test]
    fn every_field_is_read() {
        let due = decode_data::<BackupDue>(r#"{"vmid":101,"due":true,"reason":"last backup 26h ago"}"#);
        assert_eq!((due.vmid, due.due, &*due.reason), (101, true, "last backup 26h ago"));
        let job = decode_data::<BackupJob>(r#"{"vmid":101,"job_id":"bk-1","phase":"running"}"#);
        assert!(matches!(job.phase, BackupPhase::Running));
        assert_eq!((job.vmid, &*job.job_id), (101, "bk-1"));
        let status =
            decode_data::<BackupStatus>(r#"{"vmid":101,"phase":"failed","job_id":"bk-1","error":"disk full"}"#);
        assert!(matches!(status.phase, BackupPhase::Failed));
        assert_eq!((&*status.job_id, &*status.error), ("bk-1", "disk full"));
    }

    #[test]
    fn what_is_missing_is_zero() {
        assert!(!decode_data::<BackupDue>("null").due);
        assert_eq!(decode_data::<BackupJob>("{}").job_id, "");
        assert!(matches!(decode_data::<BackupStatus>("{}").phase, BackupPhase::Other(text) if text.is_empty()));
    }

    #[test]
    fn a_phase_that_is_not_known_keeps_its_text() {
        assert!(matches!(BackupPhase::from_text("idle"), BackupPhase::Idle));
        assert!(matches!(BackupPhase::from_text("done"), BackupPhase::Done));
        assert!(matches!(BackupPhase::from_text("paused"), BackupPhase::Other(text) if text == "paused"));
    }
}
