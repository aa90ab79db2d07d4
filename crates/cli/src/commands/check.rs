//! `agentapi check`: everything that the agent knows, looked at once, in the form that monitoring programs read.
//!
//! Such a program takes the exit status and the first line of stdout, so all that goes wrong is said there too: an agent
//! that cannot be asked is no crash of the check, but its result.

mod entry;
mod report;

use agentapi_host::Agent;

use crate::commands::check::report::{Look, Report};
use crate::print;
use crate::print::width::stdout_columns;
use crate::session::Session;
use crate::session::target::TargetOptions;
use crate::status::{CheckStatus, ExitStatus};

/// Looks, prints what needs attention, and ends with the status of the worst of it.
pub(crate) fn run(session: &Session, target: &TargetOptions) -> anyhow::Result<()> {
    let mut found = None;
    let outcome = session.with_agent(target, async |agent, _| {
        found = Some(Report::of(&look(agent).await));
        Ok(())
    });
    let report = match (outcome, found) {
        (Ok(()), Some(report)) => report,
        (Ok(()), None) => Report::of_failure("nothing was looked at"),
        (Err(error), _) => Report::of_failure(&format!("{error:#}")),
    };
    let text = session.output.text(|| &report, || report.text(stdout_columns()));
    print::report(ExitStatus::Check(report.status()), &text)
}

/// Five requests side by side: one deadline for all, and a monitoring program waits ten seconds as a rule.
async fn look(agent: &Agent) -> Look {
    let (storage, due, status, disks, metrics) =
        tokio::join!(agent.storage(), agent.backup_due(), agent.backup_status(), agent.disks(), agent.host_metrics());
    Look { storage, due, status, disks, metrics }
}

/// The status of a command line that clap refuses: 2 would be critical where `check` is meant.
pub(crate) fn status_of_usage(status: ExitStatus) -> ExitStatus {
    let is_check = std::env::args_os().nth(1).is_some_and(|word| word == "check");
    if is_check { status_of_failure(status) } else { status }
}

/// The status of a check that could not begin.
pub(crate) fn status_of_failure(status: ExitStatus) -> ExitStatus {
    match status {
        ExitStatus::Failed | ExitStatus::WrongUsage => ExitStatus::Check(CheckStatus::Unknown),
        status => status,
    }
}
