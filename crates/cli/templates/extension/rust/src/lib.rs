//! Which disks are fuller than a threshold.

use agentapi_extension::disks::{self, Disk};
use agentapi_extension::{Extension, Failure, warn};
use serde::{Deserialize, Serialize};

/// What whoever runs it may set. A misspelt key is refused, with the field, what was expected and what was found.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How full a disk may be: 0 to 1.
    threshold: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threshold: 0.9 }
    }
}

/// The result of a run.
#[derive(Serialize)]
pub struct Report {
    threshold: f64,
    /// The names of the disks that are fuller.
    full: Vec<String>,
}

/// The extension.
pub struct FullDisks;

impl Extension for FullDisks {
    type Input = Settings;
    type Output = Report;

    fn run(Settings { threshold }: Settings) -> Result<Report, Failure> {
        let disks = disks::list()?.disks;
        let full = fuller_than(threshold, &disks);
        for disk in &full {
            warn!("{} is {:.0} % full", disk.name, disk.used_fraction * 100.0);
        }
        Ok(Report { threshold, full: full.into_iter().map(|disk| disk.name.clone()).collect() })
    }
}

agentapi_extension::export!(FullDisks);

/// A disk whose size is 0 has one that the agent does not know, and a fraction that says nothing.
fn fuller_than(threshold: f64, disks: &[Disk]) -> Vec<&Disk> {
    disks.iter().filter(|disk| disk.total_bytes > 0 && disk.used_fraction > threshold).collect()
}

#[cfg(test)]
mod tests {
    use agentapi_extension::disks::DiskRole;
    use agentapi_extension::storage::StorageClass;

    use super::*;

    fn disk(name: &str, total_bytes: i64, used_fraction: f64) -> Disk {
        Disk {
            name: name.into(),
            kind: "partition".into(),
            state: "mounted".into(),
            backing_device: format!("/dev/{name}"),
            mount_path: format!("/mnt/{name}"),
            class: StorageClass::Slow,
            role: DiskRole::UserData,
            data_bearing: true,
            data_reason: String::new(),
            total_bytes,
            used_bytes: 0,
            used_fraction,
            durable_id: String::new(),
        }
    }

    #[test]
    fn a_disk_is_told_where_it_is_fuller_and_its_size_is_known() {
        let disks = [disk("sdb1", 100, 0.95), disk("sdc1", 100, 0.9), disk("sdd1", 0, 1.0)];
        let full: Vec<_> = fuller_than(0.9, &disks).into_iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(full, ["sdb1"]);
    }
}
