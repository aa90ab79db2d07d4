//! What is mounted in a guest.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::records::text_variant;

/// What is mounted in a guest. Source: GET /storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct StorageView {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// In the agent's order.
    pub mounts: Vec<StorageMount>,
}

/// One mounted storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct StorageMount {
    /// The name under which the guest's configuration knows it, such as `media`.
    pub key: String,
    /// The storage's name in Proxmox, such as `local-hdd`.
    pub storage: String,
    /// Where it is mounted in the guest: an absolute path.
    #[component(name = "mount-point")]
    pub mount_point: String,
    /// How fast it is.
    pub class: StorageClass,
    /// Whether the guest's backup includes it.
    pub backup: bool,
}

/// How fast a storage or disk is.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum StorageClass {
    /// The agent does not say (an empty text).
    #[component(name = "unknown")]
    Unknown,
    /// Text `fast`: flash.
    #[component(name = "fast")]
    Fast,
    /// Text `slow`: spinning disks.
    #[component(name = "slow")]
    Slow,
    /// Any other text, as the agent gave it.
    #[component(name = "other")]
    Other(String),
}

text_variant!(StorageClass { "" => Unknown, "fast" => Fast, "slow" => Slow });
