//! The agent's records as an extension is given them, as the figures that are judged.

use alloc::format;
use alloc::vec::Vec;

use agentapi_extension::types::{MetricsView, SmartHealth, StorageTarget};

use crate::{Figures, Finding, Thresholds, judge_disk, judge_processor, judge_target};

/// The findings in the host's metrics: its root file system, its processor, its storage targets.
pub fn judge_metrics(metrics: &MetricsView, thresholds: &Thresholds) -> Vec<Finding> {
    let host = &metrics.host;
    let mut findings = Vec::new();
    let root = format!("{} (/)", host.node);
    findings.extend(judge_disk(&root, host.disk_total_bytes, host.disk_percent / 100.0, thresholds));
    findings.extend(judge_processor(&host.node, host.cpu_temp_c, thresholds));
    findings.extend(metrics.storage_targets.iter().flat_map(|target| judge_target(&figures(target), thresholds)));
    findings
}

fn figures(target: &StorageTarget) -> Figures<'_> {
    Figures {
        name: &target.name,
        state: &target.state,
        reachable: target.reachable,
        total_bytes: target.total_bytes,
        used_fraction: target.used_fraction,
        thin_pool: target.thin_pool.map(|pool| (pool.data_used_fraction, pool.metadata_used_fraction)),
        health: match &target.smart.health {
            SmartHealth::Passed => "PASSED",
            SmartHealth::Failing => "FAILING",
            SmartHealth::Unknown => "UNKNOWN",
            SmartHealth::Other(text) => text,
        },
        temperature_c: target.smart.temperature_c,
        worn_percent: target.smart.percentage_used,
    }
}
