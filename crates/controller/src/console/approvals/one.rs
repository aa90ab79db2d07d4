//! One wipe that waits or waited for a person: what it is about, the decision, and what came of it.

use agentapi_host::records::FormatResult;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::Request;
use crate::api::access::Rights;
use crate::api::extract::PathPart;
use crate::api::problem::Problem;
use crate::api::{ApiState, agent, approvals};
use crate::approval::{Approval, ApprovalState, Verdict};
use crate::console::form::Sent;
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;
use crate::console::words::{can_be_typed, shown};
use crate::run::Run;
use crate::run::host::WIPE;

#[derive(Template)]
#[template(path = "approval.html")]
pub(in crate::console) struct One {
    page: Page,
    request: Request,
    is_waiting: bool,
    /// What is to be typed, as the agent gave it; none where nobody could.
    expected: Option<String>,
    outcome: Option<Outcome>,
}

/// What came of it.
struct Outcome {
    state: &'static str,
    reason: String,
    /// By which the host's operator signs it, where the agent demands that.
    command: Option<String>,
}

pub(in crate::console) async fn show(
    State(state): State<ApiState>,
    page: Page,
    id: Result<PathPart<i64>, Problem>,
) -> Result<Shown<One>, Trouble> {
    let PathPart(id) = id?;
    let approval = approvals::find(&state, id).await?;
    let outcome = outcome(&state, &approval).await;
    let (request, is_waiting) = (Request::new(&page, &approval), approval.state == ApprovalState::Waiting);
    let expected = Some(approval.wipe.durable_id).filter(|id| can_be_typed(id));
    Ok(Shown(One { page, request, is_waiting, expected, outcome }))
}

/// None before the run has ended, and while nobody knows: the rest of the page does without.
async fn outcome(state: &ApiState, approval: &Approval) -> Option<Outcome> {
    if approval.state == ApprovalState::Waiting {
        return None;
    }
    let run = state.store.reader().run(approval.wipe.run).await.ok().filter(|run| run.state.is_end())?;
    let command = command(state, &run).await;
    Some(Outcome { state: run.state.name(), reason: shown(&run.end_reason), command })
}

/// Only what the agent itself has answered: an extension's result could have the operator sign anything.
async fn command(state: &ApiState, run: &Run) -> Option<String> {
    let result = run.result.as_deref().filter(|_| run.subject == WIPE)?;
    let pending = serde_json::from_str::<FormatResult>(result).ok()?.pending_op?;
    let command = agent::ask(state, async |agent| agent.opsign_command(&pending).await).await.ok()?.0;
    // What cannot be seen would be signed unseen.
    (shown(&command) == command).then_some(command)
}

#[derive(Deserialize)]
pub(in crate::console) struct ApproveForm {
    durable_id: String,
}

pub(in crate::console) async fn approve(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    id: Result<PathPart<i64>, Problem>,
    Sent(ApproveForm { durable_id }): Sent<ApproveForm>,
) -> Result<Redirect, Trouble> {
    let PathPart(id) = id?;
    let verdict = Verdict::Approve { durable_id: durable_id.trim().to_owned() };
    approvals::take(&state, &rights, id, verdict).await?;
    Ok(Redirect::to(&format!("/approvals/{id}?done=approved")))
}

#[derive(Deserialize)]
pub(in crate::console) struct RefuseForm {
    reason: String,
}

pub(in crate::console) async fn refuse(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    id: Result<PathPart<i64>, Problem>,
    Sent(RefuseForm { reason }): Sent<RefuseForm>,
) -> Result<Redirect, Trouble> {
    let PathPart(id) = id?;
    approvals::take(&state, &rights, id, Verdict::Refuse { reason: reason.trim().to_owned() }).await?;
    Ok(Redirect::to(&format!("/approvals/{id}?done=refused")))
}
