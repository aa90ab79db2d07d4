//! The operations of the agent, with the names and values of `agentapi call`. The token stays in the controller.
//!
//! A backup is started by running `backup`, which is written down before, and not here: a start whose answer is lost and
//! that nobody has written down could become a second backup. A format is decided by a person: it has no route yet.

use agentapi_host::records::{AssignRequest, BackupDue, BackupStatus, DiskList, EjectResult, MetricsView, StorageView};
use agentapi_host::{Agent, Error};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::Value;

use crate::api::ApiState;
use crate::api::problem::Problem;

type Answer<T> = Result<Json<T>, Problem>;

pub(super) async fn storage(State(state): State<ApiState>) -> Answer<StorageView> {
    ask(&state, async |agent| agent.storage().await).await
}

pub(super) async fn backup_due(State(state): State<ApiState>) -> Answer<BackupDue> {
    ask(&state, async |agent| agent.backup_due().await).await
}

pub(super) async fn backup_status(State(state): State<ApiState>) -> Answer<BackupStatus> {
    ask(&state, async |agent| agent.backup_status().await).await
}

pub(super) async fn disks(State(state): State<ApiState>) -> Answer<DiskList> {
    ask(&state, async |agent| agent.disks().await).await
}

pub(super) async fn host_metrics(State(state): State<ApiState>) -> Answer<MetricsView> {
    ask(&state, async |agent| agent.host_metrics().await).await
}

pub(super) async fn assign_disk(
    State(state): State<ApiState>,
    body: Result<Json<AssignRequest>, JsonRejection>,
) -> Answer<Value> {
    let Json(request) = body.map_err(|why| Problem::invalid(why.body_text()))?;
    detached(&state, async move |agent: Agent| agent.assign_disk(&request).await.map(|()| Value::Null)).await
}

/// What an eject takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EjectBody {
    /// Where the disk is mounted.
    r#where: String,
}

pub(super) async fn eject_disk(
    State(state): State<ApiState>,
    body: Result<Json<EjectBody>, JsonRejection>,
) -> Answer<EjectResult> {
    let Json(EjectBody { r#where: mounted_at }) = body.map_err(|why| Problem::invalid(why.body_text()))?;
    detached(&state, async move |agent: Agent| agent.eject_disk(&mounted_at).await).await
}

async fn ask<T>(state: &ApiState, call: impl AsyncFnOnce(&Agent) -> Result<T, Error>) -> Answer<T> {
    let agent = state.work.borrow().agent.clone();
    Ok(Json(call(&agent).await?))
}

/// What acts goes on when the client leaves: a handler is dropped then, and half an action is worse than a whole one.
async fn detached<T, F>(state: &ApiState, call: impl FnOnce(Agent) -> F + Send + 'static) -> Answer<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let agent = state.work.borrow().agent.clone();
    match tokio::spawn(call(agent)).await {
        Ok(outcome) => Ok(Json(outcome?)),
        Err(panic) => Err(Error::Component(panic.into()).into()),
    }
}
