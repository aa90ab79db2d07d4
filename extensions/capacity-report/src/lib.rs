//! Capacity report: what is mounted in the guest, what of it the backup holds, and how full the disks are. It only reads, and
//! prints a line for each, which the host keeps with the run.

use agentapi_extension::disks::{self, Disk};
use agentapi_extension::storage::{self, StorageMount};
use agentapi_extension::{Extension, Failure, info};
use serde::Serialize;
use serde_json::Value;

/// The extension.
pub struct CapacityReport;

impl Extension for CapacityReport {
    /// Not looked at: there is nothing to choose.
    type Input = Value;
    type Output = Report;

    fn run(_: Value) -> Result<Report, Failure> {
        let mounts = storage::mounts()?.mounts;
        let disks = disks::list()?.disks;
        mounts.iter().map(describe_mount).chain(disks.iter().map(describe_disk)).for_each(|line| info!("{line}"));
        Ok(Report::of(&mounts, &disks))
    }
}

agentapi_extension::export!(CapacityReport);

/// The extension's result.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    mounts: usize,
    /// How many of the mounts the guest's backup includes.
    in_backup: usize,
    disks: usize,
    /// Of all disks together.
    used_bytes: i64,
    total_bytes: i64,
}

impl Report {
    fn of(mounts: &[StorageMount], disks: &[Disk]) -> Self {
        Self {
            mounts: mounts.len(),
            in_backup: mounts.iter().filter(|mount| mount.backup).count(),
            disks: disks.len(),
            used_bytes: disks.iter().map(|disk| disk.used_bytes).fold(0, i64::saturating_add),
            total_bytes: disks.iter().map(|disk| disk.total_bytes).fold(0, i64::saturating_add),
        }
    }
}

fn describe_mount(mount: &StorageMount) -> String {
    let backup = if mount.backup { "in the backup" } else { "not in the backup" };
    format!("{} at {}: {backup}", mount.key, mount.mount_point)
}

fn describe_disk(disk: &Disk) -> String {
    format!("{}: {} of {} GB used", disk.name, disk.used_bytes / GIGABYTE, disk.total_bytes / GIGABYTE)
}

const GIGABYTE: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use agentapi_extension::disks::DiskRole;
    use agentapi_extension::storage::StorageClass;

    use super::{Disk, Report, StorageMount, describe_disk, describe_mount};

    fn mount(backup: bool) -> StorageMount {
        let [key, storage, mount_point] = ["media", "local-hdd", "/mnt/media"].map(str::to_owned);
        StorageMount { key, storage, mount_point, class: StorageClass::Slow, backup }
    }

    fn disk(used_bytes: i64, total_bytes: i64) -> Disk {
        let [kind, state, backing_device, mount_path, data_reason, durable_id] = [(); 6].map(|()| String::new());
        Disk {
            name: "sdb1".into(),
            kind,
            state,
            backing_device,
            mount_path,
            class: StorageClass::Unknown,
            role: DiskRole::UserData,
            data_bearing: true,
            data_reason,
            total_bytes,
            used_bytes,
            used_fraction: 0.0,
            durable_id,
        }
    }

    #[test]
    fn what_is_counted_and_said() {
        let report = Report::of(&[mount(true), mount(false)], &[disk(1, 2), disk(3, 4)]);
        assert_eq!(report, Report { mounts: 2, in_backup: 1, disks: 2, used_bytes: 4, total_bytes: 6 });
        assert_eq!(describe_mount(&mount(false)), "media at /mnt/media: not in the backup");
        assert_eq!(describe_disk(&disk(1_500_000_000, 4_000_000_000)), "sdb1: 1 of 4 GB used");
        assert_eq!(Report::of(&[], &[disk(i64::MAX, 1), disk(1, 1)]).used_bytes, i64::MAX);
    }
}
