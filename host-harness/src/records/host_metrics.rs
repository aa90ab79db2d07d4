//! How the Proxmox host and its storage are doing.

use agentapi_contract::SmartVerdict;
use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::records::storage::StorageClass;
use crate::records::text_variant;

/// The host and its storage. Source: GET /host/metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct MetricsView {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// The host itself.
    pub host: HostStatus,
    /// Its storage targets, in the agent's order.
    #[component(name = "storage-targets")]
    pub storage_targets: Vec<StorageTarget>,
}

/// The host itself. Percentages run from 0.0 to 100.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct HostStatus {
    /// The node's name in Proxmox.
    pub node: String,
    /// Processor time in use, over all cores.
    #[component(name = "cpu-percent")]
    pub cpu_percent: f64,
    /// Memory in bytes.
    #[component(name = "memory-total-bytes")]
    pub memory_total_bytes: i64,
    /// Memory in use, in bytes.
    #[component(name = "memory-used-bytes")]
    pub memory_used_bytes: i64,
    /// Memory in use.
    #[component(name = "memory-percent")]
    pub memory_percent: f64,
    /// The root file system's size in bytes.
    #[component(name = "disk-total-bytes")]
    pub disk_total_bytes: i64,
    /// How much of it is used, in bytes.
    #[component(name = "disk-used-bytes")]
    pub disk_used_bytes: i64,
    /// How much of it is used.
    #[component(name = "disk-percent")]
    pub disk_percent: f64,
    /// Load over 1, 5 and 15 minutes, as the kernel prints it.
    pub loadavg: Vec<String>,
    /// Seconds since the host started.
    #[component(name = "uptime-seconds")]
    pub uptime_seconds: i64,
    /// The processor's temperature in degrees Celsius; none where the host has no sensor.
    #[component(name = "cpu-temp-c")]
    pub cpu_temp_c: Option<i64>,
}

/// One storage target of the host. Fractions run from 0.0 to 1.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct StorageTarget {
    /// Its name in Proxmox.
    pub name: String,
    /// Its kind in Proxmox, such as `zfspool` or `lvmthin`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its state, in the agent's words.
    pub state: String,
    /// Whether it answers.
    pub reachable: bool,
    /// Its size in bytes.
    #[component(name = "total-bytes")]
    pub total_bytes: i64,
    /// How much of it is used, in bytes.
    #[component(name = "used-bytes")]
    pub used_bytes: i64,
    /// How much of it is free, in bytes.
    #[component(name = "avail-bytes")]
    pub avail_bytes: i64,
    /// How much of it is used.
    #[component(name = "used-fraction")]
    pub used_fraction: f64,
    /// What it may hold, in Proxmox's words, such as `images,rootdir`.
    pub content: String,
    /// Where it is mounted on the host; empty when it is not.
    #[component(name = "mount-path")]
    pub mount_path: String,
    /// How fast it seems to be.
    #[component(name = "class-hint")]
    pub class_hint: StorageClass,
    /// How full its thin pool is; none when it is not one.
    #[component(name = "thin-pool")]
    pub thin_pool: Option<ThinPool>,
    /// What the disk says about itself; its health is an empty text when it says nothing.
    pub smart: Smart,
}

/// How full a thin pool is. A pool that runs full stops every guest on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct ThinPool {
    /// Data in use: 0.0 to 1.0.
    #[component(name = "data-used-fraction")]
    pub data_used_fraction: f64,
    /// Metadata in use: 0.0 to 1.0; none when not known.
    #[component(name = "metadata-used-fraction")]
    pub metadata_used_fraction: Option<f64>,
}

/// What a disk says about itself (SMART).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct Smart {
    /// Its own verdict.
    pub health: SmartHealth,
    /// Its temperature in degrees Celsius; none when not known.
    #[component(name = "temperature-c")]
    pub temperature_c: Option<i64>,
    /// How much of its rated life is used, in percent, over 100 too; none when not known.
    #[component(name = "percentage-used")]
    pub percentage_used: Option<i64>,
}

/// A disk's verdict on itself.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum SmartHealth {
    /// Text `PASSED`.
    #[component(name = "passed")]
    Passed,
    /// Text `FAILING`.
    #[component(name = "failing")]
    Failing,
    /// Text `UNKNOWN`.
    #[component(name = "unknown")]
    Unknown,
    /// Any other text, the empty one too, as the agent gave it.
    #[component(name = "other")]
    Other(String),
}

impl SmartHealth {
    /// What the verdict means, whichever words this kind of drive has for it: SAS drives say `OK`, others `FAILED!`.
    pub fn verdict(&self) -> SmartVerdict {
        SmartVerdict::from_text(self.as_str())
    }
}

text_variant!(SmartHealth { "PASSED" => Passed, "FAILING" => Failing, "UNKNOWN" => Unknown });
