//! Stale backup: tells the operator when no backup has succeeded for too long, and what needs attention on the host: thin
//! pools, storage, SMART, temperatures. Each is told once, and told as over when it is.
//!
//! The agent speaks of the latest backup only, and not of when it was. So this extension remembers when it first saw each
//! success, and has to run more often than backups are made.

mod history;
mod messages;

use agentapi_extension::backup::{self, BackupStatus};
use agentapi_extension::host_metrics::{self, MetricsView};
use agentapi_extension::{CallError, Extension, Failure, clock, notify, state, warn};
use agentapi_findings::{Finding, Thresholds, judge_metrics};
use serde::{Deserialize, Serialize};

use history::History;

/// The extension.
pub struct StaleBackup;

/// What whoever runs it may set.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How old the latest success may be, in hours.
    max_age_h: f64,
    /// From which figures on the host needs attention.
    thresholds: Thresholds,
}

impl Default for Settings {
    fn default() -> Self {
        // A daily backup that has failed once, and was not made up for.
        Self { max_age_h: 50.0, thresholds: Thresholds::default() }
    }
}

impl Extension for StaleBackup {
    type Input = Settings;
    type Output = Report;

    fn run(settings: Settings) -> Result<Report, Failure> {
        settings.check()?;
        let now_ms = clock::now_unix_ms();
        let before: Option<History> = state::get(HISTORY)?;
        let mut history = before.clone().unwrap_or_else(|| History::beginning(now_ms));
        let (status, metrics) = (backup::status(), host_metrics::collect());
        history.observe(status.as_ref().ok(), now_ms);
        if before.as_ref() != Some(&history) {
            state::set(HISTORY, &history)?;
        }

        let report = Report::of(&settings, &history, status.as_ref(), metrics.as_ref(), now_ms);
        // What was found earlier may hold still: a host that does not answer has not become well.
        notify::raise_only(messages::of(&report, &settings), |key| metrics.is_err() && messages::is_of_host(key))?;
        Ok(report)
    }
}

agentapi_extension::export!(StaleBackup);

impl Settings {
    fn check(&self) -> Result<(), String> {
        let hours = self.max_age_h;
        if !(hours > 0.0 && hours <= MAX_HOURS) {
            return Err(format!("input: max_age_h: expected above 0 and at most {MAX_HOURS}, found {hours}"));
        }
        self.thresholds.check().map_err(|why| why.replacen("input: ", "input: thresholds.", 1))
    }
}

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    stale: bool,
    /// Hours since a success was first seen; without any, since the first run.
    age_h: f64,
    /// Whether a success was ever seen.
    succeeded: bool,
    /// Why the latest backup failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_error: Option<String>,
    /// What needs attention on the host, most urgent first.
    findings: Vec<Finding>,
    /// The calls that failed.
    errors: Vec<CallError>,
}

impl Report {
    fn of(
        settings: &Settings,
        history: &History,
        status: Result<&BackupStatus, &CallError>,
        metrics: Result<&MetricsView, &CallError>,
        now_ms: u64,
    ) -> Self {
        let age_h = history.age_ms(now_ms) as f64 / MS_PER_HOUR;
        let mut findings = metrics.map_or_else(|_| Vec::new(), |metrics| judge_metrics(metrics, &settings.thresholds));
        findings.sort_by(Finding::most_urgent_first);
        let errors: Vec<_> = status.err().into_iter().chain(metrics.err()).cloned().collect();
        errors.iter().for_each(|error| warn!("{error}"));
        Self {
            stale: age_h > settings.max_age_h,
            age_h,
            succeeded: history.has_success(),
            latest_error: status.ok().and_then(history::failure),
            findings,
            errors,
        }
    }
}

/// The key of the state.
const HISTORY: &str = "history";
const MS_PER_HOUR: f64 = 3_600_000.0;
/// Ten years.
const MAX_HOURS: f64 = 87_600.0;

#[cfg(test)]
mod tests;
