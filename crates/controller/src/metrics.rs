//! Metrics in Prometheus' text format: what was counted, and what is computed when they are asked for. Nothing here waits: it
//! reads what others publish, and never the store.

use std::fmt::{self, Debug};
use std::sync::Arc;

use agentapi_host::quiesce::Coordinator;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::finding::FindingKind;
use crate::owner::{Activity, Status, StatusReader};
use crate::sample::{Measure, Sample};
use crate::sampler::Latest;
use crate::watcher::Findings;

pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// What is computed when metrics are asked for.
pub struct Sources {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What runs.
    pub status: StatusReader,
    /// What holds.
    pub findings: watch::Receiver<Findings>,
    /// What was measured.
    pub latest: watch::Receiver<Latest>,
    /// The freeze, if there can be one.
    pub coordinator: Option<Coordinator>,
}

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    counters: Counters,
    status: StatusReader,
}

impl Metrics {
    /// What is counted and what is computed.
    pub fn new(sources: Sources, counters: Counters) -> Self {
        let mut registry = Registry::with_prefix("agentapi");
        counters.register(&mut registry);
        let status = sources.status.clone();
        registry.register_collector(Box::new(sources));
        Self { registry, counters, status }
    }

    /// The text, with [`CONTENT_TYPE`].
    ///
    /// # Errors
    ///
    /// Never: a text in memory can be written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        for subject in &self.status.get().subjects {
            self.counters.know(&subject.name);
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.status.get();
        encode_subjects(&mut encoder, &status, self.clock.now())?;
        let held = Arc::clone(&self.findings.borrow());
        let findings = FindingKind::ALL.iter().map(|kind| {
            let count = held.iter().filter(|finding| finding.kind == *kind).count();
            ([("kind", kind.name())], count as f64)
        });
        gauges(&mut encoder, "findings", "Conditions that hold and that a person should know of, by kind", findings)?;
        let freeze = self.coordinator.as_ref().and_then(|coordinator| coordinator.status());
        let stage = freeze.map_or(0.0, |freeze| freeze.since.elapsed().as_secs_f64());
        let help = "How long the freeze that goes on has been at its present stage; 0 while nothing is frozen";
        let frozen = encoder.encode_descriptor("freeze_stage_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(stage).encode(frozen)?;
        let latest = Arc::clone(&self.latest.borrow());
        encode_samples(&mut encoder, &latest)?;
        let build = [([("version", env!("CARGO_PKG_VERSION"))], 1.0)];
        gauges(&mut encoder, "build_info", "The version of this controller", build.into_iter())
    }
}

fn encode_samples(encoder: &mut DescriptorEncoder<'_>, latest: &[Sample]) -> Result<(), fmt::Error> {
    for measure in Measure::ALL {
        let samples = latest.iter().filter(|sample| sample.measure == *measure);
        let (name, label, help) = described(*measure);
        // Prometheus wants ratios.
        let scale = if name.ends_with("_ratio") { 0.01 } else { 1.0 };
        let labels = |sample: &Sample| label.map(|label| (label, sample.of.clone())).into_iter().collect::<Vec<_>>();
        gauges(encoder, name, help, samples.map(|sample| (labels(sample), scale * sample.value)))?;
    }
    Ok(())
}

/// Its name for Prometheus, what the label with the name of what is measured is called, and what it is.
const fn described(measure: Measure) -> (&'static str, Option<&'static str>, &'static str) {
    let (target, disk) = (Some("target"), Some("disk"));
    match measure {
        Measure::Cpu => ("host_cpu_ratio", None, "Processor time of the host in use, over all cores"),
        Measure::Load => ("host_load1", None, "Load of the host over a minute"),
        Measure::Memory => ("host_memory_ratio", None, "Memory of the host in use"),
        Measure::RootDisk => ("host_root_disk_ratio", None, "How full the host's root file system is"),
        Measure::CpuTemperature => ("host_cpu_temperature_celsius", None, "Temperature of the host's processor"),
        Measure::StorageUsed => ("storage_used_ratio", target, "How full a storage target is"),
        Measure::ThinPoolData => ("thin_pool_data_ratio", target, "How full the data of a thin pool is"),
        Measure::ThinPoolMetadata => ("thin_pool_metadata_ratio", target, "How full the metadata of a thin pool is"),
        Measure::DriveTemperature => ("drive_temperature_celsius", target, "Temperature of a drive"),
        Measure::DriveWear => ("drive_wear_ratio", target, "How much of its rated life a drive has used"),
        Measure::DiskUsed => ("disk_used_ratio", disk, "How full a disk of the guest is"),
    }
}

fn encode_subjects(encoder: &mut DescriptorEncoder<'_>, status: &Status, now: Timestamp) -> Result<(), fmt::Error> {
    let label = |name: &str| [("subject", name.to_owned())];
    let subjects = || status.subjects.iter();
    let since = subjects().filter_map(|subject| {
        let seconds = now.duration_since(subject.last_success?).as_secs_f64();
        // Of a clock that was set back, rather than a success to come.
        Some((label(&subject.name), seconds.max(0.0)))
    });
    let help = "Time since a run of a subject was done; none before the first";
    gauges(encoder, "since_success_seconds", help, since)?;
    let until = subjects().filter_map(|subject| {
        Some((label(&subject.name), subject.next_due?.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()))
    });
    gauges(encoder, "next_due_timestamp_seconds", "When a subject is due next, since 1970", until)?;
    let paused = subjects().map(|subject| (label(&subject.name), f64::from(subject.is_paused)));
    gauges(encoder, "schedule_paused", "Whether the schedule of a subject is paused", paused)?;
    let running = subjects()
        .map(|subject| (label(&subject.name), f64::from(matches!(subject.activity, Activity::Running { .. }))));
    gauges(encoder, "running", "Whether a run of a subject goes on", running)
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (impl EncodeLabelSet, f64)>,
) -> Result<(), fmt::Error> {
    let mut values = values.peekable();
    // A family without a sample is left out: its lines would stand alone.
    if values.peek().is_none() {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
