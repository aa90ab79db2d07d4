//! The signals that end the run of an extension, and the one that reopens its audit.

use std::sync::Arc;

use agentapi_host::Agent;
use agentapi_host::policy::{AuditFile, Policy};
use agentapi_host::quiesce::{AfterThaw, Coordinator, ending_signals};
use anyhow::Context;

use crate::error::CommandError;
use crate::process::signals::{Hangup, SIGHUP, SIGINT, SIGTERM, Termination};
use crate::status::ExitStatus;

/// The signals that are handled from before a run until nothing is frozen any more.
pub(super) struct RunSignals {
    pub(super) termination: Termination,
    hangup: Hangup,
    pub(super) audit: Option<Arc<AuditFile>>,
}

impl RunSignals {
    /// From now on these end nothing by themselves. To be called before the journal is opened, which may begin to thaw.
    pub(super) fn handle() -> anyhow::Result<Self> {
        let handlers = Termination::handle().and_then(|termination| Ok((termination, Hangup::handle()?)));
        let (termination, hangup) = handlers.context("signals cannot be waited for")?;
        Ok(Self { termination, hangup, audit: None })
    }

    /// From now on every signal that would end the process thaws first, by threads that need neither this runtime nor a
    /// disk. Three of them are handled here as well, so that the run ends in order; the others then have their effect.
    pub(super) fn thaw_first(coordinator: &Coordinator, has_audit: bool) -> anyhow::Result<()> {
        let handled = [SIGHUP, SIGINT, SIGTERM].map(i32::from);
        // With an audit SIGHUP means that its file was rotated: the run goes on, frozen.
        let is_rotation = |signal: i32| has_audit && signal == i32::from(SIGHUP);
        let after = |signal| if handled.contains(&signal) { AfterThaw::Continue } else { AfterThaw::Default };
        let signals = ending_signals().filter(|signal| !is_rotation(*signal)).map(|signal| (signal, after(signal)));
        coordinator.thaw_on_signals(signals).context("signals cannot be waited for")
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
