//! A run that wipes a disk, because a user of the API wants it and a person has agreed.
//!
//! It asks the way an extension's run does ([`RunApprover`](super::approver::RunApprover)). What it does is in the audit
//! under the name `wipe`, with the user in place of an extension's SHA-256.

mod trail;

use std::time::Duration;

use agentapi_host::policy::Wipe as Asked;
use agentapi_host::records::{FormatRequest, FormatResult};
use agentapi_host::{Agent, Error, error_chain};
use tokio_util::sync::CancellationToken;

use crate::approval::{ApprovalState, WipeOrder};
use crate::run::host::approver::Refused;
use crate::run::host::{HostRunner, WIPE};
use crate::run::{AskedWipe, RunEnd, RunId, RunState};
use crate::store::Decided;

use trail::Trail;

impl HostRunner {
    pub(super) async fn wipe(
        &self,
        run: RunId,
        agent: &Agent,
        AskedWipe { order, asked_by }: AskedWipe,
        stop: &CancellationToken,
    ) -> RunEnd {
        let WipeOrder { device, durable_id, fstype, waits } = order;
        let asked_by = asked_by.to_string();
        let mut asked = Asked::default();
        (asked.extension, asked.device, asked.durable_id, asked.fstype) = (WIPE.into(), device, durable_id, fstype);
        let trail = Trail::begin(self, &asked, &asked_by);
        // Nothing but a person's time limits it.
        let ends_at = self.clock.monotonic() + Duration::MAX;
        let approver = self.approver(run, agent, ends_at, asked_by);
        let decision = tokio::select! {
            decision = approver.ask(&asked, |id| {
                // Whoever asked may have left; the run goes on.
                let _ = waits.send(id);
            }) => decision,
            () = stop.cancelled() => {
                trail.unanswered();
                return RunEnd::new(RunState::Stopped, "it was stopped before the agent was told to wipe anything");
            }
        };
        let by = match decision {
            Ok(by) => by,
            Err(refused) => {
                let (by, why) = explain(refused);
                trail.refused(by, &why);
                return RunEnd::new(RunState::Failed, why);
            }
        };
        let trail = trail.approved(by);
        let Asked { device, durable_id, fstype, .. } = asked;
        let request = FormatRequest { device, fstype, confirmation: Some(durable_id) };
        // Not cut off by a stop: what became of the disk would not be known. The client's deadline ends it.
        let outcome = agent.format_disk(&request).await;
        trail.answered(&outcome);
        end_of(&outcome)
    }
}

/// Who said no, if a person did, and why.
fn explain(refused: Refused) -> (Option<String>, String) {
    match refused {
        Refused::ByRule(why) | Refused::Withdrawn(why) => (None, format!("nothing was wiped: {why}")),
        Refused::ByPerson(Decided { state: ApprovalState::Expired, .. }) => {
            (None, "nothing was wiped: nobody has decided in time".to_owned())
        }
        Refused::ByPerson(Decided { by, reason, .. }) if by.is_empty() => {
            (None, format!("nothing was wiped: {reason}"))
        }
        Refused::ByPerson(Decided { by, reason, .. }) => {
            let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let why = format!("nothing was wiped: {by} has refused it{because}");
            (Some(by), why)
        }
    }
}

fn end_of(outcome: &Result<FormatResult, Error>) -> RunEnd {
    match outcome {
        Ok(result) => {
            let (state, reason) = match result.formatted {
                true => (RunState::Done, String::new()),
                false => (RunState::Failed, format!("the agent has not wiped it: {}", result.reason)),
            };
            RunEnd { result: serde_json::to_string(result).ok(), ..RunEnd::new(state, reason) }
        }
        Err(why) if why.may_have_acted() => {
            let text = format!("it is not known whether the disk was wiped: {}", error_chain(why));
            RunEnd::new(RunState::Unknown, text)
        }
        Err(why) => {
            let result = match why {
                // It says what the operator has to sign.
                Error::FormatRefused(result) => serde_json::to_string(result).ok(),
                _ => None,
            };
            RunEnd { result, ..RunEnd::new(RunState::Failed, format!("nothing was wiped: {}", error_chain(why))) }
        }
    }
}

#[cfg(test)]
mod tests;
