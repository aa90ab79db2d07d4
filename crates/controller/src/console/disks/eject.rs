//! Lets a disk go: first what depends on it, then the act.

use std::fmt::Write;

use agentapi_host::records::Disk;
use askama::Template;
use axum::extract::State;
use axum::response::Redirect;
use axum::{Extension, Json};
use serde::Deserialize;

use super::{Card, find};
use crate::api::access::Rights;
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::api::{ApiState, act, agent};
use crate::console::form::Sent;
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;
use crate::console::words::shown;

#[derive(Template)]
#[template(path = "disk_eject.html")]
pub(in crate::console) struct Eject {
    page: Page,
    disk: Card,
    /// What this guest has on it.
    mounts: Vec<Mount>,
}

/// A mount of this guest.
struct Mount {
    key: String,
    is_backed_up: bool,
}

#[derive(Deserialize)]
pub(in crate::console) struct Query {
    at: String,
}

/// Asks whether it is meant.
pub(in crate::console) async fn show(
    State(state): State<ApiState>,
    page: Page,
    query: Result<Parameters<Query>, Problem>,
) -> Result<Shown<Eject>, Trouble> {
    let Parameters(Query { at }) = query?;
    let disk = mounted(&state, &at).await?;
    let storage = agent::ask(&state, async |agent| agent.storage().await).await?.0;
    let mounts = storage.mounts.iter().filter(|mount| mount.mount_point == at);
    let mounts = mounts.map(|mount| Mount { key: shown(&mount.key), is_backed_up: mount.backup }).collect();
    Ok(Shown(Eject { page, disk: Card::from(&disk), mounts }))
}

#[derive(Deserialize)]
pub(in crate::console) struct EjectForm {
    at: String,
}

/// Ejects, and leads to the disks, where the guests are named that used it: the agent says so only then.
pub(in crate::console) async fn act(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    Sent(EjectForm { at }): Sent<EjectForm>,
) -> Result<Redirect, Trouble> {
    mounted(&state, &at).await?;
    let Json(result) = act::eject(&state, &rights, at).await?;
    let mut place = "/disks?done=ejected".to_owned();
    for (index, guest) in result.dependent_guests.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = write!(place, "{}{guest}", if index == 0 { "&guests=" } else { "," });
    }
    Ok(Redirect::to(&place))
}

async fn mounted(state: &ApiState, at: &str) -> Result<Disk, Problem> {
    find(state, &format!("that is mounted at {at:?}"), |disk| !at.is_empty() && disk.mount_path == at).await
}
