//! Numbers over time, for plots: how the host, its storage and the disks are doing.
//!
//! | step | kept |
//! | --- | --- |
//! | 1 minute | a day |
//! | 10 minutes | a week |
//! | 2 hours | a month |
//! | 1 day | 13 months |

use std::fmt;
use std::time::Duration;

use agentapi_host::records::{DiskList, MetricsView};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::names;

names! {
    /// What was measured, and of what.
    Measure {
        /// Processor time of the host in use, over all cores, in percent.
        Cpu = "cpu",
        /// Load of the host over a minute.
        Load = "load",
        /// Memory of the host in use, in percent.
        Memory = "memory",
        /// How full the host's root file system is, in percent.
        RootDisk = "root-disk",
        /// Temperature of the host's processor, in degrees Celsius.
        CpuTemperature = "cpu-temperature",
        /// How full a storage target is, in percent.
        StorageUsed = "storage-used",
        /// How full the data of a storage target's thin pool is, in percent.
        ThinPoolData = "thin-pool-data",
        /// How full the metadata of a storage target's thin pool is, in percent.
        ThinPoolMetadata = "thin-pool-metadata",
        /// Temperature of the drive behind a storage target, in degrees Celsius.
        DriveTemperature = "drive-temperature",
        /// How much of its rated life the drive behind a storage target has used, in percent, which may exceed 100.
        DriveWear = "drive-wear",
        /// How full a disk of the guest is, in percent.
        DiskUsed = "disk-used",
    }
}

names! {
    /// The time for which one point of a plot stands.
    Step {
        /// A minute. Kept for a day.
        Minute = "1m",
        /// Ten minutes. Kept for a week.
        TenMinutes = "10m",
        /// Two hours. Kept for a month.
        TwoHours = "2h",
        /// A day of UTC. Kept for 13 months.
        Day = "1d",
    }
}

impl Step {
    /// How long it is.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 60,
            Self::TenMinutes => 10 * 60,
            Self::TwoHours => 2 * 60 * 60,
            Self::Day => 24 * 60 * 60,
        })
    }

    /// How many points of each series are kept.
    pub const fn kept(self) -> u32 {
        match self {
            Self::Minute => 24 * 60,
            Self::TenMinutes => 7 * 24 * 6,
            Self::TwoHours => 31 * 12,
            Self::Day => 400,
        }
    }
}

/// A number that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What was measured.
    pub measure: Measure,
    /// Of which storage target or disk; empty for the host itself.
    pub of: String,
    /// In the measure's unit; finite.
    pub value: f64,
}

/// One measure of one thing, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Series {
    /// What is measured.
    pub measure: Measure,
    /// Of what: a storage target's name, a disk's durable id, or empty for the host itself.
    pub of: String,
    /// When it was measured last.
    pub last_at: Timestamp,
}

/// What was measured during a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Point {
    /// When the step began.
    pub at: Timestamp,
    /// The least.
    pub min: f64,
    /// The mean of all.
    pub mean: f64,
    /// The most.
    pub max: f64,
}

/// What the agent tells of the host. A target that does not answer has numbers that mean nothing, and is left out.
pub fn of_host(view: &MetricsView) -> Vec<Sample> {
    let host = &view.host;
    let mut samples = vec![
        Some(Sample::new(Measure::Cpu, "", host.cpu_percent)),
        host.loadavg.first().and_then(|load| Some(Sample::new(Measure::Load, "", load.parse().ok()?))),
        Some(Sample::new(Measure::Memory, "", host.memory_percent)),
        Some(Sample::new(Measure::RootDisk, "", host.disk_percent)),
        host.cpu_temp_c.map(|degrees| Sample::new(Measure::CpuTemperature, "", degrees as f64)),
    ];
    for target in view.storage_targets.iter().filter(|target| target.reachable) {
        let of = |measure, value| Sample::new(measure, &target.name, value);
        let pool = target.thin_pool.as_ref();
        samples.extend([
            Some(of(Measure::StorageUsed, 100.0 * target.used_fraction)),
            pool.map(|pool| of(Measure::ThinPoolData, 100.0 * pool.data_used_fraction)),
            pool.and_then(|pool| Some(of(Measure::ThinPoolMetadata, 100.0 * pool.metadata_used_fraction?))),
            target.smart.temperature_c.map(|degrees| of(Measure::DriveTemperature, degrees as f64)),
            target.smart.percentage_used.map(|percent| of(Measure::DriveWear, percent as f64)),
        ]);
    }
    samples.into_iter().flatten().filter(Sample::is_kept).collect()
}

/// What the agent tells of the guest's disks. One without a durable id cannot be told from another after a restart.
pub fn of_disks(list: &DiskList) -> Vec<Sample> {
    let identified = list.disks.iter().filter(|disk| !disk.durable_id.is_empty());
    let samples = identified.map(|disk| Sample::new(Measure::DiskUsed, &disk.durable_id, 100.0 * disk.used_fraction));
    samples.filter(Sample::is_kept).collect()
}

impl Sample {
    fn new(measure: Measure, of: &str, value: f64) -> Self {
        Self { measure, of: of.into(), value }
    }

    /// A name comes from the agent, and may be as long as its answer.
    fn is_kept(&self) -> bool {
        self.value.is_finite() && self.of.len() <= MAX_NAME_BYTES
    }
}

/// Length of the name of what is measured.
const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use agentapi_host::records::{Disk, HostStatus, Smart, StorageTarget, ThinPool};

    use super::*;

    fn values(samples: &[Sample]) -> Vec<(Measure, &str, f64)> {
        samples.iter().map(|sample| (sample.measure, sample.of.as_str(), sample.value)).collect()
    }

    #[test]
    fn what_the_host_says_becomes_numbers_and_what_it_does_not_say_none() {
        let host = HostStatus {
            cpu_percent: 12.5,
            memory_percent: f64::NAN,
            loadavg: vec!["0.52".into(), "0.4".into()],
            ..HostStatus::default()
        };
        let pool = ThinPool { data_used_fraction: 0.5, metadata_used_fraction: None };
        let smart = Smart { percentage_used: Some(104), ..Smart::default() };
        let target = |name: &str, reachable| StorageTarget {
            name: name.into(),
            reachable,
            used_fraction: 0.25,
            thin_pool: Some(pool.clone()),
            smart: smart.clone(),
            ..StorageTarget::default()
        };
        let storage_targets = vec![target("local", true), target("away", false), target(&"x".repeat(257), true)];
        let samples = of_host(&MetricsView { host, storage_targets, ..MetricsView::default() });
        let expected = [
            (Measure::Cpu, "", 12.5),
            (Measure::Load, "", 0.52),
            (Measure::RootDisk, "", 0.0),
            (Measure::StorageUsed, "local", 25.0),
            (Measure::ThinPoolData, "local", 50.0),
            (Measure::DriveWear, "local", 104.0),
        ];
        assert_eq!(values(&samples), expected);
    }

    #[test]
    fn a_disk_is_known_by_its_durable_id() {
        let disk = |durable_id: &str| Disk { durable_id: durable_id.into(), used_fraction: 0.75, ..Disk::default() };
        let samples = of_disks(&DiskList { disks: vec![disk("uuid:a"), disk("")], ..DiskList::default() });
        assert_eq!(values(&samples), [(Measure::DiskUsed, "uuid:a", 75.0)]);
    }
}
