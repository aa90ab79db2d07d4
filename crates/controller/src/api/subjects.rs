//! What is on a schedule: run now, pause, resume.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::action::{Action, Outcome};
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::extract::PathPart;
use crate::api::problem::Problem;
use crate::api::runs::RunNumber;

/// Whether a schedule was paused, or went on, by this request.
#[derive(Serialize, ToSchema)]
pub(super) struct Changed {
    /// False where it was so before.
    changed: bool,
}

/// Runs a subject now, whatever its schedule says
///
/// The answer is there when the run is written down. It begins when no other run of the subject goes on; asking again
/// before that gives the same run. While something is frozen nothing is written down, and the answer waits for the thaw.
#[utoipa::path(
    post, path = "/v1/subjects/{name}/run", operation_id = "run_subject", tag = "subjects",
    params(("name" = String, Path, description = "`backup`, or the name of an extension.")),
    responses((status = 200, body = RunNumber), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn run(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
) -> Result<Json<RunNumber>, Problem> {
    match state.owner.actions.ask(Action::RunNow { subject }, rights.peer.into()).await? {
        Outcome::Run(run) => Ok(Json(RunNumber { run })),
        other => Err(unexpected(&other)),
    }
}

/// Lets no run of a schedule begin until it is resumed
#[utoipa::path(
    post, path = "/v1/subjects/{name}/pause", operation_id = "pause_subject", tag = "subjects",
    params(("name" = String, Path, description = "`backup`, or the name of an extension.")),
    responses((status = 200, body = Changed), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn pause(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
) -> Result<Json<Changed>, Problem> {
    change(&state, &rights, Action::Pause { subject }).await
}

/// Lets a schedule go on, with its next due time
#[utoipa::path(
    post, path = "/v1/subjects/{name}/resume", operation_id = "resume_subject", tag = "subjects",
    params(("name" = String, Path, description = "`backup`, or the name of an extension.")),
    responses((status = 200, body = Changed), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn resume(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
) -> Result<Json<Changed>, Problem> {
    change(&state, &rights, Action::Resume { subject }).await
}

async fn change(state: &ApiState, rights: &Rights, action: Action) -> Result<Json<Changed>, Problem> {
    match state.owner.actions.ask(action, rights.peer.into()).await? {
        Outcome::Done => Ok(Json(Changed { changed: true })),
        Outcome::AlreadySo => Ok(Json(Changed { changed: false })),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn unexpected(outcome: &Outcome) -> Problem {
    Problem::internal("the owner did something else than was asked", &format!("{outcome:?}"))
}
