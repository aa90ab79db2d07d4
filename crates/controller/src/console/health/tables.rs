//! What the agent says of storage targets and disks now, as rows.

use agentapi_findings::{Thresholds, judge_disk};
use agentapi_host::records::{Disk, StorageTarget};

use crate::console::health::verdict::Verdict;
use crate::console::plot::figure;
use crate::console::words::{address, shown, size};

/// A storage target of the host.
pub(super) struct TargetRow {
    pub(super) name: String,
    /// As it stands in the address of the page.
    pub(super) of: String,
    /// With its class, if it has one.
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) is_reachable: bool,
    pub(super) smart: String,
    pub(super) used: String,
    pub(super) pool: String,
    pub(super) verdict: Verdict,
}

/// A disk of this guest.
pub(super) struct DiskRow {
    pub(super) name: String,
    /// As it stands in the address of the page; empty where nothing is measured, because the disk has no durable id.
    pub(super) of: String,
    pub(super) used: String,
    pub(super) verdict: Verdict,
}

impl TargetRow {
    pub(super) fn new(target: &StorageTarget) -> Self {
        let pool = target.thin_pool.as_ref().map(|pool| {
            let metadata = pool.metadata_used_fraction.map_or_else(|| "not known".to_owned(), percent);
            format!("data {}, metadata {metadata}", percent(pool.data_used_fraction))
        });
        let kind = [target.kind.as_str(), target.class_hint.as_str()].map(shown);
        let kind = kind.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        let used = used(target.total_bytes, target.used_bytes, target.used_fraction);
        Self {
            name: shown(&target.name),
            of: address(&target.name),
            kind,
            state: shown(&target.state),
            is_reachable: target.reachable,
            smart: smart(target),
            // The agent repeats the last that it knew.
            used: if target.reachable || target.total_bytes <= 0 { used } else { format!("{used}, as last known") },
            pool: pool.unwrap_or_default(),
            verdict: Verdict::of_target(target),
        }
    }
}

impl DiskRow {
    pub(super) fn new(disk: &Disk) -> Self {
        let finding = judge_disk(&disk.name, disk.total_bytes, disk.used_fraction, &Thresholds::default());
        Self {
            name: shown(if disk.name.is_empty() { &disk.durable_id } else { &disk.name }),
            of: address(&disk.durable_id),
            used: used(disk.total_bytes, disk.used_bytes, disk.used_fraction),
            verdict: finding.as_ref().map_or_else(Verdict::well, Verdict::of_finding),
        }
    }
}

/// The agent says 0 where it does not know the size.
fn used(total: i64, used: i64, fraction: f64) -> String {
    if total <= 0 {
        return "not known".into();
    }
    format!("{} ({} of {})", percent(fraction), size(used), size(total))
}

fn smart(target: &StorageTarget) -> String {
    let verdict = target.smart.health.as_str();
    let figures = [
        (!verdict.is_empty()).then(|| shown(verdict)),
        target.smart.temperature_c.map(|degrees| format!("{degrees} °C")),
        target.smart.percentage_used.map(|percent| format!("{percent} % worn")),
    ];
    let text = figures.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none".into() } else { text }
}

fn percent(fraction: f64) -> String {
    format!("{} %", figure(100.0 * fraction))
}
