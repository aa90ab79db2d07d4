//! Who is told of findings: the list, and a test message.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::notify::{Delivery, Notice};

/// Who is told, and from which severity on.
pub(super) async fn list(State(state): State<ApiState>) -> Json<Value> {
    let receivers = state.receivers.borrow();
    let receivers: Vec<_> =
        receivers.iter().map(|receiver| json!({ "name": receiver.name, "severity": receiver.severity })).collect();
    Json(json!({ "notify": receivers }))
}

/// Sends a test message now, whatever else is being told, and says whether it was taken.
pub(super) async fn test(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let found = state.receivers.borrow().iter().find(|receiver| receiver.name == name).cloned();
    let nobody = || format!("there is no {name:?} among the [[notify]] of the configuration");
    let receiver = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not-found", nobody()))?;
    let notice = Notice::test(&state.guest, state.clock.now());
    // Whoever asked may leave: a program that was started is not killed for that.
    match tokio::spawn(receiver.notifier.deliver(&notice)).await {
        Ok(Delivery::Delivered) => Ok(Json(json!({ "delivered": true }))),
        Ok(Delivery::TryAgain { why, .. } | Delivery::Refused { why }) => {
            Err(Problem::new(StatusCode::BAD_GATEWAY, "not-delivered", why))
        }
        Err(panic) => {
            tracing::error!(error = %panic, receiver = name, "a delivery panicked");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the delivery failed; the log says why"))
        }
    }
}
