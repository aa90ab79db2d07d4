//! The agent's nine routes over its state, behind the bearer token.

use std::sync::{Arc, Mutex};

use agentapi_contract::{Route, Token};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::envelope::Answer;
use crate::lock;
use crate::state::AgentState;

type SharedState = State<Arc<Mutex<AgentState>>>;

/// The nine routes. A request without the token learns nothing, not even whether its path exists.
pub(crate) fn router(state: AgentState, token: Token) -> Router {
    Router::new()
        .route(Route::Storage.path(), get(storage))
        .route(Route::BackupDue.path(), get(backup_due))
        .route(Route::StartBackup.path(), post(start_backup))
        .route(Route::BackupStatus.path(), get(backup_status))
        .route(Route::Disks.path(), get(disks))
        .route(Route::AssignDisk.path(), post(assign_disk))
        .route(Route::EjectDisk.path(), post(eject_disk))
        .route(Route::FormatDisk.path(), post(format_disk))
        .route(Route::HostMetrics.path(), get(host_metrics))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(middleware::from_fn_with_state(token, require_token))
        .with_state(Arc::new(Mutex::new(state)))
}

/// What a request without the right token is answered.
pub(crate) fn unauthorized() -> Answer {
    Answer::refused(StatusCode::UNAUTHORIZED, "missing or wrong bearer token")
}

async fn require_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    if token.admits(authorization) { next.run(request).await } else { unauthorized().into_response() }
}

async fn unknown_path() -> Answer {
    Answer::refused(StatusCode::NOT_FOUND, "no such path")
}

async fn wrong_method() -> Answer {
    let error = "this path does not take this method";
    Answer::refused(StatusCode::METHOD_NOT_ALLOWED, error)
}

async fn storage(State(state): SharedState) -> Answer {
    lock(&state).storage.mounts()
}

async fn backup_due(State(state): SharedState) -> Answer {
    Answer::granted(StatusCode::OK, lock(&state).backup.due(Instant::now()))
}

async fn start_backup(State(state): SharedState, body: Bytes) -> Answer {
    with_body(&body, |_: Map<String, Value>| {
        let started = lock(&state).backup.start(Instant::now());
        Answer::granted(StatusCode::ACCEPTED, started)
    })
}

async fn backup_status(State(state): SharedState) -> Answer {
    Answer::granted(StatusCode::OK, lock(&state).backup.status(Instant::now()))
}

async fn disks(State(state): SharedState) -> Answer {
    lock(&state).storage.disks()
}

async fn assign_disk(State(state): SharedState, body: Bytes) -> Answer {
    with_body(&body, |request| lock(&state).storage.assign(&request))
}

async fn eject_disk(State(state): SharedState, body: Bytes) -> Answer {
    with_body(&body, |request| lock(&state).storage.eject(&request))
}

async fn format_disk(State(state): SharedState, body: Bytes) -> Answer {
    with_body(&body, |request| lock(&state).storage.format(&request))
}

async fn host_metrics(State(state): SharedState) -> Answer {
    lock(&state).host_metrics()
}

/// Answers a request whose body is JSON of this shape, and refuses any other.
fn with_body<T: DeserializeOwned>(body: &[u8], answer: impl FnOnce(T) -> Answer) -> Answer {
    match serde_json::from_slice(body) {
        Ok(request) => answer(request),
        Err(error) => {
            let error = format!("request body is not the JSON expected: {error}");
            Answer::refused(StatusCode::BAD_REQUEST, error)
        }
    }
}
