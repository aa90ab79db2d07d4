//! One finding, and the order in which findings are reported.

use alloc::string::String;
use core::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::thresholds::{Levels, Severity};

/// One problem that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How soon somebody should look at it.
    pub severity: Severity,
    /// What kind of problem it is.
    pub what: Problem,
    /// The storage target, the disk and its device, or the node.
    #[serde(rename = "where")]
    pub place: String,
    /// What was found.
    pub measured: Measure,
    /// The threshold that it has reached; for a state, what it should be.
    pub threshold: Measure,
}

/// The kinds of problems. Within a severity they are sorted in this order: a pool without metadata stops every guest on
/// it at once, a worn disk may go on for months.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Problem {
    /// A disk says that it fails, or something that is not known.
    SmartHealth,
    /// A thin pool's metadata is nearly full.
    ThinPoolMetadata,
    /// A thin pool's data is nearly full.
    ThinPoolData,
    /// The host does not reach a storage target.
    Unreachable,
    /// A storage target is nearly full.
    TargetFull,
    /// A disk, or the host's root file system, is nearly full.
    DiskFull,
    /// The processor is hot.
    CpuHot,
    /// A disk is hot.
    DiskHot,
    /// A disk's rated life is nearly used up.
    DiskWorn,
}

/// A number in the unit of its threshold, or a state in the agent's words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Measure {
    /// A number: fractions from 0 to 1, percentages from 0 to 100, degrees Celsius.
    Number(f64),
    /// A state in the agent's words.
    State(String),
}

impl Finding {
    /// The order of a report: by severity, then by kind, then the larger number first.
    pub fn most_urgent_first(&self, other: &Self) -> Ordering {
        let by_number = match (&self.measured, &other.measured) {
            (Measure::Number(one), Measure::Number(two)) => two.total_cmp(one),
            _ => Ordering::Equal,
        };
        (self.severity, self.what).cmp(&(other.severity, other.what)).then(by_number)
    }

    /// A finding if the value has reached a threshold.
    pub(crate) fn number(what: Problem, place: &str, value: f64, levels: Levels) -> Option<Self> {
        let (severity, threshold) = levels.judge(value)?;
        let (measured, threshold) = (Measure::Number(value), Measure::Number(threshold));
        Some(Self { severity, what, place: place.into(), measured, threshold })
    }

    pub(crate) fn state(severity: Severity, what: Problem, place: &str, found: &str, expected: &str) -> Self {
        let (measured, threshold) = (Measure::State(found.into()), Measure::State(expected.into()));
        Self { severity, what, place: place.into(), measured, threshold }
    }
}

impl Problem {
    /// The name of the kind, as it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SmartHealth => "smart-health",
            Self::ThinPoolMetadata => "thin-pool-metadata",
            Self::ThinPoolData => "thin-pool-data",
            Self::Unreachable => "unreachable",
            Self::TargetFull => "target-full",
            Self::DiskFull => "disk-full",
            Self::CpuHot => "cpu-hot",
            Self::DiskHot => "disk-hot",
            Self::DiskWorn => "disk-worn",
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
