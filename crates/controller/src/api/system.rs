//! Liveness, readiness, status: answered from memory, whatever the store does.

use std::time::Duration;

use agentapi_host::quiesce::Status as Freeze;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::metrics;

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// The owner answers: what is due is run.
pub(super) async fn ready(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    if state.owner.answers_within(ANSWER_TIME).await {
        return Ok(Json(json!({ "ready": true })));
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "the scheduler does not answer"))
}

/// What runs, what is due, what holds, what is frozen.
pub(super) async fn status(State(state): State<ApiState>) -> Json<Value> {
    let freeze = state.coordinator.as_ref().and_then(|coordinator| coordinator.status());
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": state.clock.now(),
        "subjects": state.owner.status.get().subjects,
        "findings": **state.findings.borrow(),
        "approvals": **state.desk.waiting().borrow(),
        "freeze": freeze.as_ref().map(describe_freeze),
    }))
}

/// The conditions that hold.
pub(super) async fn findings(State(state): State<ApiState>) -> Json<Value> {
    Json(json!({ "findings": **state.findings.borrow() }))
}

/// What Prometheus reads.
pub(super) async fn metrics(State(state): State<ApiState>) -> Result<impl IntoResponse, Problem> {
    let wrong = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the metrics cannot be written");
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], state.metrics.text().map_err(wrong)?))
}

fn describe_freeze(freeze: &Freeze) -> Value {
    json!({
        "holder": freeze.holder,
        "stage": freeze.stage.to_string(),
        "for_s": freeze.since.elapsed().as_secs(),
        "thaw_attempts": freeze.attempts,
        "failures": freeze.failures,
        "waits_for": freeze.waits_for.as_deref(),
    })
}

/// It waits for nothing, so that one that has not answered by then hangs.
const ANSWER_TIME: Duration = Duration::from_secs(1);
