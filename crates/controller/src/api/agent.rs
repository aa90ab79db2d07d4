//! The operations of the agent, with the names and values of `agentapi call`. The token stays in the controller.
//!
//! A start whose answer is lost and that nobody has written down could become a second backup. Running `backup` writes it
//! down; `start-backup`, which is the agent's operation and nothing else, demands an idempotency key, which does.

use agentapi_host::records::{
    AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, FormatRequest, FormatResult, MetricsView,
    PendingOp, StorageView,
};
use agentapi_host::{Agent, Error};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::api::access::Rights;
use crate::api::act::{self, act};
use crate::api::extract::{JsonBody, Parameters};
use crate::api::problem::{Problem, ProblemKind};
use crate::api::wipe::{self, WipeAsked};
use crate::api::{ApiState, keys};
use crate::owner::Activity;
use crate::run::host::BACKUP;

pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// The value of operations that have none: `null`.
pub(super) struct Nothing;

/// Asks the agent for something that changes nothing, so that a wrong address, pin or token shows
#[utoipa::path(get, path = "/v1/agent/new", operation_id = "check_agent", tag = "agent", responses((status = 200, body = Nothing)))]
pub(super) async fn new(State(state): State<ApiState>) -> Answer<Nothing> {
    ask(&state, async |agent| agent.check().await.map(|()| Nothing)).await
}

/// Says what is mounted in this guest
#[utoipa::path(get, path = "/v1/agent/storage", tag = "agent", responses((status = 200, body = StorageView)))]
pub(super) async fn storage(State(state): State<ApiState>) -> Answer<StorageView> {
    ask(&state, async |agent| agent.storage().await).await
}

/// Says whether a backup is due
#[utoipa::path(get, path = "/v1/agent/backup-due", tag = "agent", responses((status = 200, body = BackupDue)))]
pub(super) async fn backup_due(State(state): State<ApiState>) -> Answer<BackupDue> {
    ask(&state, async |agent| agent.backup_due().await).await
}

/// Says how far the latest backup is
#[utoipa::path(get, path = "/v1/agent/backup-status", tag = "agent", responses((status = 200, body = BackupStatus)))]
pub(super) async fn backup_status(State(state): State<ApiState>) -> Answer<BackupStatus> {
    ask(&state, async |agent| agent.backup_status().await).await
}

/// Starts a backup of which nothing is frozen, and that no run follows
///
/// For programs that do on their own what a run of `backup` does: that one freezes the applications, follows the backup and
/// reports it, and is what to ask for otherwise (`POST /v1/subjects/backup/run`). Refused while such a run goes on. The
/// header `Idempotency-Key` is required: by it the order is written down before it is given.
#[utoipa::path(
    post, path = "/v1/agent/start-backup", tag = "agent",
    responses((status = 200, body = BackupJob), (status = 409, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn start_backup(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    headers: HeaderMap,
) -> Answer<BackupJob> {
    if !headers.contains_key(keys::HEADER) {
        return Err(Problem::invalid(
            "expected the header Idempotency-Key, found none: without it, a start whose answer is lost could not be told \
             from one that was never asked for",
        ));
    }
    let status = state.owner.status.get();
    let backup = status.subjects.iter().find(|subject| subject.name == BACKUP);
    if backup.is_some_and(|backup| backup.activity != Activity::Idle) {
        return Err(Problem::new(ProblemKind::Conflict, "a run of backup goes on: it starts the backup itself"));
    }
    let what = "start a backup of which nothing is frozen".to_owned();
    act(&state, &rights, what, async |agent: Agent| agent.start_backup().await).await
}

/// Lists the disks of this guest
#[utoipa::path(get, path = "/v1/agent/disks", tag = "agent", responses((status = 200, body = DiskList)))]
pub(super) async fn disks(State(state): State<ApiState>) -> Answer<DiskList> {
    ask(&state, async |agent| agent.disks().await).await
}

/// Says how the host and its storage are doing
#[utoipa::path(get, path = "/v1/agent/host-metrics", tag = "agent", responses((status = 200, body = MetricsView)))]
pub(super) async fn host_metrics(State(state): State<ApiState>) -> Answer<MetricsView> {
    ask(&state, async |agent| agent.host_metrics().await).await
}

/// What to mount, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignBody {
    /// The file system's UUID.
    uuid: String,
    /// Where to mount it: an absolute path.
    r#where: String,
    /// The file system, such as `ext4`.
    fstype: String,
    /// Mount options, separated by commas, such as `noatime,nofail`.
    #[serde(default)]
    options: String,
}

/// Mounts a disk in this guest
#[utoipa::path(
    post, path = "/v1/agent/assign-disk", tag = "agent", request_body = AssignBody,
    responses((status = 200, body = Nothing))
)]
pub(super) async fn assign_disk(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    JsonBody(AssignBody { uuid, r#where: mount_path, fstype, options }): JsonBody<AssignBody>,
) -> Answer<Nothing> {
    let request = AssignRequest { uuid, mount_path, fstype, options };
    act::assign(&state, &rights, request).await.map(|_| Json(Nothing))
}

/// What to eject.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EjectBody {
    /// Where the disk is mounted.
    r#where: String,
}

/// Lets a disk go, so that it can be taken out
#[utoipa::path(
    post, path = "/v1/agent/eject-disk", tag = "agent", request_body = EjectBody,
    responses((status = 200, body = EjectResult))
)]
pub(super) async fn eject_disk(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    JsonBody(EjectBody { r#where: mounted_at }): JsonBody<EjectBody>,
) -> Answer<EjectResult> {
    act::eject(&state, &rights, mounted_at).await
}

/// What to format.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatBody {
    /// The device, such as `/dev/sdb1`.
    device: String,
    /// The file system to make, such as `ext4`.
    fstype: String,
    /// The durable id of the disk; for a confirmed wipe.
    #[serde(default)]
    durable_id: String,
    /// Whether what is on the disk may be lost. A person is asked before it is.
    #[serde(default)]
    confirmed: bool,
}

/// Formats a disk
///
/// Without a confirmation the agent formats nothing that holds data, and says what is to be confirmed. `confirmed`, with the
/// disk's durable id, asks a person whether it may be wiped (`POST /v1/approvals/{id}/approve`): the answer is 202 with a
/// run that waits for that, wipes the disk then, and ends with what came of it. `conflict` while a wipe of the device is
/// waiting, or where the device is another disk; `format-refused` for the disks of the host's operator.
#[utoipa::path(
    post, path = "/v1/agent/format-disk", tag = "agent", request_body = FormatBody,
    responses(
        (status = 200, body = FormatResult),
        (status = 202, body = WipeAsked, headers(("location" = String, description = "The run."))),
        (status = 409, body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn format_disk(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    JsonBody(FormatBody { device, fstype, durable_id, confirmed }): JsonBody<FormatBody>,
) -> Result<Response, Problem> {
    if confirmed {
        return Ok(wipe::ask(&state, &rights, device, fstype, durable_id).await?.into_response());
    }
    let request = FormatRequest { device, fstype, confirmation: None };
    let what = format!("format {} without a confirmation", request.device);
    let result = act(&state, &rights, what, async move |agent: Agent| agent.format_disk(&request).await).await?;
    Ok(result.into_response())
}

/// Whose UUID is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FsUuidQuery {
    /// The durable id of a disk.
    durable_id: String,
}

/// Gives the UUID of the file system that a durable id names; empty if it names something else
///
/// Asks nothing of the agent.
#[utoipa::path(
    get, path = "/v1/agent/fs-uuid", tag = "agent", params(FsUuidQuery),
    responses((status = 200, body = String, content_type = "application/json"))
)]
pub(super) async fn fs_uuid(
    State(state): State<ApiState>,
    Parameters(FsUuidQuery { durable_id }): Parameters<FsUuidQuery>,
) -> Answer<String> {
    ask(&state, async |agent| Ok(agent.fs_uuid(&durable_id).await?.unwrap_or_default())).await
}

/// The operation that is to be signed, from `pending_op` of a format that was refused.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OpsignQuery {
    /// What is to be done, such as `storage_wipe`.
    op: String,
    /// The host for which the signature holds.
    host_scope: String,
    /// The durable id of the disk for which it holds.
    durable_id: String,
    /// The file system to be made.
    fstype: String,
}

/// Gives the command by which the host's operator signs an operation
///
/// Asks nothing of the agent.
#[utoipa::path(
    get, path = "/v1/agent/opsign-command", tag = "agent", params(OpsignQuery),
    responses((status = 200, body = String, content_type = "application/json"))
)]
pub(super) async fn opsign_command(
    State(state): State<ApiState>,
    Parameters(OpsignQuery { op, host_scope, durable_id, fstype }): Parameters<OpsignQuery>,
) -> Answer<String> {
    let pending = PendingOp { op, host_scope, durable_id, fstype };
    ask(&state, async |agent| agent.opsign_command(&pending).await).await
}

pub(crate) async fn ask<T>(state: &ApiState, call: impl AsyncFnOnce(&Agent) -> Result<T, Error>) -> Answer<T> {
    let agent = state.work.borrow().agent.clone();
    Ok(Json(call(&agent).await?))
}

impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).description(Some("Always null.")).into()
    }
}

impl ToSchema for Nothing {}
