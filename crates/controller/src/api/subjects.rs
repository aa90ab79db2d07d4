//! What is on a schedule: run now, pause, resume.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::action::{Action, Outcome};
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::Problem;

/// Runs a subject now.
pub(super) async fn run(state: State<ApiState>, rights: Extension<Rights>, Path(subject): Path<String>) -> Answer {
    ask(state, rights, Action::RunNow { subject }).await
}

/// Pauses its schedule.
pub(super) async fn pause(state: State<ApiState>, rights: Extension<Rights>, Path(subject): Path<String>) -> Answer {
    ask(state, rights, Action::Pause { subject }).await
}

/// Lets its schedule go on.
pub(super) async fn resume(state: State<ApiState>, rights: Extension<Rights>, Path(subject): Path<String>) -> Answer {
    ask(state, rights, Action::Resume { subject }).await
}

type Answer = Result<Json<Value>, Problem>;

async fn ask(State(state): State<ApiState>, Extension(rights): Extension<Rights>, action: Action) -> Answer {
    Ok(Json(match state.owner.actions.ask(action, rights.peer.into()).await? {
        Outcome::Run(run) => json!({ "run": run }),
        Outcome::Done => json!({ "changed": true }),
        Outcome::AlreadySo => json!({ "changed": false }),
    }))
}
