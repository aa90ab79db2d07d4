//! What an extension is answered in a dry run, where it reads as ever and everything that acts is only recorded.
//!
//! | call | answer |
//! | --- | --- |
//! | `backup.start` | a job `dry-run-1`, running; from then on `backup.status` says that it is done |
//! | `disks.assign`, `disks.eject` | done |
//! | `disks.format` | by what the agent lists of the disk: refused for the operator's disks, confirmation needed for the customer's data, else formatted. Nobody is asked |
//! | `quiesce.freeze`, `quiesce.thaw` | done; the report says `crash`, because nothing stood still |
//! | `state.set`, `state.delete` | done, and forgotten when the run ends |
//! | `notify.send`, `notify.clear` | taken, and nobody is told |

use std::time::Duration;

use agentapi_quiesce::{NotFrozen, QuiesceError};

use crate::error::Error;
use crate::policy::bindings::felhom::agentapi::quiesce::{Consistency, FreezeEnd, FreezeReport};
use crate::records::{
    BackupJob, BackupPhase, BackupStatus, Disk, DiskList, DiskRole, EjectResult, FormatRequest, FormatResult, PendingOp,
};

/// What a dry run was asked to do.
#[derive(Debug, Default)]
pub(super) struct DryRun {
    backups: u32,
    frozen: Frozen,
}

#[derive(Clone, Copy, Debug, Default)]
enum Frozen {
    #[default]
    Never,
    /// By the run's clock.
    Since(Duration),
    Thawed,
}

impl DryRun {
    pub(super) fn start_backup(&mut self) -> BackupJob {
        self.backups += 1;
        BackupJob { job_id: self.job_id(), phase: BackupPhase::Running, ..BackupJob::default() }
    }

    /// The status of the backup that was started here; none if none was.
    pub(super) fn backup_status(&self) -> Option<BackupStatus> {
        (self.backups > 0).then(|| BackupStatus {
            phase: BackupPhase::Done,
            job_id: self.job_id(),
            ..BackupStatus::default()
        })
    }

    fn job_id(&self) -> String {
        format!("dry-run-{}", self.backups)
    }

    pub(super) fn eject(&self, mounted_at: &str) -> EjectResult {
        EjectResult { ejected: mounted_at.into(), ..EjectResult::default() }
    }

    /// By the same rules as the agent, from what it lists.
    pub(super) fn format(list: &DiskList, request: &FormatRequest) -> Result<FormatResult, Error> {
        let Some(disk) = list.disks.iter().find(|disk| disk.backing_device == request.device) else {
            return Err(Error::InvalidArgument(format!("the agent lists no disk {}", request.device)));
        };
        let result = described(list.vmid, disk, request);
        let is_operators = matches!(disk.role, DiskRole::System | DiskRole::Backup);
        match &request.confirmation {
            _ if is_operators => Err(Error::FormatRefused(Box::new(refused(result, disk, request)))),
            Some(confirmed) if *confirmed == disk.durable_id => Ok(FormatResult { formatted: true, ..result }),
            _ if disk.data_bearing => {
                Err(Error::NeedsConfirmation(Box::new(FormatResult { needs_confirmation: true, ..result })))
            }
            _ => Ok(FormatResult { formatted: true, ..result }),
        }
    }

    pub(super) fn freeze(&mut self, now: Duration) -> Result<(), QuiesceError> {
        if matches!(self.frozen, Frozen::Since(_)) {
            return Err(QuiesceError::AlreadyFrozen);
        }
        self.frozen = Frozen::Since(now);
        Ok(())
    }

    pub(super) fn thaw(&mut self, now: Duration) -> Result<FreezeReport, QuiesceError> {
        let since = match self.frozen {
            Frozen::Since(since) => since,
            Frozen::Never => return Err(NotFrozen::Never.into()),
            Frozen::Thawed => return Err(NotFrozen::Thawed.into()),
        };
        self.frozen = Frozen::Thawed;
        let frozen_ms = u64::try_from(now.saturating_sub(since).as_millis()).unwrap_or(u64::MAX);
        let consistency = Consistency::Crash("a dry run freezes nothing".into());
        Ok(FreezeReport { ended_by: FreezeEnd::Thaw, frozen_ms, consistency })
    }
}

fn described(vmid: i64, disk: &Disk, request: &FormatRequest) -> FormatResult {
    FormatResult {
        vmid,
        device: request.device.clone(),
        data_bearing: disk.data_bearing,
        reason: disk.data_reason.clone(),
        role: disk.role.clone(),
        durable_id: disk.durable_id.clone(),
        ..FormatResult::default()
    }
}

fn refused(result: FormatResult, disk: &Disk, request: &FormatRequest) -> FormatResult {
    let pending_op = PendingOp {
        op: "storage_wipe".into(),
        durable_id: disk.durable_id.clone(),
        fstype: request.fstype.clone(),
        ..PendingOp::default()
    };
    FormatResult { data_bearing: true, pending_op: Some(pending_op), ..result }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(role: DiskRole, data_bearing: bool, confirmation: Option<&str>) -> Result<FormatResult, Error> {
        let [device, id] = ["/dev/sdb1", "uuid:1"].map(str::to_owned);
        let disk = Disk { backing_device: device.clone(), durable_id: id, role, data_bearing, ..Disk::default() };
        let request = FormatRequest { device, fstype: "ext4".into(), confirmation: confirmation.map(str::to_owned) };
        DryRun::format(&DiskList { vmid: 101, disks: vec![disk] }, &request)
    }

    #[test]
    fn a_format_is_answered_by_what_the_disk_is() {
        assert!(format(DiskRole::UserData, false, None).unwrap().formatted);
        assert!(format(DiskRole::UserData, true, Some("uuid:1")).unwrap().formatted);
        for confirmation in [None, Some("uuid:2")] {
            let error = format(DiskRole::UserData, true, confirmation).unwrap_err();
            assert!(matches!(error, Error::NeedsConfirmation(result) if result.durable_id == "uuid:1"));
        }
        for role in [DiskRole::System, DiskRole::Backup] {
            let error = format(role, true, Some("uuid:1")).unwrap_err();
            assert!(matches!(error, Error::FormatRefused(result) if result.pending_op.is_some()));
        }
        let none = DryRun::format(&DiskList::default(), &FormatRequest::default()).unwrap_err();
        assert!(matches!(none, Error::InvalidArgument(_)));
    }

    #[test]
    fn a_freeze_follows_the_contract_although_nothing_is_frozen() {
        let mut run = DryRun::default();
        let second = Duration::from_secs(1);
        assert!(matches!(run.thaw(second), Err(QuiesceError::NotFrozen(NotFrozen::Never))));
        run.freeze(second).unwrap();
        assert!(matches!(run.freeze(second), Err(QuiesceError::AlreadyFrozen)));
        let report = run.thaw(3 * second).unwrap();
        assert_eq!(report.frozen_ms, 2000);
        assert!(matches!(report.consistency, Consistency::Crash(_)));
        assert!(matches!(run.thaw(second), Err(QuiesceError::NotFrozen(NotFrozen::Thawed))));
    }

    #[test]
    fn a_backup_that_was_said_to_begin_is_said_to_be_done() {
        let mut run = DryRun::default();
        assert!(run.backup_status().is_none());
        let job = run.start_backup();
        let status = run.backup_status().unwrap();
        assert_eq!((job.job_id, status.phase), (status.job_id, BackupPhase::Done));
    }
}
