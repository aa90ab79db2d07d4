//! Disks of a guest, and the answers to assigning, ejecting and formatting one.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::records::storage::StorageClass;
use crate::records::text_variant;

/// The disks of a guest. Source: GET /disks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct DiskList {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// In the agent's order.
    pub disks: Vec<Disk>,
}

/// One disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct Disk {
    /// Its name, such as `sdb1`.
    pub name: String,
    /// What kind of storage it is, in the agent's words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its state, in the agent's words, such as `mounted`.
    pub state: String,
    /// The device behind it, such as `/dev/sdb1`.
    #[component(name = "backing-device")]
    pub backing_device: String,
    /// Where it is mounted; empty when it is not.
    #[component(name = "mount-path")]
    pub mount_path: String,
    /// How fast it is.
    pub class: StorageClass,
    /// What it is used for. The agent decides this, and by it who may have it formatted.
    pub role: DiskRole,
    /// Whether data was found on it.
    #[component(name = "data-bearing")]
    pub data_bearing: bool,
    /// What was found, in the agent's words.
    #[component(name = "data-reason")]
    pub data_reason: String,
    /// Its size in bytes.
    #[component(name = "total-bytes")]
    pub total_bytes: i64,
    /// How much of it is used, in bytes.
    #[component(name = "used-bytes")]
    pub used_bytes: i64,
    /// How much of it is used: 0.0 to 1.0.
    #[component(name = "used-fraction")]
    pub used_fraction: f64,
    /// A name that stays the same over restarts, such as `uuid:0f3c…` or `byid:ata-…`; see `disks.fs-uuid`.
    #[component(name = "durable-id")]
    pub durable_id: String,
}

/// What a disk is used for.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum DiskRole {
    /// Text `system`: the host's own. Formatted only when the operator signs.
    #[component(name = "system")]
    System,
    /// Text `backup`: holds backups. Formatted only when the operator signs.
    #[component(name = "backup")]
    Backup,
    /// Text `user-data`: the customer's. Formatted only when the customer confirms.
    #[component(name = "user-data")]
    UserData,
    /// Any other text, the empty one too, as the agent gave it.
    #[component(name = "other")]
    Other(String),
}

/// What `disks.assign` is to mount, and how. Source: body of POST /disks/assign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct AssignRequest {
    /// The file system's UUID; see `disks.fs-uuid`.
    pub uuid: String,
    /// Where to mount it: an absolute path.
    #[serde(rename = "where")]
    #[component(name = "mount-path")]
    pub mount_path: String,
    /// The file system, such as `ext4`.
    pub fstype: String,
    /// Mount options, separated by commas, such as `noatime,nofail`.
    pub options: String,
}

/// What `disks.eject` did. Source: POST /disks/eject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct EjectResult {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// What was let go, in the agent's words.
    pub ejected: String,
    /// The numbers of other guests that used the disk; usually empty.
    #[component(name = "dependent-guests")]
    pub dependent_guests: Vec<i64>,
}

/// What `disks.format` is to format. Source: body of POST /disks/format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct FormatRequest {
    /// The device, such as `/dev/sdb1`.
    pub device: String,
    /// The file system to make, such as `ext4`.
    pub fstype: String,
    /// The durable id that the customer has confirmed to be wiped; none on the first call.
    pub confirmation: Option<String>,
}

/// What the agent says to a request to format. Source: POST /disks/format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct FormatResult {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// The device that was asked for.
    pub device: String,
    /// Whether it was formatted.
    pub formatted: bool,
    /// Whether there is data on it; true also where the agent demands a person without saying why.
    #[component(name = "data-bearing")]
    pub data_bearing: bool,
    /// Why not, in the agent's words.
    pub reason: String,
    /// What the agent found the disk to be used for.
    pub role: DiskRole,
    /// Whether the customer must confirm.
    #[component(name = "needs-confirmation")]
    pub needs_confirmation: bool,
    /// The disk's durable id: what a confirmation must name.
    #[component(name = "durable-id")]
    pub durable_id: String,
    /// What the operator must sign; none when there is nothing to sign.
    #[component(name = "pending-op")]
    pub pending_op: Option<PendingOp>,
}

/// An operation that waits for the operator's signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct PendingOp {
    /// What is to be done, such as `storage_wipe`.
    pub op: String,
    /// The host for which the signature holds.
    #[component(name = "host-scope")]
    pub host_scope: String,
    /// The durable id of the disk for which it holds.
    #[component(name = "durable-id")]
    pub durable_id: String,
    /// The file system to be made.
    pub fstype: String,
}

text_variant!(DiskRole { "system" => System, "backup" => Backup, "user-data" => UserData });
