//! Runs: list, show, log, stop.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::action::Action;
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::extract::{Parameters, PathPart};
use crate::api::page::{Cursor, LINES, Limit, RUNS};
use crate::api::problem::Problem;
use crate::run::{LineLevel, LogLine, Run, RunId, RunState};
use crate::store::{Page, RunFilter};

/// Which runs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those of `backup`, of the extension of this name, or of `wipe`.
    subject: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<RunState>,
    /// Only those that have not ended.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    open: bool,
    /// How many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The `cursor` of the page before this one, whose other parameters are to be the same.
    #[param(value_type = Option<String>, pattern = "^r[0-9]{1,18}$")]
    cursor: Option<Cursor<RUNS>>,
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(super) struct RunList {
    /// The newest first.
    runs: Vec<Run>,
    /// Leads to the next page; null on the last.
    #[schema(value_type = Option<String>)]
    cursor: Option<Cursor<RUNS>>,
}

/// Lists runs, the newest first
#[utoipa::path(get, path = "/v1/runs", operation_id = "list_runs", tag = "runs", params(ListQuery), responses((status = 200, body = RunList)))]
pub(super) async fn list(
    State(state): State<ApiState>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<RunList>, Problem> {
    let ListQuery { subject, state: wanted, open, limit, cursor } = query;
    let filter = RunFilter { subject, state: wanted, is_open: open };
    let before = cursor.map(|cursor| cursor.0);
    let Page { items, next } = state.store.reader().runs(filter, before, limit.unwrap_or_default().get()).await?;
    Ok(Json(RunList { runs: items, cursor: next.map(Cursor) }))
}

/// Shows a run
#[utoipa::path(
    get, path = "/v1/runs/{id}", operation_id = "show_run", tag = "runs",
    params(("id" = i64, Path, description = "The run's number.")),
    responses((status = 200, body = Run), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn show(State(state): State<ApiState>, PathPart(id): PathPart<i64>) -> Result<Json<Run>, Problem> {
    Ok(Json(state.store.reader().run(RunId(id)).await?))
}

/// Which lines are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Only lines after the one of this number.
    #[serde(default)]
    #[param(value_type = Option<i64>)]
    after: i64,
    /// Only lines that matter this much or more.
    level: Option<LineLevel>,
    /// How many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The `cursor` of the page before this one; takes the place of `after`.
    #[param(value_type = Option<String>, pattern = "^l[0-9]{1,18}$")]
    cursor: Option<Cursor<LINES>>,
}

/// A page of a run's log.
#[derive(Serialize, ToSchema)]
pub(super) struct Log {
    /// The oldest first.
    lines: Vec<LogLine>,
    /// Leads to the next page; null on the last so far.
    #[schema(value_type = Option<String>)]
    cursor: Option<Cursor<LINES>>,
}

/// Lists the lines that a run has logged or printed, the oldest first
#[utoipa::path(
    get, path = "/v1/runs/{id}/log", operation_id = "run_log", tag = "runs",
    params(("id" = i64, Path, description = "The run's number."), LogQuery),
    responses((status = 200, body = Log), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn log(
    State(state): State<ApiState>,
    PathPart(id): PathPart<i64>,
    Parameters(LogQuery { after, level, limit, cursor }): Parameters<LogQuery>,
) -> Result<Json<Log>, Problem> {
    let (run, limit, reader) = (RunId(id), limit.unwrap_or_default().get(), state.store.reader());
    // A run that does not exist has no lines, which is not what somebody wants to hear who mistyped its number.
    reader.run(run).await?;
    let after = cursor.map_or(after, |cursor| cursor.0);
    let lines = reader.lines(run, level.unwrap_or(LineLevel::Trace), after, limit + 1).await?;
    let Page { items, next } = Page::of(lines, limit, |line| line.number);
    Ok(Json(Log { lines: items, cursor: next.map(Cursor) }))
}

/// A run, by its number.
#[derive(Serialize, ToSchema)]
pub(super) struct RunNumber {
    /// The number.
    pub(super) run: RunId,
}

/// Stops a run that waits or runs, and thaws what it has frozen
///
/// Returns when the run has been told to stop; it ends soon after that.
#[utoipa::path(
    post, path = "/v1/runs/{id}/stop", operation_id = "stop_run", tag = "runs",
    params(("id" = i64, Path, description = "The run's number.")),
    responses((status = 200, body = RunNumber), (status = 409, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn stop(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(id): PathPart<i64>,
) -> Result<Json<RunNumber>, Problem> {
    let run = RunId(id);
    state.owner.actions.ask(Action::Stop { run }, rights.peer.into()).await?;
    Ok(Json(RunNumber { run }))
}
