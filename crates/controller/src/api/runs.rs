//! Runs: list, show, log, stop.

use axum::Extension;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::action::Action;
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::Problem;
use crate::run::{Run, RunId, RunState};
use crate::store::RunFilter;

/// What a list takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    subject: Option<String>,
    state: Option<RunState>,
    #[serde(default)]
    open: bool,
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<i64>,
}

/// Runs, the newest first.
pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(ListQuery { subject, state: wanted, open, limit, cursor }) =
        query.map_err(|why| Problem::invalid(why.body_text()))?;
    let filter = RunFilter { subject, state: wanted, is_open: open };
    let page = state.store.reader().runs(filter, cursor, limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)).await?;
    Ok(Json(json!({ "runs": page.items, "cursor": page.next })))
}

/// One run.
pub(super) async fn show(State(state): State<ApiState>, id: RunPath) -> Result<Json<Run>, Problem> {
    Ok(Json(state.store.reader().run(run_id(id)?).await?))
}

/// What a log takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// Only lines after this one.
    #[serde(default)]
    after: i64,
}

/// The lines that a run has printed.
pub(super) async fn log(
    State(state): State<ApiState>,
    id: RunPath,
    query: Result<Query<LogQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(LogQuery { after }) = query.map_err(|why| Problem::invalid(why.body_text()))?;
    let run = run_id(id)?;
    let reader = state.store.reader();
    // A run that does not exist has no lines, which is not what somebody wants to hear who mistyped its number.
    reader.run(run).await?;
    let lines = reader.lines(run, after, MAX_LIMIT).await?;
    let lines: Vec<_> =
        lines.into_iter().map(|(number, at, text)| json!({ "number": number, "at": at, "text": text })).collect();
    Ok(Json(json!({ "lines": lines })))
}

/// Stops a run that waits or runs.
pub(super) async fn stop(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    id: RunPath,
) -> Result<Json<Value>, Problem> {
    let run = run_id(id)?;
    state.owner.actions.ask(Action::Stop { run }, rights.peer.into()).await?;
    Ok(Json(json!({ "run": run })))
}

/// The number of a run in a path, or what is wrong with it.
type RunPath = Result<Path<i64>, axum::extract::rejection::PathRejection>;

fn run_id(path: RunPath) -> Result<RunId, Problem> {
    path.map(|Path(id)| RunId(id)).map_err(|_| Problem::invalid("expected the number of a run in the path"))
}

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;
