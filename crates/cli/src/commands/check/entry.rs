//! One line of the report.

use agentapi_findings::{Finding, Measure, Problem, Severity};
use serde::Serialize;

use crate::print::units::fraction;
use crate::status::CheckStatus;

/// Something that needs attention, or that could not be looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Entry {
    pub(super) severity: Urgency,
    what: &'static str,
    #[serde(rename = "where")]
    place: String,
    /// The same in words.
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Measure>,
}

/// The order of the report, and what counts for the exit status: what is known to be bad goes before what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Urgency {
    Critical,
    Warning,
    Unknown,
}

impl Urgency {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn status(self) -> CheckStatus {
        match self {
            Self::Critical => CheckStatus::Critical,
            Self::Warning => CheckStatus::Warning,
            Self::Unknown => CheckStatus::Unknown,
        }
    }

    /// As the tables colour it. What is not known has no colour.
    pub(super) fn severity(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::Warning => Some(Severity::Warning),
            Self::Unknown => None,
        }
    }
}

impl Entry {
    /// An entry without a threshold.
    pub(super) fn new(severity: Urgency, what: &'static str, place: &str, text: String) -> Self {
        Self { severity, what, place: place.into(), text, measured: None, threshold: None }
    }
}

impl From<Finding> for Entry {
    fn from(finding: Finding) -> Self {
        let text = describe(&finding);
        let Finding { severity, what, place, measured, threshold } = finding;
        let severity = match severity {
            Severity::Critical => Urgency::Critical,
            Severity::Warning => Urgency::Warning,
        };
        Self { severity, what: what.as_str(), place, text, measured: Some(measured), threshold: Some(threshold) }
    }
}

fn describe(finding: &Finding) -> String {
    let Finding { place, measured, threshold, .. } = finding;
    let state = match measured {
        Measure::State(text) => text.as_str(),
        Measure::Number(_) => "",
    };
    let reached = |unit: fn(f64) -> String| match (measured, threshold) {
        (Measure::Number(value), Measure::Number(level)) => format!("{} (from {} on)", unit(*value), unit(*level)),
        _ => String::new(),
    };
    match finding.what {
        Problem::SmartHealth => format!("{place}: the disk's own verdict (SMART) is {state}"),
        Problem::ThinPoolMetadata => format!("{place}: metadata of the thin pool used: {}", reached(fraction)),
        Problem::ThinPoolData => format!("{place}: data of the thin pool used: {}", reached(fraction)),
        Problem::Unreachable => format!("{place}: {state}, the host does not reach it"),
        Problem::TargetFull | Problem::DiskFull => format!("{place}: used: {}", reached(fraction)),
        Problem::CpuHot => format!("{place}: processor at {}", reached(degrees)),
        Problem::DiskHot => format!("{place}: disk at {}", reached(degrees)),
        Problem::DiskWorn => format!("{place}: rated life of the disk used: {}", reached(percent)),
    }
}

fn degrees(value: f64) -> String {
    format!("{value} °C")
}

fn percent(value: f64) -> String {
    format!("{value}%")
}
