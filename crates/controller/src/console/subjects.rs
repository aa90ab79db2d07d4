//! What a person does with what is on a schedule: run it now, pause it, let it go on.

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use crate::action::{Action, Outcome};
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::extract::PathPart;
use crate::console::form::Sent;
use crate::console::trouble::Trouble;
use crate::run::host::BACKUP;

/// A form that holds nothing but its token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Leads to the run.
pub(super) async fn run(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
    _: Sent<Nothing>,
) -> Result<Redirect, Trouble> {
    match state.owner.actions.ask(Action::RunNow { subject }, rights.peer.into()).await? {
        Outcome::Run(run) => Ok(Redirect::to(&format!("/runs/{run}"))),
        _ => Ok(Redirect::to("/extensions")),
    }
}

pub(super) async fn pause(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
    _: Sent<Nothing>,
) -> Result<Redirect, Trouble> {
    let place = format!("{}?done=paused", page_of(&subject));
    change(&state, &rights, Action::Pause { subject }, &place).await
}

pub(super) async fn resume(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(subject): PathPart<String>,
    _: Sent<Nothing>,
) -> Result<Redirect, Trouble> {
    let place = format!("{}?done=resumed", page_of(&subject));
    change(&state, &rights, Action::Resume { subject }, &place).await
}

async fn change(state: &ApiState, rights: &Rights, action: Action, place: &str) -> Result<Redirect, Trouble> {
    state.owner.actions.ask(action, rights.peer.into()).await?;
    Ok(Redirect::to(place))
}

/// Where a subject stands.
fn page_of(subject: &str) -> &'static str {
    if subject == BACKUP { "/backups" } else { "/extensions" }
}
