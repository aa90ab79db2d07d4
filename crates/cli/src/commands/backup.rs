//! `agentapi backup`: due, start and status are one request each; `run` is the backup loop.

mod run;

use agentapi_host::records::{BackupDue, BackupJob, BackupPhase, BackupStatus};
use agentapi_host::{Agent, Route};
use clap::Subcommand;

use crate::commands::backup::run::BackupRunOptions;
use crate::error::ActionError;
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::width::stdout_columns;
use crate::print::wrap::wrap;
use crate::session::Session;
use crate::session::target::TargetOptions;
use crate::status::ExitStatus;

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum BackupCommand {
    /// Say whether a backup is due, and why (GET /backup/due)
    ///
    /// The exit status is 0 whether one is due or not: programs read the field `due` with --json.
    Due(TargetOptions),
    /// Start a backup and return at once (POST /backup)
    ///
    /// Sent at most once. Where the answer was lost the backup may be running, which is exit status 5:
    /// see `agentapi backup status` before you start another.
    Start(TargetOptions),
    /// Say how far the latest backup is (GET /backup/status)
    Status(TargetOptions),
    /// Back up if one is due: freeze the applications, start, follow to the end, thaw, report
    ///
    /// At most one backup is started; where the answer to the start is lost, the status says what
    /// became of it. Whatever happens, the applications are thawed: when the backup has ended, when
    /// this command is interrupted or the lease ends, and by the next run after a crash. The report
    /// says what the backup is worth.
    ///
    /// Exit status 0 done, 1 failed or nothing was started, 3 not due, 4 a backup is running or another
    /// freeze is held, 5 nobody can say how it ended, 6 done but crash-consistent, 7 still frozen.
    #[command(after_long_help = run::EXAMPLES)]
    Run(Box<BackupRunOptions>),
}

/// Runs one of the subcommands.
pub(crate) fn run(session: &Session, command: BackupCommand) -> anyhow::Result<()> {
    match command {
        BackupCommand::Due(target) => {
            session.with_record(&target, Route::BackupDue, async |agent: &Agent| agent.backup_due().await, due)
        }
        BackupCommand::Start(target) => session.with_agent(&target, start),
        BackupCommand::Status(target) => {
            session.with_record(&target, Route::BackupStatus, async |agent: &Agent| agent.backup_status().await, status)
        }
        BackupCommand::Run(options) => run::run(session, &options),
    }
}

fn due(due: &BackupDue, output: Output) -> anyhow::Result<()> {
    Ok(output.show(due, |due| fit(&describe_due(due)))?)
}

async fn start(agent: &Agent, output: Output) -> anyhow::Result<()> {
    let job = agent.start_backup().await.map_err(ActionError)?;
    output.report(ExitStatus::Done, &job, |job| fit(&describe_job(job)))
}

fn status(status: &BackupStatus, output: Output) -> anyhow::Result<()> {
    Ok(output.show(status, |status| fit(&describe_status(status)))?)
}

/// A sentence, broken between words where the terminal is narrow.
fn fit(sentence: &str) -> String {
    wrap(sentence, stdout_columns(), 2)
}

fn describe_due(view: &BackupDue) -> String {
    let due = if view.due { "A backup is due" } else { "No backup is due" };
    format!("{due} for guest {}{}\n", view.vmid, because(&view.reason))
}

fn describe_job(job: &BackupJob) -> String {
    let (name, phase) = (visible(&job.job_id), describe_phase(&job.phase));
    format!("Backup {name} of guest {} is {phase}. Follow it with: agentapi backup status\n", job.vmid)
}

fn describe_status(status: &BackupStatus) -> String {
    let (vmid, name) = (status.vmid, visible(&status.job_id));
    match &status.phase {
        BackupPhase::Idle => format!("No backup of guest {vmid} was started yet.\n"),
        phase => format!("Backup {name} of guest {vmid}: {}{}\n", describe_phase(phase), because(&status.error)),
    }
}

fn describe_phase(phase: &BackupPhase) -> String {
    match phase.as_str() {
        "" => "in a phase that the agent does not name".into(),
        text => visible(text).into_owned(),
    }
}

/// The end of a sentence: its reason, or a full stop where the agent gives none.
fn because(reason: &str) -> String {
    if reason.is_empty() { ".".into() } else { format!(": {}", visible(reason)) }
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{BackupDue, BackupPhase, BackupStatus};

    use super::{describe_due, describe_status};

    #[test]
    fn due_or_not_is_said_with_its_reason() {
        let text = |due, reason: &str| describe_due(&BackupDue { vmid: 7, due, reason: reason.into() });
        assert_eq!(text(true, "26h\u{7} ago"), "A backup is due for guest 7: 26h\\u{7} ago\n");
        assert_eq!(text(false, ""), "No backup is due for guest 7.\n");
    }

    #[test]
    fn every_phase_reads_as_a_sentence() {
        let cases = [
            (BackupPhase::Idle, "No backup of guest 7 was started yet.\n"),
            (BackupPhase::Running, "Backup bk-1 of guest 7: running.\n"),
            (BackupPhase::Other("paused".into()), "Backup bk-1 of guest 7: paused.\n"),
            (BackupPhase::Other(String::new()), "Backup bk-1 of guest 7: in a phase that the agent does not name.\n"),
        ];
        for (phase, text) in cases {
            let status = BackupStatus { vmid: 7, phase, job_id: "bk-1".into(), error: String::new() };
            assert_eq!(describe_status(&status), text);
        }
        let (phase, error) = (BackupPhase::Failed, "no space left".into());
        let failed = BackupStatus { vmid: 7, phase, job_id: "bk-1".into(), error };
        assert_eq!(describe_status(&failed), "Backup bk-1 of guest 7: failed: no space left\n");
    }
}
