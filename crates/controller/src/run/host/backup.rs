//! A run of the backup loop.

use std::time::Duration;

use agentapi_host::Agent;
use agentapi_host::policy::{BackupOutcome, BackupReport, CallFailure};
use agentapi_host::quiesce::{Consistency, Report};
use tokio_util::sync::CancellationToken;

use crate::run::host::{BackupWork, HostRunner};
use crate::run::{RunEnd, RunId, RunState};

impl HostRunner {
    pub(super) async fn back_up(
        &self,
        run: RunId,
        agent: &Agent,
        work: &BackupWork,
        stop: &CancellationToken,
    ) -> RunEnd {
        tokio::select! {
            noted = self.note_job_before(run, agent) => if let Err(end) = noted { return end },
            () = stop.cancelled() => return RunEnd::new(RunState::Stopped, "it was stopped before the agent was asked"),
        }
        let policy = self.prepare(run, agent, &work.policy, Duration::MAX);
        let earlier = self.coordinator.as_ref().and_then(|coordinator| coordinator.last_report());
        let result = match self.drive(&policy, agent, &work.input, stop).await {
            Ok(result) => result,
            Err(end) => return end,
        };
        let latest = self.coordinator.as_ref().and_then(|coordinator| coordinator.last_report());
        let freeze = latest.filter(|latest| Some(latest) != earlier.as_ref());
        match BackupReport::parse(&result) {
            Ok(report) => end_of(&report, result, freeze.as_ref(), work.accepts_crash_consistent),
            Err(why) => RunEnd::new(RunState::Failed, format!("the report of the backup loop cannot be read: {why}")),
        }
    }

    /// Writes down which backup was the latest before this run may start one: after a crash that tells whether it did. On the
    /// disk before anything is frozen or started.
    async fn note_job_before(&self, run: RunId, agent: &Agent) -> Result<(), RunEnd> {
        let not_begun = |what: &str, why: String| RunEnd::new(RunState::Failed, format!("{what}: {why}"));
        let status = agent.backup_status().await;
        let status = status.map_err(|why| not_begun("the agent was not asked", agentapi_host::error_chain(&why)))?;
        let written = self.store.writer().write(move |tx| tx.set_job_before(run, &status.job_id)).await;
        written.map_err(|why| not_begun("it cannot be written down", agentapi_host::error_chain(&why)))
    }
}

fn end_of(report: &BackupReport, result: String, freeze: Option<&Report>, accepts_crash_consistent: bool) -> RunEnd {
    let failure = report.error.as_ref().map(failure_text).unwrap_or_default();
    let (state, reason) = match report.outcome {
        BackupOutcome::Done => (RunState::Done, String::new()),
        BackupOutcome::NotDue => (RunState::Done, format!("no backup is due: {}", report.reason)),
        BackupOutcome::Failed => (RunState::Failed, report.reason.clone()),
        BackupOutcome::AlreadyRunning => (RunState::Failed, format!("backup {} is running already", report.job_id)),
        BackupOutcome::Busy => (RunState::Failed, report.reason.clone()),
        BackupOutcome::NotFrozen => (RunState::Failed, format!("the applications were not frozen: {}", report.reason)),
        BackupOutcome::NotStarted => (RunState::Failed, failure),
        BackupOutcome::Unknown => {
            (RunState::Unknown, format!("it is not known whether a backup was started: {failure}"))
        }
        BackupOutcome::Lost => (RunState::Unknown, format!("backup {} is out of sight: {failure}", report.job_id)),
        BackupOutcome::StillRunning => (RunState::Unknown, format!("backup {} is {}", report.job_id, report.reason)),
        other => (RunState::Unknown, format!("{other:?}")),
    };
    let consistency =
        freeze.filter(|_| report.outcome == BackupOutcome::Done).map(|freeze| match freeze.consistency() {
            Consistency::Application => "application".to_owned(),
            Consistency::Crash { reason } => format!("crash: {reason}"),
        });
    let is_worse = consistency.as_deref().is_some_and(|consistency| consistency != "application");
    let (state, reason) = match &consistency {
        // It was asked to be consistent, and whoever restores it at night would find out.
        Some(worth) if is_worse && !accepts_crash_consistent => (RunState::Failed, format!("only {worth}")),
        _ => (state, reason),
    };
    RunEnd {
        state,
        reason,
        result: Some(result),
        job_id: Some(report.job_id.clone()).filter(|job| !job.is_empty()),
        consistency,
        frozen_ms: freeze.map(|freeze| i64::try_from(freeze.frozen.as_millis()).unwrap_or(i64::MAX)),
    }
}

fn failure_text(failure: &CallFailure) -> String {
    let CallFailure { call, kind, message, .. } = failure;
    if message.is_empty() {
        format!("{call} failed with {kind}")
    } else {
        format!("{call} failed with {kind}: {message}")
    }
}
