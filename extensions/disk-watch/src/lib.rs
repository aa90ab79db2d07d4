//! Disk watch: reports what needs somebody's attention on the host's storage, most urgent first.
//!
//! It only reads. A call that fails is named in the report, and what the other one returned is judged all the same: a
//! disk that is full should not go unnoticed because the host's metrics are missing.
//!
//! `no_std`, so that it imports nothing but the two operations that it calls, and can be plugged onto the client.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod findings;

use alloc::vec::Vec;

#[cfg(target_arch = "wasm32")]
use agentapi_component_runtime as _;
use agentapi_extension::disks::{self, DiskList};
use agentapi_extension::host_metrics::{self, MetricsView};
use agentapi_extension::{CallError, Extension, Failure};
use agentapi_findings::{Finding, Thresholds};
use serde::Serialize;

use findings::{judge_disks, judge_metrics};

/// The extension.
pub struct DiskWatch;

impl Extension for DiskWatch {
    type Input = Thresholds;
    type Output = Report;

    fn run(thresholds: Thresholds) -> Result<Report, Failure> {
        thresholds.check()?;
        Ok(Report::of(host_metrics::collect(), disks::list(), &thresholds))
    }
}

agentapi_extension::export!(DiskWatch);

/// The extension's result.
#[derive(Serialize)]
pub struct Report {
    /// Most urgent first.
    findings: Vec<Finding>,
    /// The calls that failed. The findings hold nothing of what they would have shown.
    errors: Vec<CallError>,
}

impl Report {
    fn of(
        metrics: Result<MetricsView, CallError>,
        disks: Result<DiskList, CallError>,
        thresholds: &Thresholds,
    ) -> Self {
        let (mut findings, mut errors) = (Vec::new(), Vec::new());
        match metrics {
            Ok(metrics) => findings.extend(judge_metrics(&metrics, thresholds)),
            Err(error) => errors.push(error),
        }
        match disks {
            Ok(list) => findings.extend(judge_disks(&list.disks, thresholds)),
            Err(error) => errors.push(error),
        }
        findings.sort_by(Finding::most_urgent_first);
        Self { findings, errors }
    }
}

#[cfg(test)]
mod tests {
    use agentapi_extension::types::{Error, HttpAnswer};
    use serde_json::json;

    use super::*;
    use crate::findings::tests::{disk, healthy, metrics, target};

    fn report(metrics: Result<MetricsView, Error>, disks: Result<DiskList, Error>) -> serde_json::Value {
        let metrics = metrics.map_err(|error| CallError { call: "host-metrics.collect", error });
        let disks = disks.map_err(|error| CallError { call: "disks.list", error });
        serde_json::to_value(Report::of(metrics, disks, &Thresholds::default())).unwrap()
    }

    fn list(used_fraction: f64) -> DiskList {
        DiskList { vmid: 101, disks: alloc::vec![disk("media", used_fraction)] }
    }

    #[test]
    fn where_all_is_well_nothing_is_found() {
        let report = report(Ok(metrics(47, [target("local-lvm", 0.5, healthy())])), Ok(list(0.5)));
        assert_eq!(report, json!({ "findings": [], "errors": [] }));
    }

    #[test]
    fn a_call_that_fails_does_not_hide_the_other() {
        let full = json!([{
            "severity": "critical", "what": "disk-full", "where": "media (/dev/sdb1)", "measured": 0.97, "threshold": 0.95,
        }]);
        let failed = json!([{ "call": "host-metrics.collect", "kind": "http-status", "message": "503 starting" }]);
        let starting = Error::HttpStatus(HttpAnswer { status: 503, text: "starting".into() });
        let without_metrics = report(Err(starting), Ok(list(0.97)));
        assert_eq!(without_metrics, json!({ "findings": full, "errors": failed }));

        let hot = json!([{
            "severity": "warning", "what": "cpu-hot", "where": "pve", "measured": 85.0, "threshold": 80.0,
        }]);
        let failed = json!([{ "call": "disks.list", "kind": "denied", "message": "the grant disks.list is missing" }]);
        let denied = Error::Denied("the grant disks.list is missing".into());
        assert_eq!(report(Ok(metrics(85, [])), Err(denied)), json!({ "findings": hot, "errors": failed }));
    }

    #[test]
    fn what_is_critical_comes_first_whichever_call_it_came_from() {
        let pool_at_85_percent = findings::tests::thin_pool("local-lvm", 0.85, None);
        let report = report(Ok(metrics(47, [pool_at_85_percent])), Ok(list(0.97)));
        assert_eq!(report["findings"][0]["what"], "disk-full");
        assert_eq!(report["findings"][1]["what"], "thin-pool-data");
    }

    #[test]
    fn a_wrong_input_is_an_error_of_the_extension() {
        let error: serde_json::Value =
            serde_json::from_str(&agentapi_extension::run::<DiskWatch>("{\"thinpool\": 1}").unwrap_err()).unwrap();
        assert_eq!(error["error"]["kind"], "extension");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("input: unknown field `thinpool`, expected one of `thin_pool`"), "{message}");
    }
}
