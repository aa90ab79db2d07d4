//! The records as JSON, with the agent's own names and shapes, every field present: what `agentapi call` and `--json`
//! print.

use serde_json::{Value, json};

use crate::Error;
use crate::types::{
    BackupDue, BackupJob, BackupPhase, BackupStatus, Disk, DiskList, DiskRole, EjectResult, FormatResult, HostStatus,
    MetricsView, PendingOp, Smart, SmartHealth, StorageClass, StorageMount, StorageTarget, StorageView, ThinPool,
};

/// A record that the agent has a JSON shape for.
pub trait ToJson {
    /// The record in that shape.
    fn to_json(&self) -> Value;
}

impl ToJson for StorageView {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "mounts": list(&self.mounts) })
    }
}

impl ToJson for StorageMount {
    fn to_json(&self) -> Value {
        json!({
            "key": self.key,
            "storage": self.storage,
            "mount_point": self.mount_point,
            "class": self.class.as_str(),
            "backup": self.backup,
        })
    }
}

impl ToJson for BackupDue {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "due": self.due, "reason": self.reason })
    }
}

impl ToJson for BackupJob {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "job_id": self.job_id, "phase": self.phase.as_str() })
    }
}

impl ToJson for BackupStatus {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "phase": self.phase.as_str(), "job_id": self.job_id, "error": self.error })
    }
}

impl ToJson for DiskList {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "disks": list(&self.disks) })
    }
}

impl ToJson for Disk {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.type_,
            "state": self.state,
            "backing_device": self.backing_device,
            "mount_path": self.mount_path,
            "class": self.class.as_str(),
            "role": self.role.as_str(),
            "data_bearing": self.data_bearing,
            "data_reason": self.data_reason,
            "total_bytes": self.total_bytes,
            "used_bytes": self.used_bytes,
            "used_fraction": self.used_fraction,
            "durable_id": self.durable_id,
        })
    }
}

impl ToJson for EjectResult {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "ejected": self.ejected, "dependent_guests": self.dependent_guests })
    }
}

impl ToJson for FormatResult {
    fn to_json(&self) -> Value {
        json!({
            "vmid": self.vmid,
            "device": self.device,
            "formatted": self.formatted,
            "data_bearing": self.data_bearing,
            "reason": self.reason,
            "role": self.role.as_str(),
            "needs_confirmation": self.needs_confirmation,
            "durable_id": self.durable_id,
            "pending_op": self.pending_op.as_ref().map(ToJson::to_json),
        })
    }
}

impl ToJson for PendingOp {
    fn to_json(&self) -> Value {
        json!({
            "op": self.op,
            "host_scope": self.host_scope,
            "durable_id": self.durable_id,
            "fstype": self.fstype,
        })
    }
}

impl ToJson for MetricsView {
    fn to_json(&self) -> Value {
        json!({ "vmid": self.vmid, "host": self.host.to_json(), "storage_targets": list(&self.storage_targets) })
    }
}

impl ToJson for HostStatus {
    fn to_json(&self) -> Value {
        json!({
            "node": self.node,
            "cpu_percent": self.cpu_percent,
            "memory_total_bytes": self.memory_total_bytes,
            "memory_used_bytes": self.memory_used_bytes,
            "memory_percent": self.memory_percent,
            "disk_total_bytes": self.disk_total_bytes,
            "disk_used_bytes": self.disk_used_bytes,
            "disk_percent": self.disk_percent,
            "loadavg": self.loadavg,
            "uptime_seconds": self.uptime_seconds,
            "cpu_temp_c": self.cpu_temp_c,
        })
    }
}

impl ToJson for StorageTarget {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.type_,
            "state": self.state,
            "reachable": self.reachable,
            "total_bytes": self.total_bytes,
            "used_bytes": self.used_bytes,
            "avail_bytes": self.avail_bytes,
            "used_fraction": self.used_fraction,
            "content": self.content,
            "mount_path": self.mount_path,
            "class_hint": self.class_hint.as_str(),
            "thin_pool": self.thin_pool.as_ref().map(ToJson::to_json),
            "smart": self.smart.to_json(),
        })
    }
}

impl ToJson for ThinPool {
    fn to_json(&self) -> Value {
        json!({
            "data_used_fraction": self.data_used_fraction,
            "metadata_used_fraction": self.metadata_used_fraction,
        })
    }
}

impl ToJson for Smart {
    fn to_json(&self) -> Value {
        json!({
            "health": self.health.as_str(),
            "temperature_c": self.temperature_c,
            "percentage_used": self.percentage_used,
        })
    }
}

impl ToJson for Error {
    /// `kind` and `message`, and where there is one `status` or `value`. The causes are in the message, but for an error
    /// of the agent, whose own text it is.
    fn to_json(&self) -> Value {
        match self {
            Self::Agent(text) => json!({ "kind": self.kind(), "message": text }),
            Self::HttpStatus { status, .. } => {
                json!({ "kind": self.kind(), "message": self.to_string(), "status": status })
            }
            Self::NeedsConfirmation(result) | Self::FormatRefused(result) => {
                json!({ "kind": self.kind(), "message": self.to_string(), "value": result.to_json() })
            }
            _ => json!({ "kind": self.kind(), "message": with_causes(self) }),
        }
    }
}

impl StorageClass {
    /// The agent's text for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown => "",
            Self::Fast => "fast",
            Self::Slow => "slow",
            Self::Other(text) => text,
        }
    }
}

impl BackupPhase {
    /// The agent's text for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Other(text) => text,
        }
    }
}

impl DiskRole {
    /// The agent's text for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Backup => "backup",
            Self::UserData => "user-data",
            Self::Other(text) => text,
        }
    }
}

impl SmartHealth {
    /// The agent's text for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Passed => "PASSED",
            Self::Failing => "FAILING",
            Self::Unknown => "UNKNOWN",
            Self::Other(text) => text,
        }
    }
}

fn list<T: ToJson>(records: &[T]) -> Vec<Value> {
    records.iter().map(ToJson::to_json).collect()
}

fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
