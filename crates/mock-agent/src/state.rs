//! The state behind the routes: one per mock agent, changed by one request at a time.

use http::StatusCode;
use serde::Serialize;

use crate::backup::Backup;
use crate::disks::Storage;
use crate::envelope::Answer;
use crate::inventory::{HostMetrics, StorageTarget};
use crate::scenario::Scenario;

/// Everything the routes read and change.
#[derive(Debug)]
pub(crate) struct AgentState {
    pub(crate) backup: Backup,
    pub(crate) storage: Storage,
    host: HostMetrics,
    storage_targets: Vec<StorageTarget>,
}

/// Data of GET /host/metrics.
#[derive(Serialize)]
struct Metrics<'a> {
    vmid: i64,
    host: &'a HostMetrics,
    storage_targets: &'a [StorageTarget],
}

impl AgentState {
    pub(crate) fn new(scenario: Scenario) -> Self {
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
    pub(crate) fn host_metrics(&self) -> Answer {
        let metrics = Metrics { vmid: self.storage.vmid, host: &self.host, storage_targets: &self.storage_targets };
        Answer::granted(StatusCode::OK, metrics)
    }
}
