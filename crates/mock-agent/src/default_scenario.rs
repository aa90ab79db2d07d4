//! The scenario of a mock agent that is given none: one of everything that a client must tell apart.
//!
//! The example file beside this one holds the same values; a test of [`Scenario`] compares the two.

use std::collections::BTreeMap;

use crate::inventory::{Disk, HostMetrics, Mount, Role, Smart, StorageTarget, ThinPool};
use crate::scenario::{BackupScenario, LatestBackup, Scenario};

impl Default for Scenario {
    fn default() -> Self {
        Self {
            vmid: 101,
            token: None,
            host_scope: "host-7f3a".to_owned(),
            backup: BackupScenario::default(),
            mounts: vec![
                mount("appdata", "local-nvme", "fast"),
                mount("media", "local-hdd", "slow"),
                Mount { backup: false, ..mount("scratch", "shared-nfs", "") },
            ],
            disks: vec![system_disk(), backup_disk(), media_disk(), blank_disk()],
            dependent_guests: BTreeMap::from([("/mnt/felhom/media".to_owned(), vec![101, 104])]),
            host: host(),
            storage_targets: vec![local_lvm(), local_hdd(), usb(), shared_nfs()],
            faults: Vec::new(),
        }
    }
}

impl Default for BackupScenario {
    fn default() -> Self {
        Self {
            due: true,
            reason: "last backup 26h ago, policy daily".to_owned(),
            latest: LatestBackup::Idle,
            duration_ms: 2000,
            failure: String::new(),
        }
    }
}

fn mount(key: &str, storage: &str, class: &str) -> Mount {
    Mount {
        key: key.to_owned(),
        storage: storage.to_owned(),
        mount_point: format!("/mnt/felhom/{key}"),
        class: class.to_owned(),
        backup: true,
    }
}

fn system_disk() -> Disk {
    Disk {
        name: "root".to_owned(),
        kind: "nvme".to_owned(),
        state: "mounted".to_owned(),
        backing_device: "/dev/nvme0n1p3".to_owned(),
        mount_path: "/".to_owned(),
        class: "fast".to_owned(),
        role: Role::System,
        data_bearing: true,
        data_reason: "holds the running system".to_owned(),
        total_bytes: 512_110_190_592,
        used_bytes: 128_027_547_648,
        used_fraction: 0.25,
        durable_id: "byid:nvme-Samsung_SSD_970_PRO_512GB_S463NF0M".to_owned(),
    }
}

fn backup_disk() -> Disk {
    Disk {
        name: "usb-backup".to_owned(),
        kind: "usb".to_owned(),
        state: "mounted".to_owned(),
        backing_device: "/dev/sdb1".to_owned(),
        mount_path: "/mnt/felhom/usb-backup".to_owned(),
        class: "slow".to_owned(),
        role: Role::Backup,
        data_bearing: true,
        data_reason: "backup archives present".to_owned(),
        total_bytes: 2_000_398_934_016,
        used_bytes: 1_500_299_200_512,
        used_fraction: 0.75,
        durable_id: "byid:ata-WDC_WD20EFRX-68EUZN0_WD-1".to_owned(),
    }
}

fn media_disk() -> Disk {
    Disk {
        name: "media".to_owned(),
        kind: "sata".to_owned(),
        state: "mounted".to_owned(),
        backing_device: "/dev/sdc1".to_owned(),
        mount_path: "/mnt/felhom/media".to_owned(),
        class: "slow".to_owned(),
        role: Role::UserData,
        data_bearing: true,
        data_reason: "ext4 filesystem".to_owned(),
        total_bytes: 4_000_787_030_016,
        used_bytes: 2_000_393_515_008,
        used_fraction: 0.5,
        durable_id: "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10".to_owned(),
    }
}

fn blank_disk() -> Disk {
    Disk {
        name: "spare".to_owned(),
        kind: "usb".to_owned(),
        state: "available".to_owned(),
        backing_device: "/dev/sdd1".to_owned(),
        role: Role::UserData,
        total_bytes: 1_000_204_886_016,
        durable_id: "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33".to_owned(),
        ..Disk::default()
    }
}

fn host() -> HostMetrics {
    HostMetrics {
        node: "pve".to_owned(),
        cpu_percent: 12.5,
        memory_total_bytes: 16_655_212_544,
        memory_used_bytes: 8_327_606_272,
        memory_percent: 50.0,
        disk_total_bytes: 100_861_726_720,
        disk_used_bytes: 25_215_431_680,
        disk_percent: 25.0,
        loadavg: ["0.42", "0.37", "0.30"].map(str::to_owned).into(),
        uptime_seconds: 1_234_567,
        cpu_temp_c: Some(47),
    }
}

fn local_lvm() -> StorageTarget {
    StorageTarget {
        name: "local-lvm".to_owned(),
        kind: "lvmthin".to_owned(),
        state: "available".to_owned(),
        reachable: true,
        total_bytes: 850_000_000_000,
        used_bytes: 425_000_000_000,
        avail_bytes: 425_000_000_000,
        used_fraction: 0.5,
        content: "images,rootdir".to_owned(),
        mount_path: String::new(),
        class_hint: "fast".to_owned(),
        thin_pool: Some(ThinPool { data_used_fraction: 0.5, metadata_used_fraction: Some(0.0325) }),
        smart: Some(Smart { health: "PASSED".to_owned(), temperature_c: Some(38), percentage_used: Some(3) }),
    }
}

fn local_hdd() -> StorageTarget {
    StorageTarget {
        name: "local-hdd".to_owned(),
        kind: "lvmthin".to_owned(),
        state: "available".to_owned(),
        reachable: true,
        total_bytes: 4_000_787_030_016,
        used_bytes: 3_600_708_327_014,
        avail_bytes: 400_078_703_002,
        used_fraction: 0.9,
        content: "images,backup".to_owned(),
        mount_path: "/mnt/pve/local-hdd".to_owned(),
        class_hint: "slow".to_owned(),
        thin_pool: Some(ThinPool { data_used_fraction: 0.9, metadata_used_fraction: None }),
        smart: Some(Smart { health: "FAILING".to_owned(), temperature_c: Some(51), percentage_used: None }),
    }
}

fn usb() -> StorageTarget {
    StorageTarget {
        name: "usb".to_owned(),
        kind: "dir".to_owned(),
        state: "available".to_owned(),
        reachable: true,
        total_bytes: 2_000_398_934_016,
        used_bytes: 1_500_299_200_512,
        avail_bytes: 500_099_733_504,
        used_fraction: 0.75,
        content: "backup".to_owned(),
        mount_path: "/mnt/pve/usb".to_owned(),
        class_hint: "slow".to_owned(),
        thin_pool: None,
        smart: Some(Smart { health: "UNKNOWN".to_owned(), temperature_c: None, percentage_used: None }),
    }
}

fn shared_nfs() -> StorageTarget {
    StorageTarget {
        name: "shared-nfs".to_owned(),
        kind: "nfs".to_owned(),
        state: "offline".to_owned(),
        content: "iso,vztmpl".to_owned(),
        mount_path: "/mnt/pve/shared-nfs".to_owned(),
        ..StorageTarget::default()
    }
}
