//! What the agent says about storage, disks and the host, in the agent's own names.
//!
//! The same types are read from a scenario and written into answers, so a scenario file looks like the answers it
//! causes. Texts such as states and classes are passed on as they are: a scenario may hold one that no client knows.

use serde::{Deserialize, Serialize};

/// A storage volume mounted in the guest. Source: GET /storage, `mounts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mount {
    /// Short name the guest's applications know the mount by.
    pub key: String,
    /// The host's storage the mount comes from.
    pub storage: String,
    /// Absolute path inside the guest.
    pub mount_point: String,
    /// `fast`, `slow`, or empty where the host has not said.
    pub class: String,
    /// Whether backups of the guest include this mount.
    pub backup: bool,
}

/// What a disk is for. It alone decides whether the agent formats the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Holds the host itself; never formatted without the operator.
    System,
    /// Holds backups; never formatted without the operator.
    Backup,
    /// The customer's own; formatted with the customer's confirmation where it holds data.
    #[default]
    UserData,
    /// A role no client knows; treated like a system disk, because that is the safe side.
    #[serde(untagged)]
    Other(String),
}

/// A disk of the host. Source: GET /disks, `disks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// Name for people.
    pub name: String,
    /// Kind of hardware or storage, such as `nvme`, `usb`, `sata`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `mounted` or `available`.
    pub state: String,
    /// Device path on the host; a format request names the disk by it.
    pub backing_device: String,
    /// Where the disk is mounted; empty where it is not. An eject request names the disk by it.
    pub mount_path: String,
    /// `fast`, `slow`, or empty where the host has not said.
    pub class: String,
    /// What the disk is for.
    pub role: Role,
    /// Whether something on it would be lost by formatting.
    pub data_bearing: bool,
    /// How the agent knows that it bears data; empty on a blank disk.
    pub data_reason: String,
    /// Size in bytes.
    pub total_bytes: i64,
    /// Bytes in use.
    pub used_bytes: i64,
    /// `used_bytes` by `total_bytes`, 0 to 1.
    pub used_fraction: f64,
    /// Stable identity: `uuid:` and the file system's UUID, or `byid:` and the hardware's name.
    pub durable_id: String,
}

/// How the host is doing. Source: GET /host/metrics, `host`.
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
    /// What it may hold, separated by commas.
    pub content: String,
    /// Where it is mounted on the host; empty where it has no path.
    pub mount_path: String,
    /// `fast`, `slow`, or empty.
    pub class_hint: String,
    /// Fill of its thin pool; `None` (null) where it is none.
    pub thin_pool: Option<ThinPool>,
    /// Health of its disk; `None` (null) where the disk is not known.
    pub smart: Option<Smart>,
}

/// Fill of an LVM thin pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThinPool {
    /// Used part of the data volume, 0 to 1.
    pub data_used_fraction: f64,
    /// Used part of the metadata volume, 0 to 1; `None` (null) where the host does not say.
    pub metadata_used_fraction: Option<f64>,
}

/// What a disk's self-monitoring reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smart {
    /// `PASSED`, `FAILING` or `UNKNOWN`.
    pub health: String,
    /// Temperature in degrees Celsius; `None` (null) without a sensor.
    pub temperature_c: Option<i64>,
    /// Used part of the rated endurance, 0 to 100 and above; `None` (null) where the disk does not count it.
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
