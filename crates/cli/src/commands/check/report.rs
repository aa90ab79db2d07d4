//! What was found, most urgent first, and the summary of it.

use agentapi_findings::{Figures, Finding, Thresholds, judge_disk, judge_processor, judge_target};
use agentapi_host::records::{BackupDue, BackupPhase, BackupStatus, DiskList, MetricsView, StorageTarget, StorageView};
use agentapi_host::{Error, error_chain};
use serde::Serialize;

use crate::commands::check::entry::{Entry, Urgency};
use crate::print::escape::visible;
use crate::print::severity;
use crate::print::units::count;
use crate::print::wrap::wrap;
use crate::status::CheckStatus;

/// What the agent answered.
pub(super) struct Look {
    pub(super) storage: Result<StorageView, Error>,
    pub(super) due: Result<BackupDue, Error>,
    pub(super) status: Result<BackupStatus, Error>,
    pub(super) disks: Result<DiskList, Error>,
    pub(super) metrics: Result<MetricsView, Error>,
}

/// The result of a check: its JSON, and its text.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    status: &'static str,
    summary: String,
    findings: Vec<Entry>,
}

impl Report {
    /// What needs attention in these answers. One that is missing does not hide what the others show.
    pub(super) fn of(look: &Look) -> Self {
        let mut measured = Vec::new();
        measured.extend(look.metrics.iter().flat_map(judge_metrics));
        measured.extend(look.disks.iter().flat_map(judge_disks));
        measured.sort_by(Finding::most_urgent_first);
        let mut findings: Vec<_> = measured.into_iter().map(Entry::from).collect();
        findings.extend(judge_backup(look.status.as_ref().ok(), look.due.as_ref().ok()));
        findings.extend(look.failures());
        findings.sort_by_key(|entry| entry.severity);
        Self::new(look.seen(), findings)
    }

    /// A check that could not begin.
    pub(super) fn of_failure(text: &str) -> Self {
        Self::new(String::new(), vec![Entry::new(Urgency::Unknown, "agent", "agent", text.into())])
    }

    fn new(seen: String, findings: Vec<Entry>) -> Self {
        let Some(first) = findings.first() else {
            return Self { status: "ok", summary: seen, findings };
        };
        if let [only] = findings.as_slice() {
            return Self { status: only.severity.as_str(), summary: only.text.clone(), findings };
        }
        let number = |urgency: Urgency| findings.iter().filter(|entry| entry.severity == urgency).count();
        let numbers = [Urgency::Critical, Urgency::Warning, Urgency::Unknown].map(|urgency| (number(urgency), urgency));
        let numbers = numbers.into_iter().filter(|(number, _)| *number > 0);
        let numbers: Vec<_> = numbers.map(|(number, urgency)| format!("{number} {}", urgency.as_str())).collect();
        let summary = format!("{}: {}", numbers.join(", "), first.text);
        Self { status: first.severity.as_str(), summary, findings }
    }

    pub(super) fn status(&self) -> CheckStatus {
        self.findings.first().map_or(CheckStatus::Ok, |first| first.severity.status())
    }

    /// The summary as monitoring plugins print it, then a line for each finding, unless the summary is the only one.
    pub(super) fn text(&self, columns: Option<usize>) -> String {
        let worst = self.findings.first().and_then(|first| first.severity.severity());
        let style = severity::style(worst);
        let summary = format!("{style}{}{style:#} - {}\n", self.status.to_uppercase(), plain(&self.summary));
        let line = |entry: &Entry| {
            let style = severity::style(entry.severity.severity());
            let text = format!("{style}{:<8}{style:#}  {}\n", entry.severity.as_str(), plain(&entry.text));
            wrap(&text, columns, 10)
        };
        let lines = if self.findings.len() > 1 { self.findings.iter().map(line).collect() } else { String::new() };
        wrap(&summary, columns, INDENT) + &lines
    }
}

impl Look {
    /// What was looked at, for the line of a check that found nothing.
    fn seen(&self) -> String {
        let Self { storage: Ok(storage), disks: Ok(disks), metrics: Ok(metrics), .. } = self else {
            return String::new();
        };
        let targets = count(metrics.storage_targets.len(), "storage target");
        let (mounts, disks) = (count(storage.mounts.len(), "mount"), count(disks.disks.len(), "disk"));
        format!("guest {} on {}: {mounts}, {disks}, {targets}, no backup due", storage.vmid, metrics.host.node)
    }

    /// A line for each request that failed, and one for all that failed for the same reason.
    fn failures(&self) -> Vec<Entry> {
        let errors = [
            ("GET /storage", self.storage.as_ref().err()),
            ("GET /backup/due", self.due.as_ref().err()),
            ("GET /backup/status", self.status.as_ref().err()),
            ("GET /disks", self.disks.as_ref().err()),
            ("GET /host/metrics", self.metrics.as_ref().err()),
        ];
        let mut failures: Vec<Entry> = Vec::new();
        for (route, error) in errors {
            let Some(text) = error.map(|error| error_chain(error)) else { continue };
            if failures.iter().all(|earlier| earlier.text != text) {
                failures.push(Entry::new(Urgency::Unknown, "request", route, text));
            }
        }
        failures
    }
}

/// A latest backup that failed is critical, one that is due is a warning, unless it runs.
fn judge_backup(status: Option<&BackupStatus>, due: Option<&BackupDue>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let because = |reason: &str| if reason.is_empty() { String::new() } else { format!(": {reason}") };
    if let Some(BackupStatus { vmid, phase, job_id, error }) = status {
        let guest = format!("guest {vmid}");
        match phase {
            BackupPhase::Failed => {
                let text = format!("backup {job_id} of {guest} failed{}", because(error));
                entries.push(Entry::new(Urgency::Critical, "backup-failed", &guest, text));
            }
            BackupPhase::Other(phase) => {
                let text = format!("backup {job_id} of {guest} is in a phase that is not known{}", because(phase));
                entries.push(Entry::new(Urgency::Unknown, "backup-phase", &guest, text));
            }
            BackupPhase::Idle | BackupPhase::Running | BackupPhase::Done => {}
        }
    }
    let is_running = status.is_some_and(|status| matches!(status.phase, BackupPhase::Running));
    if let Some(BackupDue { vmid, due: true, reason }) = due
        && !is_running
    {
        let guest = format!("guest {vmid}");
        let text = format!("a backup of {guest} is due{}", because(reason));
        entries.push(Entry::new(Urgency::Warning, "backup-due", &guest, text));
    }
    entries
}

fn judge_metrics(view: &MetricsView) -> Vec<Finding> {
    let (host, thresholds) = (&view.host, Thresholds::default());
    let root = format!("{} (/)", host.node);
    let mut findings = Vec::new();
    findings.extend(judge_disk(&root, host.disk_total_bytes, host.disk_percent / 100.0, &thresholds));
    findings.extend(judge_processor(&host.node, host.cpu_temp_c, &thresholds));
    findings.extend(view.storage_targets.iter().flat_map(|target| judge_target(&figures(target), &thresholds)));
    findings
}

fn judge_disks(list: &DiskList) -> Vec<Finding> {
    let judge = |disk: &agentapi_host::records::Disk| {
        let place = format!("{} ({})", disk.name, disk.backing_device);
        judge_disk(&place, disk.total_bytes, disk.used_fraction, &Thresholds::default())
    };
    list.disks.iter().filter_map(judge).collect()
}

fn figures(target: &StorageTarget) -> Figures<'_> {
    Figures {
        name: &target.name,
        state: &target.state,
        reachable: target.reachable,
        total_bytes: target.total_bytes,
        used_fraction: target.used_fraction,
        thin_pool: target.thin_pool.as_ref().map(|pool| (pool.data_used_fraction, pool.metadata_used_fraction)),
        health: target.smart.health.as_str(),
        temperature_c: target.smart.temperature_c,
        worn_percent: target.smart.percentage_used,
    }
}

/// A text of the agent in the output of a plugin, in which `|` begins the figures for graphs.
fn plain(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| visible(line.trim())).collect();
    lines.join("; ").replace(":; ", ": ").replace('|', "\\u{7c}")
}

/// Blanks in front of what goes on below the summary.
const INDENT: usize = 2;

#[cfg(test)]
mod tests;
