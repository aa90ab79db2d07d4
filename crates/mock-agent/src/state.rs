//! The state behind the routes: one per mock agent, changed by one request at a time.

use http::StatusCode;
use serde_json::json;

use super::backup::Backup;
use super::disks::Storage;
use super::envelope::Answer;
use super::inventory::{HostMetrics, StorageTarget};
use super::scenario::Scenario;

/// Everything the routes read and change.
#[derive(Debug)]
pub(super) struct AgentState {
    pub(super) backup: Backup,
    pub(super) storage: Storage,
    host: HostMetrics,
    storage_targets: Vec<StorageTarget>,
}

impl AgentState {
    pub(super) fn new(scenario: Scenario) -> Self {
        Self {
            backup: Backup::new(scenario.vmid, scenario.backup),
            storage: Storage {
                vmid: scenario.vmid,
                host_scope: scenario.host_scope,
                mounts: scenario.mounts,
                disks: scenario.disks,
                dependent_guests: scenario.dependent_guests,
            },
            host: scenario.host,
            storage_targets: scenario.storage_targets,
        }
    }

    /// GET /host/metrics. The figures stand still, so that a test can name them.
    pub(super) fn host_metrics(&self) -> Answer {
        let data = json!({
            "vmid": self.storage.vmid,
            "host": self.host,
            "storage_targets": self.storage_targets,
        });
        Answer::granted(StatusCode::OK, data)
    }
}
