//! Backups of a guest.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::records::text_variant;

/// Whether a backup is due. Source: GET /backup/due.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct BackupDue {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// Whether it is due now.
    pub due: bool,
    /// Why, in the agent's words.
    pub reason: String,
}

/// A backup that was started. Source: POST /backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct BackupJob {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// The job's name, the same in `backup-status`.
    #[component(name = "job-id")]
    pub job_id: String,
    /// Its phase when the agent answered.
    pub phase: BackupPhase,
}

/// How far the latest backup is. Source: GET /backup/status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[component(record)]
pub struct BackupStatus {
    /// The guest's number in Proxmox.
    pub vmid: i64,
    /// Its phase now.
    pub phase: BackupPhase,
    /// The job's name; empty when there was none.
    #[component(name = "job-id")]
    pub job_id: String,
    /// Why it failed, in the agent's words; empty unless it did.
    pub error: String,
}

/// The phase of a backup.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum BackupPhase {
    /// Text `idle`: none was started.
    #[component(name = "idle")]
    Idle,
    /// Text `running`.
    #[component(name = "running")]
    Running,
    /// Text `done`: it worked.
    #[component(name = "done")]
    Done,
    /// Text `failed`.
    #[component(name = "failed")]
    Failed,
    /// Any other text, the empty one too, as the agent gave it.
    #[component(name = "other")]
    Other(String),
}

text_variant!(BackupPhase { "idle" => Idle, "running" => Running, "done" => Done, "failed" => Failed });
