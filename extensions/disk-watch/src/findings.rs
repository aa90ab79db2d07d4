//! What is judged, and how urgent it is.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::Serialize;

use crate::bindings::felhom::agentapi::types::{Disk, MetricsView, SmartHealth, StorageTarget};
use crate::thresholds::{Levels, Thresholds};

/// One thing that needs attention.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    severity: Severity,
    what: What,
    /// The storage target, the disk and its device, or the node.
    #[serde(rename = "where")]
    place: String,
    measured: Measure,
    /// What it has reached; for a text, what it should be.
    threshold: Measure,
}

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Now.
    Critical,
    /// In the next days.
    Warning,
}

/// What it is, the more urgent before the less within a severity.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    SmartHealth,
    ThinPoolMetadata,
    ThinPoolData,
    Unreachable,
    TargetFull,
    DiskFull,
    CpuHot,
    DiskHot,
    DiskWorn,
}

/// A number in the unit of its threshold, or a state.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Measure {
    Number(f64),
    State(String),
}

impl Finding {
    /// By severity, then by kind, then the larger number.
    pub(crate) fn most_urgent_first(&self, other: &Self) -> Ordering {
        let by_number = match (&self.measured, &other.measured) {
            (Measure::Number(one), Measure::Number(two)) => two.total_cmp(one),
            _ => Ordering::Equal,
        };
        (self.severity, self.what).cmp(&(other.severity, other.what)).then(by_number)
    }

    fn number(what: What, place: &str, value: f64, levels: Levels) -> Option<Self> {
        let (severity, threshold) = levels.judge(value)?;
        let (measured, threshold) = (Measure::Number(value), Measure::Number(threshold));
        Some(Self { severity, what, place: place.into(), measured, threshold })
    }

    fn state(severity: Severity, what: What, place: &str, found: &str, expected: &str) -> Self {
        let (measured, threshold) = (Measure::State(found.into()), Measure::State(expected.into()));
        Self { severity, what, place: place.into(), measured, threshold }
    }
}

/// What the host and its storage targets show.
pub(crate) fn in_metrics(metrics: &MetricsView, thresholds: &Thresholds) -> Vec<Finding> {
    let host = &metrics.host;
    let mut findings = Vec::new();
    if host.disk_total_bytes > 0 {
        let root = format!("{} (/)", host.node);
        findings.extend(Finding::number(What::DiskFull, &root, host.disk_percent / 100.0, thresholds.full));
    }
    findings.extend(celsius(What::CpuHot, &host.node, host.cpu_temp_c, thresholds.cpu_temp_c));
    findings.extend(metrics.storage_targets.iter().flat_map(|target| in_target(target, thresholds)));
    findings
}

/// What the guest's disks show.
pub(crate) fn in_disks(disks: &[Disk], thresholds: &Thresholds) -> Vec<Finding> {
    // A size of 0 means that the agent does not know it: the fraction is then 0 too, and says nothing.
    let known = disks.iter().filter(|disk| disk.total_bytes > 0);
    let judged = known.filter_map(|disk| {
        let place = format!("{} ({})", disk.name, disk.backing_device);
        Finding::number(What::DiskFull, &place, disk.used_fraction, thresholds.full)
    });
    judged.collect()
}

fn in_target(target: &StorageTarget, thresholds: &Thresholds) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A disk's verdict on itself and its wear hold, whether it answers or not.
    findings.extend(health(target));
    let worn = target.smart.percentage_used.map(|percent| percent as f64);
    findings.extend(
        worn.and_then(|percent| Finding::number(What::DiskWorn, &target.name, percent, thresholds.worn_percent)),
    );
    if target.reachable {
        findings.extend(fill_levels(target, thresholds));
        findings.extend(celsius(What::DiskHot, &target.name, target.smart.temperature_c, thresholds.disk_temp_c));
    } else {
        // Its other figures are the last known, and not today's.
        let state = if target.state.is_empty() { "unreachable" } else { &target.state };
        findings.push(Finding::state(Severity::Critical, What::Unreachable, &target.name, state, "reachable"));
    }
    findings
}

/// A thin pool says more exactly than its target how full it is.
fn fill_levels(target: &StorageTarget, thresholds: &Thresholds) -> Vec<Finding> {
    let name = &target.name;
    let levels = match &target.thin_pool {
        Some(pool) => [
            Finding::number(What::ThinPoolData, name, pool.data_used_fraction, thresholds.thin_pool),
            pool.metadata_used_fraction
                .and_then(|used| Finding::number(What::ThinPoolMetadata, name, used, thresholds.thin_pool)),
        ],
        None if target.total_bytes > 0 => {
            [Finding::number(What::TargetFull, name, target.used_fraction, thresholds.full), None]
        }
        None => [None, None],
    };
    levels.into_iter().flatten().collect()
}

/// A verdict that is not known is worth a look; none is no verdict.
fn health(target: &StorageTarget) -> Option<Finding> {
    let (severity, verdict) = match &target.smart.health {
        SmartHealth::Passed | SmartHealth::Unknown => return None,
        SmartHealth::Failing => (Severity::Critical, "FAILING"),
        SmartHealth::Other(text) if text.is_empty() => return None,
        SmartHealth::Other(text) => (Severity::Warning, text.as_str()),
    };
    Some(Finding::state(severity, What::SmartHealth, &target.name, verdict, "PASSED"))
}

fn celsius(what: What, place: &str, degrees: Option<i64>, levels: Levels) -> Option<Finding> {
    degrees.and_then(|degrees| Finding::number(what, place, degrees as f64, levels))
}

#[cfg(test)]
pub(crate) mod tests;
