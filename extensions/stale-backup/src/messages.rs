//! What the operator is told. A message is told again where it changes, so none holds a number that changes from run to
//! run: the figures are in the result.

use agentapi_extension::notify::{Notification, Severity as Told};
use agentapi_extension::warn;
use agentapi_findings::{Finding, Measure, Severity};

use crate::{Report, Settings};

/// The messages of a report, most urgent first within the host's.
pub(crate) fn of(report: &Report, settings: &Settings) -> Vec<Notification> {
    let mut messages = Vec::new();
    if report.stale {
        messages.push(stale(report, settings));
    }
    let told = report.findings.iter().take(MAX_FINDINGS);
    if report.findings.len() > MAX_FINDINGS {
        warn!("{} findings: the {MAX_FINDINGS} most urgent are told", report.findings.len());
    }
    messages.extend(told.map(finding));
    messages
}

/// Whether a key is one of a finding, which the host's metrics tell about.
pub(crate) fn is_of_host(key: &str) -> bool {
    key != STALE
}

fn stale(report: &Report, settings: &Settings) -> Notification {
    let title = format!("No backup has succeeded for more than {} h", settings.max_age_h);
    let text = match (&report.latest_error, report.succeeded) {
        (Some(error), _) => format!("The latest backup failed: {error}"),
        (None, true) => String::new(),
        (None, false) => "None has succeeded since this is watched.".into(),
    };
    Notification::new(STALE, Told::Critical, title).text(text)
}

fn finding(finding: &Finding) -> Notification {
    let Finding { severity, what, place, measured, threshold } = finding;
    let severity = match severity {
        Severity::Critical => Told::Critical,
        Severity::Warning => Told::Warning,
    };
    let text = match (measured, threshold) {
        (Measure::Number(_), Measure::Number(threshold)) => format!("It has reached {threshold}."),
        (Measure::State(found), Measure::State(expected)) => format!("Expected {expected}, found {found}."),
        (Measure::Number(_), Measure::State(_)) | (Measure::State(_), Measure::Number(_)) => String::new(),
    };
    let what = what.as_str();
    Notification::new(format!("{what}:{place}"), severity, format!("{place}: {}", what.replace('-', " "))).text(text)
}

/// The key of the message that backups stay away.
const STALE: &str = "backup-stale";

/// More are nothing that anybody reads, and the host takes a bounded number of keys.
const MAX_FINDINGS: usize = 32;
