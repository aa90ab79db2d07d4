//! Wipes that wait for a person: list, show, approve, refuse.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::Problem;
use crate::approval::{Approval, ApprovalId, Verdict};

/// What a list takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<i64>,
}

/// A page of requests, the newest first.
#[derive(Debug, Serialize)]
pub(super) struct ApprovalList {
    approvals: Vec<Approval>,
    /// Where the next page begins; none on the last one.
    cursor: Option<i64>,
}

/// Requests, the newest first.
pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<ApprovalList>, Problem> {
    let Query(ListQuery { limit, cursor }) = query.map_err(|why| Problem::invalid(why.body_text()))?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let page = state.store.reader().approvals(cursor, limit).await?;
    Ok(Json(ApprovalList { approvals: page.items, cursor: page.next }))
}

/// One request. One that waits is answered from memory.
pub(super) async fn show(State(state): State<ApiState>, id: ApprovalPath) -> Result<Json<Approval>, Problem> {
    let id = approval_id(id)?;
    let waiting = state.desk.waiting().borrow().iter().find(|waiting| waiting.id == id).cloned();
    match waiting {
        Some(approval) => Ok(Json(approval)),
        None => Ok(Json(state.store.reader().approval(id).await?)),
    }
}

/// What approving takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveBody {
    /// The durable id of the disk, as the person has typed it.
    durable_id: String,
}

/// What a decision answers.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// It is decided, and written down.
    decided: bool,
}

/// Agrees to a wipe.
pub(super) async fn approve(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    id: ApprovalPath,
    body: Result<Json<ApproveBody>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let Json(ApproveBody { durable_id }) = body.map_err(|why| Problem::invalid(why.body_text()))?;
    decide(&state, &rights, id, Verdict::Approve { durable_id }).await
}

/// What refusing takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RefuseBody {
    /// Why.
    reason: String,
}

/// Says no to a wipe.
pub(super) async fn refuse(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    id: ApprovalPath,
    body: Result<Json<RefuseBody>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let Json(RefuseBody { reason }) = body.map_err(|why| Problem::invalid(why.body_text()))?;
    if reason.len() > MAX_REASON_BYTES {
        return Err(Problem::invalid(format!(
            "reason: expected up to {MAX_REASON_BYTES} bytes, found {}",
            reason.len()
        )));
    }
    decide(&state, &rights, id, Verdict::Refuse { reason }).await
}

async fn decide(
    state: &ApiState,
    rights: &Rights,
    id: ApprovalPath,
    verdict: Verdict,
) -> Result<Json<Answer>, Problem> {
    state.desk.decide(approval_id(id)?, verdict, rights.peer.into()).await?;
    Ok(Json(Answer { decided: true }))
}

type ApprovalPath = Result<Path<i64>, PathRejection>;

fn approval_id(path: ApprovalPath) -> Result<ApprovalId, Problem> {
    path.map(|Path(id)| ApprovalId(id)).map_err(|why| Problem::invalid(why.body_text()))
}

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;
/// A sentence or two.
const MAX_REASON_BYTES: usize = 1000;
