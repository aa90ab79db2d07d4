//! A run of an extension.

use std::sync::Arc;

use agentapi_host::policy::RunError;
use agentapi_host::{Agent, error_chain};
use tokio_util::sync::CancellationToken;

use crate::run::host::{ExtensionWork, HostRunner};
use crate::run::{RunEnd, RunId, RunState};

impl HostRunner {
    pub(super) async fn run_extension(
        &self,
        run: RunId,
        agent: &Agent,
        work: &ExtensionWork,
        stop: &CancellationToken,
    ) -> RunEnd {
        let policy = self.prepare(run, agent, &work.policy, work.wall);
        let state = self.state.of_run(policy.name(), work.remembers).await;
        let policy = policy.state(Arc::new(state)).notifications(Arc::new(self.messages.clone()));
        match self.drive(&policy, agent, &work.input, stop).await {
            Ok(result) => RunEnd { result: Some(result), ..RunEnd::new(RunState::Done, "") },
            Err(end) => end,
        }
    }
}

/// The end of a run that gave no result.
pub(super) fn end_of(why: &RunError) -> RunEnd {
    let state = match why {
        RunError::Stopped { .. } => RunState::Stopped,
        _ => RunState::Failed,
    };
    RunEnd::new(state, error_chain(why))
}
