//! What is judged of the host's storage and the guest's disks, and what the findings are.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use agentapi_contract::SmartVerdict;
use serde::Serialize;

use crate::bindings::felhom::agentapi::types::{Disk, MetricsView, SmartHealth, StorageTarget};
use crate::thresholds::{Levels, Severity, Thresholds};

/// One problem that needs somebody's attention.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    severity: Severity,
    what: Problem,
    /// The storage target, the disk and its device, or the node.
    #[serde(rename = "where")]
    place: String,
    measured: Measure,
    /// The threshold that it has reached; for a state, what it should be.
    threshold: Measure,
}

/// The kinds of problems. Within a severity they are sorted in this order: a pool without metadata stops every guest on
/// it at once, a worn disk may go on for months.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Problem {
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

/// A number in the unit of its threshold, or a state in the agent's words.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Measure {
    Number(f64),
    State(String),
}

impl Finding {
    /// The order of a report: by severity, then by kind, then the larger number first.
    pub(crate) fn most_urgent_first(&self, other: &Self) -> Ordering {
        let by_number = match (&self.measured, &other.measured) {
            (Measure::Number(one), Measure::Number(two)) => two.total_cmp(one),
            _ => Ordering::Equal,
        };
        (self.severity, self.what).cmp(&(other.severity, other.what)).then(by_number)
    }

    fn number(what: Problem, place: &str, value: f64, levels: Levels) -> Option<Self> {
        let (severity, threshold) = levels.judge(value)?;
        let (measured, threshold) = (Measure::Number(value), Measure::Number(threshold));
        Some(Self { severity, what, place: place.into(), measured, threshold })
    }

    fn state(severity: Severity, what: Problem, place: &str, found: &str, expected: &str) -> Self {
        let (measured, threshold) = (Measure::State(found.into()), Measure::State(expected.into()));
        Self { severity, what, place: place.into(), measured, threshold }
    }
}

/// The findings in the host's metrics: its root file system, its processor, its storage targets.
pub(crate) fn judge_metrics(metrics: &MetricsView, thresholds: &Thresholds) -> Vec<Finding> {
    let host = &metrics.host;
    let mut findings = Vec::new();
    if host.disk_total_bytes > 0 {
        let root = format!("{} (/)", host.node);
        findings.extend(Finding::number(Problem::DiskFull, &root, host.disk_percent / 100.0, thresholds.full));
    }
    findings.extend(judge_temperature(Problem::CpuHot, &host.node, host.cpu_temp_c, thresholds.cpu_temp_c));
    findings.extend(metrics.storage_targets.iter().flat_map(|target| judge_target(target, thresholds)));
    findings
}

/// The findings in the guest's disks: how full they are. Their SMART is in the metrics of their target.
pub(crate) fn judge_disks(disks: &[Disk], thresholds: &Thresholds) -> Vec<Finding> {
    // A size of 0 means that the agent does not know the size: the fraction is then meaningless.
    let known = disks.iter().filter(|disk| disk.total_bytes > 0);
    let judged = known.filter_map(|disk| {
        let place = format!("{} ({})", disk.name, disk.backing_device);
        Finding::number(Problem::DiskFull, &place, disk.used_fraction, thresholds.full)
    });
    judged.collect()
}

fn judge_target(target: &StorageTarget, thresholds: &Thresholds) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A failing or worn disk stays one, so these hold even where the target does not answer now.
    findings.extend(judge_health(target));
    let worn = target.smart.percentage_used.map(|percent| percent as f64);
    findings.extend(
        worn.and_then(|percent| Finding::number(Problem::DiskWorn, &target.name, percent, thresholds.worn_percent)),
    );
    if target.reachable {
        findings.extend(judge_fill_level(target, thresholds));
        findings.extend(judge_temperature(
            Problem::DiskHot,
            &target.name,
            target.smart.temperature_c,
            thresholds.disk_temp_c,
        ));
    } else {
        // Its fill level and temperature are the last that were known, perhaps days ago: they are not judged.
        let state = if target.state.is_empty() { "unreachable" } else { &target.state };
        findings.push(Finding::state(Severity::Critical, Problem::Unreachable, &target.name, state, "reachable"));
    }
    findings
}

/// How full a target is. A thin pool is judged by its own figures instead of its target's, which repeat those for its
/// data and leave out its metadata, and by lower thresholds, because a pool that runs full stops every guest on it.
fn judge_fill_level(target: &StorageTarget, thresholds: &Thresholds) -> Vec<Finding> {
    let name = &target.name;
    let levels = match &target.thin_pool {
        Some(pool) => [
            Finding::number(Problem::ThinPoolData, name, pool.data_used_fraction, thresholds.thin_pool),
            pool.metadata_used_fraction
                .and_then(|used| Finding::number(Problem::ThinPoolMetadata, name, used, thresholds.thin_pool)),
        ],
        None if target.total_bytes > 0 => {
            [Finding::number(Problem::TargetFull, name, target.used_fraction, thresholds.full), None]
        }
        None => [None, None],
    };
    levels.into_iter().flatten().collect()
}

/// The disk's own verdict (SMART), in the words of its kind of drive. One that is not known is worth a look; a disk without
/// SMART has none, and is no finding.
fn judge_health(target: &StorageTarget) -> Option<Finding> {
    let verdict = match &target.smart.health {
        SmartHealth::Passed => "PASSED",
        SmartHealth::Failing => "FAILING",
        SmartHealth::Unknown => "UNKNOWN",
        SmartHealth::Other(text) => text,
    };
    let severity = match SmartVerdict::from_text(verdict) {
        SmartVerdict::Healthy | SmartVerdict::Unknown => return None,
        SmartVerdict::Failing => Severity::Critical,
        SmartVerdict::Other => Severity::Warning,
    };
    Some(Finding::state(severity, Problem::SmartHealth, &target.name, verdict, "PASSED"))
}

fn judge_temperature(what: Problem, place: &str, degrees: Option<i64>, levels: Levels) -> Option<Finding> {
    degrees.and_then(|degrees| Finding::number(what, place, degrees as f64, levels))
}

#[cfg(test)]
pub(crate) mod tests;
