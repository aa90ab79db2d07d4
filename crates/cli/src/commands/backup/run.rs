//! `agentapi backup run`: the backup loop, an extension that comes with the host library, with the operator's options.

mod options;
mod progress;
mod report;

use std::sync::Arc;

use agentapi_host::Host;
use agentapi_host::policy::{BackupOutcome, BackupReport, Log};
use anyhow::Context;

pub(super) use crate::commands::backup::run::options::{BackupRunOptions, EXAMPLES};

use crate::commands::backup::run::progress::Progress;
use crate::commands::backup::run::report::{describe, to_json};
use crate::error::SilentFailure;
use crate::extension;
use crate::print::{print, print_json};
use crate::session::Session;
use crate::status::ExitStatus;

/// Runs the loop once and prints its report.
pub(super) fn run(session: &Session, options: &BackupRunOptions) -> anyhow::Result<()> {
    let progress = Arc::new(Progress::start());
    let log = Arc::clone(&progress) as Arc<dyn Log>;
    let load = |host: &Host| Ok(host.backup_loop()?.captured(options.captured()).log(log));
    let outcome = extension::run(session, &options.extension, &options.settings().input()?, load);
    // Before anything else is printed, an error too: the spinner would draw over it.
    progress.finish();
    let outcome = outcome?;
    let report = BackupReport::parse(&outcome.result).context("the report cannot be read")?;
    if session.output.json {
        print_json(&to_json(&report, outcome.freeze.as_ref()))?;
    } else {
        print(&describe(&report, outcome.freeze.as_ref()))?;
    }
    match exit_status(report.outcome) {
        ExitStatus::Done => Ok(()),
        status => Err(SilentFailure(status).into()),
    }
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
