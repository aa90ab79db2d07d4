//! Wipes that wait for a person: list, show, approve, refuse.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::extract::{JsonBody, Parameters, PathPart};
use crate::api::page::{APPROVALS, Cursor, Limit};
use crate::api::problem::Problem;
use crate::approval::{Approval, ApprovalId, Verdict};
use crate::store::Page;

/// Which requests are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// How many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The `cursor` of the page before this one.
    #[param(value_type = Option<String>, pattern = "^a[0-9]{1,18}$")]
    cursor: Option<Cursor<APPROVALS>>,
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub(super) struct ApprovalList {
    /// The newest first.
    approvals: Vec<Approval>,
    /// Leads to the next page; null on the last.
    #[schema(value_type = Option<String>)]
    cursor: Option<Cursor<APPROVALS>>,
}

/// Lists wipes that wait or waited for a person, the newest first
#[utoipa::path(
    get, path = "/v1/approvals", operation_id = "list_approvals", tag = "approvals", params(ListQuery),
    responses((status = 200, body = ApprovalList))
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Parameters(ListQuery { limit, cursor }): Parameters<ListQuery>,
) -> Result<Json<ApprovalList>, Problem> {
    let before = cursor.map(|cursor| cursor.0);
    let Page { items, next } = state.store.reader().approvals(before, limit.unwrap_or_default().get()).await?;
    Ok(Json(ApprovalList { approvals: items, cursor: next.map(Cursor) }))
}

/// Shows a wipe that waits or waited for a person
///
/// One that waits is answered from memory, also while the state is frozen.
#[utoipa::path(
    get, path = "/v1/approvals/{id}", operation_id = "show_approval", tag = "approvals",
    params(("id" = i64, Path, description = "The request's number.")),
    responses(
        (status = 200, body = Approval),
        (status = 404, body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn show(
    State(state): State<ApiState>,
    PathPart(id): PathPart<i64>,
) -> Result<Json<Approval>, Problem> {
    Ok(Json(find(&state, id).await?))
}

/// One that waits is in memory.
pub(crate) async fn find(state: &ApiState, id: i64) -> Result<Approval, Problem> {
    let id = ApprovalId(id);
    let waiting = state.desk.waiting().borrow().iter().find(|waiting| waiting.id == id).cloned();
    match waiting {
        Some(approval) => Ok(approval),
        None => Ok(state.store.reader().approval(id).await?),
    }
}

/// What approving takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveBody {
    /// The durable id of the disk, as the person has typed it.
    durable_id: String,
}

/// A decision that is written down.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionTaken {
    /// Always true.
    decided: bool,
}

/// Agrees to a wipe
///
/// The disk is looked at again before it is wiped, and the approval is used once. After five wrong durable ids within a
/// minute, none is taken for a minute.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/approve", operation_id = "approve", tag = "approvals",
    params(("id" = i64, Path, description = "The request's number.")),
    request_body = ApproveBody,
    responses(
        (status = 200, body = DecisionTaken),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn approve(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(id): PathPart<i64>,
    JsonBody(ApproveBody { durable_id }): JsonBody<ApproveBody>,
) -> Result<Json<DecisionTaken>, Problem> {
    decide(&state, &rights, id, Verdict::Approve { durable_id }).await
}

/// What refusing takes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RefuseBody {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Says no to a wipe
#[utoipa::path(
    post, path = "/v1/approvals/{id}/refuse", operation_id = "refuse", tag = "approvals",
    params(("id" = i64, Path, description = "The request's number.")),
    request_body = RefuseBody,
    responses(
        (status = 200, body = DecisionTaken),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn refuse(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(id): PathPart<i64>,
    JsonBody(RefuseBody { reason }): JsonBody<RefuseBody>,
) -> Result<Json<DecisionTaken>, Problem> {
    decide(&state, &rights, id, Verdict::Refuse { reason }).await
}

async fn decide(state: &ApiState, rights: &Rights, id: i64, verdict: Verdict) -> Result<Json<DecisionTaken>, Problem> {
    take(state, rights, id, verdict).await?;
    Ok(Json(DecisionTaken { decided: true }))
}

/// Has what a person says written down, and the run told of it.
pub(crate) async fn take(state: &ApiState, rights: &Rights, id: i64, verdict: Verdict) -> Result<(), Problem> {
    if let Verdict::Refuse { reason } = &verdict {
        let characters = reason.chars().count();
        if characters > MAX_REASON_CHARACTERS {
            let text = format!("reason: expected up to {MAX_REASON_CHARACTERS} characters, found {characters}");
            return Err(Problem::invalid(text));
        }
    }
    Ok(state.desk.decide(ApprovalId(id), verdict, rights.peer.into()).await?)
}

/// A sentence or two.
const MAX_REASON_CHARACTERS: usize = 1000;
