//! What is judged: the host's metrics, and the guest's disks.

use alloc::format;
use alloc::vec::Vec;

use agentapi_extension::types::Disk;
use agentapi_findings::{Finding, Thresholds, judge_disk};

pub(crate) use agentapi_findings::judge_metrics;

/// The findings in the guest's disks: how full they are. Their SMART is in the metrics of their target.
pub(crate) fn judge_disks(disks: &[Disk], thresholds: &Thresholds) -> Vec<Finding> {
    let judged = disks.iter().filter_map(|disk| {
        let place = format!("{} ({})", disk.name, disk.backing_device);
        judge_disk(&place, disk.total_bytes, disk.used_fraction, thresholds)
    });
    judged.collect()
}

#[cfg(test)]
pub(crate) mod tests;
