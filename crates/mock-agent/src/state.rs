//! What the agent knows while it runs, which requests read and change, and tests through `MockAgent::change`.
//!
//! One lock holds all of it, so every answer is about one moment: no client sees half of a change.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use crate::backup::Backup;
use crate::clock::BackupClock;
use crate::envelope::Answer;
use crate::inventory::{Disk, HostMetrics, Mount, StorageTarget};
use crate::scenario::Scenario;

/// What an agent knows while it runs. It begins as its [`Scenario`] says, and [`MockAgent::change`] reaches it.
///
/// The guest's number and the host's identity cannot be changed: they stay the same for as long as an agent runs.
///
/// [`MockAgent::change`]: crate::MockAgent::change
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct State {
    /// Whether a backup is due, and how backups run.
    pub backup: Backup,
    /// Mounts of the guest, in the order of the answer.
    pub mounts: Vec<Mount>,
    /// Disks of the host, in the order of the answer.
    pub disks: Vec<Disk>,
    /// Guests that use what is mounted at a mount point; an eject answers with them.
    pub dependent_guests: BTreeMap<String, Vec<i64>>,
    /// The host's own metrics. They stand still unless they are changed, so that a test can name the figures.
    pub host: HostMetrics,
    /// Storages of the host, in the order of the answer.
    pub storage_targets: Vec<StorageTarget>,
    pub(crate) vmid: i64,
    pub(crate) host_scope: String,
}

/// Data of GET /host/metrics.
#[derive(Serialize)]
struct MetricsData<'a> {
    vmid: i64,
    host: &'a HostMetrics,
    storage_targets: &'a [StorageTarget],
}

impl State {
    pub(crate) fn new(scenario: Scenario, clock: BackupClock) -> Self {
        Self {
            backup: Backup::new(scenario.vmid, scenario.backup, clock),
            mounts: scenario.mounts,
            disks: scenario.disks,
            dependent_guests: scenario.dependent_guests,
            host: scenario.host,
            storage_targets: scenario.storage_targets,
            vmid: scenario.vmid,
            host_scope: scenario.host_scope,
        }
    }

    /// GET /host/metrics.
    pub(crate) fn host_metrics(&self) -> Answer {
        let metrics = MetricsData { vmid: self.vmid, host: &self.host, storage_targets: &self.storage_targets };
        Answer::granted(StatusCode::OK, metrics)
    }
}
