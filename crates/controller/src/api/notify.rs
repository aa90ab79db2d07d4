//! Who is told of findings: the list, and a test message.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiState;
use crate::api::extract::PathPart;
use crate::api::problem::{Problem, ProblemKind};
use crate::event::Severity;
use crate::notify::{Delivery, Notice};

/// Who is told of findings.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiverList {
    /// As many as there are `[[notify]]` in the configuration, in its order.
    notify: Vec<ReceiverName>,
}

/// One who is told.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiverName {
    /// The name in the configuration.
    name: String,
    /// It is told of this and what is worse.
    severity: Severity,
}

/// A message that was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct Delivered {
    /// Always true: a message that was not taken is a problem of kind `not-delivered`.
    delivered: bool,
}

/// Lists who is told of findings
#[utoipa::path(get, path = "/v1/notify", operation_id = "list_receivers", tag = "findings", responses((status = 200, body = ReceiverList)))]
pub(super) async fn list(State(state): State<ApiState>) -> Json<ReceiverList> {
    let receivers = state.receivers.borrow();
    let named =
        receivers.iter().map(|receiver| ReceiverName { name: receiver.name.clone(), severity: receiver.severity });
    Json(ReceiverList { notify: named.collect() })
}

/// Sends a test message now, and says whether it was taken
#[utoipa::path(
    post, path = "/v1/notify/{name}/test", operation_id = "test_receiver", tag = "findings",
    params(("name" = String, Path, description = "The name of a `[[notify]]` in the configuration.")),
    responses(
        (status = 200, body = Delivered),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 502, body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn test(
    State(state): State<ApiState>,
    PathPart(name): PathPart<String>,
) -> Result<Json<Delivered>, Problem> {
    let found = state.receivers.borrow().iter().find(|receiver| receiver.name == name).cloned();
    let nobody = || format!("there is no {name:?} among the [[notify]] of the configuration");
    let receiver = found.ok_or_else(|| Problem::new(ProblemKind::NotFound, nobody()))?;
    let notice = Notice::test(&state.guest, state.clock.now());
    // Whoever asked may leave: a program that was started is not killed for that.
    match tokio::spawn(receiver.notifier.deliver(&notice)).await {
        Ok(Delivery::Delivered) => Ok(Json(Delivered { delivered: true })),
        Ok(Delivery::TryAgain { why, .. } | Delivery::Refused { why }) => {
            Err(Problem::new(ProblemKind::NotDelivered, why))
        }
        Err(panic) => Err(Problem::internal("the delivery failed", &panic.to_string())),
    }
}
