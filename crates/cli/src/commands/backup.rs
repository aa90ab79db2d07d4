//! `agentapi backup due|start|status`.

pub(crate) mod run;

use agentapi_host::Agent;
use agentapi_host::records::{BackupDue, BackupJob, BackupPhase, BackupStatus};

use crate::print::Output;
use crate::print::escape::visible;

/// Prints whether a backup is due.
pub(crate) async fn due(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.print(&agent.backup_due().await?, describe_due)?)
}

/// Starts a backup.
pub(crate) async fn start(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.print(&agent.start_backup().await?, describe_job)?)
}

/// Prints how far the latest backup is.
pub(crate) async fn status(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.print(&agent.backup_status().await?, describe_status)?)
}

fn describe_due(view: &BackupDue) -> String {
    let due = if view.due { "A backup is due" } else { "No backup is due" };
    format!("{due} for guest {}{}\n", view.vmid, because(&view.reason))
}

fn describe_job(job: &BackupJob) -> String {
    let (name, phase) = (visible(&job.job_id), phase(&job.phase));
    format!("Backup {name} of guest {} is {phase}. Follow it with: agentapi backup status\n", job.vmid)
}

fn describe_status(status: &BackupStatus) -> String {
    let (vmid, name) = (status.vmid, visible(&status.job_id));
    match &status.phase {
        BackupPhase::Idle => format!("No backup of guest {vmid} was started yet.\n"),
        other => format!("Backup {name} of guest {vmid}: {}{}\n", phase(other), because(&status.error)),
    }
}

fn phase(phase: &BackupPhase) -> String {
    match phase.as_str() {
        "" => "in a phase that the agent does not name".into(),
        text => visible(text).into_owned(),
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { ".".into() } else { format!(": {}", visible(reason)) }
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{BackupDue, BackupPhase, BackupStatus};

    use super::{describe_due, describe_status};

    #[test]
    fn due_or_not_is_said_with_its_reason() {
        let say = |due, reason: &str| describe_due(&BackupDue { vmid: 7, due, reason: reason.into() });
        assert_eq!(say(true, "26h\u{7} ago"), "A backup is due for guest 7: 26h\\u{7} ago\n");
        assert_eq!(say(false, ""), "No backup is due for guest 7.\n");
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
