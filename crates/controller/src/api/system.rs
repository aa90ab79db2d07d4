//! Liveness, readiness, status: answered from memory, whatever the store does.

use std::time::Duration;

use agentapi_host::quiesce::Status as Freeze;
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::problem::{Problem, ProblemKind};
use crate::api::{ApiState, document};
use crate::approval::Approval;
use crate::finding::Finding;
use crate::link::Link;
use crate::metrics;
use crate::owner::SubjectStatus;
use crate::standing::Standing;

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Live {
    /// Always true.
    live: bool,
}

/// What is due is run.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// Always true: where it is not so, the answer is a problem of kind `not-ready`.
    ready: bool,
}

/// What runs, what is due, what holds, what is frozen.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusReport {
    /// The controller's version.
    version: &'static str,
    /// The controller's wall clock.
    now: Timestamp,
    /// The backup loop and the extensions, in the order of the configuration.
    subjects: Vec<SubjectStatus>,
    /// The conditions that hold.
    findings: Vec<Finding>,
    /// The wipes that wait for a person, the oldest first.
    approvals: Vec<Approval>,
    /// What is frozen; null while nothing is.
    freeze: Option<FreezeStatus>,
    /// How it is with the fleet.
    fleet: FleetReport,
}

/// How it is with the fleet, and what that means for backups.
#[derive(Serialize, ToSchema)]
pub(super) struct FleetReport {
    #[serde(flatten)]
    link: Link,
    #[serde(flatten)]
    standing: Standing,
}

/// A freeze that is held.
#[derive(Serialize, ToSchema)]
pub(super) struct FreezeStatus {
    /// Who holds it.
    holder: String,
    /// How far it is.
    stage: String,
    /// How long it has been held, in seconds.
    for_s: u64,
    /// Attempts to thaw so far.
    thaw_attempts: u32,
    /// What could not be thawed at the latest attempt, and why.
    failures: Vec<String>,
    /// The application that is being frozen or thawed.
    waits_for: Option<String>,
}

/// The conditions that hold.
#[derive(Serialize, ToSchema)]
pub(super) struct FindingList {
    /// One for each kind and subject at most, so that there are no pages.
    findings: Vec<Finding>,
}

/// Says that the process answers
#[utoipa::path(get, path = "/v1/live", tag = "system", responses((status = 200, body = Live)))]
pub(super) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Says that the scheduler answers: what is due is run
#[utoipa::path(
    get, path = "/v1/ready", tag = "system",
    responses((status = 200, body = Ready), (status = 503, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn ready(State(state): State<ApiState>) -> Result<Json<Ready>, Problem> {
    if state.owner.answers_within(ANSWER_TIME).await {
        return Ok(Json(Ready { ready: true }));
    }
    Err(Problem::new(ProblemKind::NotReady, "the scheduler does not answer"))
}

/// Says what runs, what is due, what holds and what is frozen
///
/// Answered from memory, also while the state is frozen.
#[utoipa::path(get, path = "/v1/status", tag = "system", responses((status = 200, body = StatusReport)))]
pub(super) async fn status(State(state): State<ApiState>) -> Json<StatusReport> {
    let freeze = state.coordinator.as_ref().and_then(|coordinator| coordinator.status());
    Json(StatusReport {
        version: env!("CARGO_PKG_VERSION"),
        now: state.clock.now(),
        subjects: state.owner.status.get().subjects.clone(),
        findings: state.findings.borrow().to_vec(),
        approvals: state.desk.waiting().borrow().to_vec(),
        freeze: freeze.as_ref().map(FreezeStatus::from),
        fleet: FleetReport { link: state.link.borrow().clone(), standing: state.standing.borrow().clone() },
    })
}

/// Lists the conditions that hold
#[utoipa::path(get, path = "/v1/findings", tag = "findings", responses((status = 200, body = FindingList)))]
pub(super) async fn findings(State(state): State<ApiState>) -> Json<FindingList> {
    Json(FindingList { findings: state.findings.borrow().to_vec() })
}

/// Gives what Prometheus reads
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses((status = 200, body = String, content_type = "text/plain", description = "The text format 0.0.4."))
)]
pub(super) async fn metrics(State(state): State<ApiState>) -> Result<impl IntoResponse, Problem> {
    let text =
        state.metrics.text().map_err(|why| Problem::internal("the metrics cannot be written", &why.to_string()))?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text))
}

/// Gives this document
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "system",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document::text())
}

impl From<&Freeze> for FreezeStatus {
    fn from(freeze: &Freeze) -> Self {
        Self {
            holder: freeze.holder.clone(),
            stage: freeze.stage.to_string(),
            for_s: freeze.since.elapsed().as_secs(),
            thaw_attempts: freeze.attempts,
            failures: freeze.failures.clone(),
            waits_for: freeze.waits_for.as_deref().map(ToOwned::to_owned),
        }
    }
}

/// It waits for nothing, so that one that has not answered by then hangs.
const ANSWER_TIME: Duration = Duration::from_secs(1);
