//! `agentapi backup run`: the backup loop, an extension that comes with the host library, with the operator's options.

mod options;
mod progress;
mod report;

use std::sync::Arc;
use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::policy::{BackupOutcome, BackupReport, Policy};
use anyhow::Context;

pub(super) use crate::commands::backup::run::options::{BackupRunOptions, EXAMPLES};

use crate::commands::backup::run::progress::Progress;
use crate::commands::backup::run::report::{describe, describe_worth, to_json, worth};
use crate::extension::tell::tell;
use crate::extension::{self, Job, RunOutcome, Verdict};
use crate::print::Output;
use crate::print::escape::visible;
use crate::session::Session;
use crate::status::ExitStatus;

/// Runs the loop once and prints its report.
pub(super) fn run(session: &Session, options: &BackupRunOptions) -> anyhow::Result<()> {
    extension::run(session, &options.extension, &BackupJob { options, output: session.output })
}

struct BackupJob<'a> {
    options: &'a BackupRunOptions,
    output: Output,
}

impl Job for BackupJob<'_> {
    fn input(&self) -> anyhow::Result<String> {
        Ok(self.options.settings().input()?)
    }

    fn lease(&self) -> Duration {
        self.options.lease()
    }

    fn load(&self, host: &Host) -> anyhow::Result<Policy> {
        Ok(host.backup_loop()?.captured(self.options.captured()).log(Arc::new(Progress)))
    }

    fn report(&self, outcome: &RunOutcome) -> anyhow::Result<String> {
        let (report, freeze) = (read(outcome)?, &outcome.freeze);
        Ok(self.output.text(|| to_json(&report, freeze), || describe(&report, freeze)))
    }

    fn tell_end_of_thaw(&self, outcome: &RunOutcome) {
        if let Ok(report) = read(outcome) {
            describe_worth(&report, &outcome.freeze).lines().for_each(tell);
        }
    }

    fn verdict(&self, outcome: &RunOutcome) -> anyhow::Result<Verdict> {
        let report = read(outcome)?;
        let status = exit_status(report.outcome);
        let worth = worth(&report, &outcome.freeze);
        let worth = worth.filter(|worth| status == ExitStatus::Done && worth.is_less_than_application());
        let Some(worth) = worth.filter(|_| self.options.wants_application_consistency()) else {
            return Ok(status.into());
        };
        let (consistency, reason) = (visible(&worth.consistency), visible(&worth.reason));
        Ok(Verdict::with_words(
            ExitStatus::CrashConsistent,
            format!(
                "the backup is {consistency}-consistent ({reason}), and was to be application-consistent; --accept \
                 crash-consistent takes such a backup for done"
            ),
        ))
    }
}

fn read(outcome: &RunOutcome) -> anyhow::Result<BackupReport> {
    BackupReport::parse(&outcome.result).context("the report cannot be read")
}

fn exit_status(outcome: BackupOutcome) -> ExitStatus {
    match outcome {
        BackupOutcome::Done => ExitStatus::Done,
        BackupOutcome::NotDue => ExitStatus::NotDue,
        BackupOutcome::AlreadyRunning | BackupOutcome::Busy => ExitStatus::Busy,
        BackupOutcome::Failed | BackupOutcome::NotFrozen | BackupOutcome::NotStarted => ExitStatus::Failed,
        BackupOutcome::Unknown | BackupOutcome::Lost | BackupOutcome::StillRunning => ExitStatus::Unknown,
        // The enum may grow in the host library before this command knows the new outcome.
        _ => ExitStatus::Unknown,
    }
}
