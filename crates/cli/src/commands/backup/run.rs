//! `agentapi backup run`: the backup loop, an extension that comes with the host library, with the operator's options.

mod options;
mod progress;
mod report;

use std::sync::Arc;

use agentapi_host::Host;
use agentapi_host::policy::{BackupOutcome, BackupReport};
use anyhow::Context;

pub(super) use crate::commands::backup::run::options::{BackupRunOptions, EXAMPLES};

use crate::commands::backup::run::progress::Progress;
use crate::commands::backup::run::report::{describe, to_json};
use crate::extension;
use crate::process::stderr::stderr;
use crate::session::Session;
use crate::status::ExitStatus;

/// Runs the loop once and prints its report.
pub(super) fn run(session: &Session, options: &BackupRunOptions) -> anyhow::Result<()> {
    let load = |host: &Host| Ok(host.backup_loop()?.captured(options.captured()).log(Arc::new(Progress)));
    let outcome = extension::run(session, &options.extension, &options.settings().input()?, load);
    // Before anything else is printed: the line would be drawn over it.
    stderr().end_progress();
    let outcome = outcome?;
    let report = BackupReport::parse(&outcome.result).context("the report cannot be read")?;
    let freeze = outcome.freeze.as_ref();
    let text = session.output.text(|| to_json(&report, freeze), || describe(&report, freeze));
    extension::report(exit_status(report.outcome), text)
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
