//! What the agent reports about storage, disks and the host, under the agent's own names.
//!
//! The same types are read from a scenario and written into answers, so a scenario file looks like the answers that it
//! causes. Texts such as states and classes are passed on unchecked: a scenario may hold one that no client knows.

use serde::{Deserialize, Serialize};

/// A storage volume mounted in the guest. Source: GET /storage, `mounts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mount {
    /// The short name by which the guest's applications know the mount.
    pub key: String,
    /// The host's storage that the mount comes from.
    pub storage: String,
    /// Absolute path inside the guest.
    pub mount_point: String,
    /// `fast`, `slow`, or empty where the host has not classified it.
    pub class: String,
    /// Whether backups of the guest include this mount.
    pub backup: bool,
}

/// What a disk is for. The role alone decides whether the agent formats the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Holds the host itself; never formatted without the operator.
    System,
    /// Holds backups; never formatted without the operator.
    Backup,
    /// The customer's own; formatted at once where it is blank, else with the customer's confirmation.
    #[default]
    UserData,
    /// A role that no client knows. Never formatted without the operator: what it holds may matter.
    #[serde(untagged)]
    Other(String),
}

/// A disk of the host. Source: GET /disks, `disks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// A name for people.
    pub name: String,
    /// The kind of hardware, such as `nvme`, `usb` or `sata`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `mounted` or `available`.
    pub state: String,
    /// The device path on the host, by which a format request names the disk.
    pub backing_device: String,
    /// Where the disk is mounted, by which an eject request names it; empty where it is not mounted.
    pub mount_path: String,
    /// `fast`, `slow`, or empty where the host has not classified it.
    pub class: String,
    /// What the disk is for.
    pub role: Role,
    /// Whether formatting would destroy something.
    pub data_bearing: bool,
    /// How the agent knows that there is data on it; empty for a blank disk.
    pub data_reason: String,
    /// Size in bytes.
    pub total_bytes: i64,
    /// Bytes in use.
    pub used_bytes: i64,
    /// `used_bytes` by `total_bytes`, 0 to 1.
    pub used_fraction: f64,
    /// The identity that survives a reboot: `uuid:` and the file system's UUID, or `byid:` and the hardware's name.
    pub durable_id: String,
}

/// The host's own metrics. Source: GET /host/metrics, `host`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostMetrics {
    /// The host's name.
    pub node: String,
    /// Processor load, 0 to 100.
    pub cpu_percent: f64,
    /// Memory size in bytes.
    pub memory_total_bytes: i64,
    /// Memory in use, in bytes.
    pub memory_used_bytes: i64,
    /// Memory in use, 0 to 100.
    pub memory_percent: f64,
    /// Size of the root file system in bytes.
    pub disk_total_bytes: i64,
    /// Used part of the root file system, in bytes.
    pub disk_used_bytes: i64,
    /// Used part of the root file system, 0 to 100.
    pub disk_percent: f64,
    /// Load averages over 1, 5 and 15 minutes, as the host prints them.
    pub loadavg: Vec<String>,
    /// Seconds since the host started.
    pub uptime_seconds: i64,
    /// Processor temperature in degrees Celsius; `None` (null) without a sensor.
    pub cpu_temp_c: Option<i64>,
}

/// A storage of the host. Source: GET /host/metrics, `storage_targets`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageTarget {
    /// The storage's name on the host.
    pub name: String,
    /// Such as `dir`, `lvmthin`, `zfspool`, `nfs`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `available` or `offline`.
    pub state: String,
    /// Whether the host reaches it now.
    pub reachable: bool,
    /// Size in bytes.
    pub total_bytes: i64,
    /// Bytes in use.
    pub used_bytes: i64,
    /// Bytes free.
    pub avail_bytes: i64,
    /// `used_bytes` by `total_bytes`, 0 to 1.
    pub used_fraction: f64,
    /// The kinds of content that it may hold, separated by commas.
    pub content: String,
    /// Where it is mounted on the host; empty where it has no path.
    pub mount_path: String,
    /// `fast`, `slow`, or empty.
    pub class_hint: String,
    /// How full its thin pool is; `None` (null) where it is not a thin pool.
    pub thin_pool: Option<ThinPool>,
    /// The health of its disk; `None` (null) where the disk is not known.
    pub smart: Option<Smart>,
}

/// How full an LVM thin pool is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThinPool {
    /// Used part of the data volume, 0 to 1.
    pub data_used_fraction: f64,
    /// Used part of the metadata volume, 0 to 1; `None` (null) where the host does not report it.
    pub metadata_used_fraction: Option<f64>,
}

/// What a disk's self-monitoring (SMART) reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smart {
    /// `PASSED`, `FAILING` or `UNKNOWN`.
    pub health: String,
    /// Temperature in degrees Celsius; `None` (null) without a sensor.
    pub temperature_c: Option<i64>,
    /// Used part of the rated endurance, 0 to 100 and above; `None` (null) where the disk does not report it.
    pub percentage_used: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::{Disk, Role};

    #[test]
    fn a_role_that_no_client_knows_is_kept_as_it_is() {
        let disk: Disk = serde_json::from_str(r#"{"role":"cache"}"#).unwrap();
        assert_eq!(disk.role, Role::Other("cache".to_owned()));
        assert_eq!(serde_json::to_value(&disk).unwrap()["role"], "cache");
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(serde_json::from_str::<Disk>(r#"{"backing_devise":"/dev/sda"}"#).is_err());
    }
}
