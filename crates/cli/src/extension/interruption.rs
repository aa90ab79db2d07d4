//! The signals that end the run of an extension, and the one that reopens its audit.

use std::sync::Arc;

use agentapi_host::Agent;
use agentapi_host::policy::{AuditFile, Policy};
use anyhow::Context;

use crate::error::CommandError;
use crate::process::signals::{Hangup, Termination};
use crate::status::ExitStatus;

/// The signals that are handled from before a run until nothing is frozen any more.
pub(super) struct RunSignals {
    pub(super) termination: Termination,
    hangup: Hangup,
    pub(super) audit: Option<Arc<AuditFile>>,
}

impl RunSignals {
    /// From now on a signal ends nothing by itself. To be called before the journal is opened, which may begin to thaw.
    pub(super) fn handle() -> anyhow::Result<Self> {
        let handlers = Termination::handle().and_then(|termination| Ok((termination, Hangup::handle()?)));
        let (termination, hangup) = handlers.context("signals cannot be waited for")?;
        Ok(Self { termination, hangup, audit: None })
    }

    /// Runs the extension, and drops the run when a signal says to end.
    pub(super) async fn run(&mut self, policy: &Policy, agent: &Agent, input: &str) -> anyhow::Result<String> {
        let signal = tokio::select! {
            outcome = policy.run(agent, input) => return Ok(outcome?),
            signal = ending_hangup(&mut self.hangup, self.audit.as_deref()) => signal,
            signal = self.termination.recv() => signal,
        };
        let interrupted = "interrupted before the extension had ended; what the agent has begun goes on";
        Err(CommandError::new(interrupted).with_status(ExitStatus::Signal(signal)).into())
    }
}

/// Returns at a SIGHUP that means the terminal is gone. With an audit it means that the file was rotated: it is
/// reopened, and the run goes on.
async fn ending_hangup(hangup: &mut Hangup, audit: Option<&AuditFile>) -> u8 {
    loop {
        let signal = hangup.recv().await;
        let Some(audit) = audit else { return signal };
        if let Err(error) = audit.reopen() {
            tracing::error!(%error, "the audit cannot be reopened: it goes on in the old file");
        }
    }
}
