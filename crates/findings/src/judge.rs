//! What is judged, and what is not because the agent does not know it.

use alloc::vec::Vec;

use agentapi_contract::SmartVerdict;

use crate::finding::{Finding, Problem};
use crate::thresholds::{Levels, Severity, Thresholds};

/// The figures of a storage target. Source: GET /host/metrics, `storage_targets`.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its state, in the agent's words.
    pub state: &'a str,
    /// Whether the host reaches it now.
    pub reachable: bool,
    /// Its size in bytes; 0 where the agent does not know it.
    pub total_bytes: i64,
    /// How much of it is used: 0 to 1.
    pub used_fraction: f64,
    /// How much of a thin pool's data is used, and of its metadata where that is known: 0 to 1.
    pub thin_pool: Option<(f64, Option<f64>)>,
    /// The disk's verdict on itself (SMART), in its own word; empty where it has none.
    pub health: &'a str,
    /// The disk's temperature in degrees Celsius.
    pub temperature_c: Option<i64>,
    /// How much of the disk's rated life is used, in percent.
    pub worn_percent: Option<i64>,
}

/// The findings in a storage target.
pub fn judge_target(target: &Figures<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    let Figures { name, temperature_c, worn_percent, .. } = *target;
    let mut findings = Vec::new();
    // A failing or worn disk stays one, so these hold even where the target does not answer now.
    findings.extend(
        judge_health(target.health)
            .map(|severity| Finding::state(severity, Problem::SmartHealth, name, target.health, "PASSED")),
    );
    findings.extend(judge_degrees(Problem::DiskWorn, name, worn_percent, thresholds.worn_percent));
    if target.reachable {
        findings.extend(judge_fill_level(target, thresholds));
        findings.extend(judge_degrees(Problem::DiskHot, name, temperature_c, thresholds.disk_temp_c));
    } else {
        // Its fill level and temperature are the last that were known, perhaps days ago: they are not judged.
        let state = if target.state.is_empty() { "unreachable" } else { target.state };
        findings.push(Finding::state(Severity::Critical, Problem::Unreachable, name, state, "reachable"));
    }
    findings
}

/// How full a target is. A thin pool is judged by its own figures instead of its target's, which repeat those for its
/// data and leave out its metadata, and by lower thresholds, because a pool that runs full stops every guest on it.
fn judge_fill_level(target: &Figures<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    let name = target.name;
    let levels = match target.thin_pool {
        Some((data, metadata)) => [
            Finding::number(Problem::ThinPoolData, name, data, thresholds.thin_pool),
            metadata.and_then(|used| Finding::number(Problem::ThinPoolMetadata, name, used, thresholds.thin_pool)),
        ],
        None if target.total_bytes > 0 => {
            [Finding::number(Problem::TargetFull, name, target.used_fraction, thresholds.full), None]
        }
        None => [None, None],
    };
    levels.into_iter().flatten().collect()
}

/// How bad the disk's own verdict (SMART) is. One that is not known is worth a look; a disk without SMART has none, and
/// is no finding.
pub fn judge_health(verdict: &str) -> Option<Severity> {
    match SmartVerdict::from_text(verdict) {
        SmartVerdict::Healthy | SmartVerdict::Unknown => None,
        SmartVerdict::Failing => Some(Severity::Critical),
        SmartVerdict::Other => Some(Severity::Warning),
    }
}

/// How full a disk is, or the host's root file system. A size of 0 means that the agent does not know the size: the
/// fraction is then meaningless.
pub fn judge_disk(place: &str, total_bytes: i64, used_fraction: f64, thresholds: &Thresholds) -> Option<Finding> {
    if total_bytes > 0 { Finding::number(Problem::DiskFull, place, used_fraction, thresholds.full) } else { None }
}

/// How hot the processor is.
pub fn judge_processor(node: &str, degrees: Option<i64>, thresholds: &Thresholds) -> Option<Finding> {
    judge_degrees(Problem::CpuHot, node, degrees, thresholds.cpu_temp_c)
}

fn judge_degrees(what: Problem, place: &str, value: Option<i64>, levels: Levels) -> Option<Finding> {
    value.and_then(|value| Finding::number(what, place, value as f64, levels))
}
