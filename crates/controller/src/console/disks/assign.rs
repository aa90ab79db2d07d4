//! Mounts a disk in this guest.

use agentapi_host::records::AssignRequest;
use askama::Template;
use axum::extract::State;
use axum::response::Redirect;
use axum::{Extension, Json};
use serde::Deserialize;

use super::{Card, find_by_id};
use crate::api::access::Rights;
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::api::{ApiState, act, agent};
use crate::console::form::Sent;
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;

#[derive(Template)]
#[template(path = "disk_assign.html")]
pub(in crate::console) struct Assign {
    page: Page,
    disk: Card,
}

#[derive(Deserialize)]
pub(in crate::console) struct Query {
    id: String,
}

pub(in crate::console) async fn show(
    State(state): State<ApiState>,
    page: Page,
    query: Result<Parameters<Query>, Problem>,
) -> Result<Shown<Assign>, Trouble> {
    let Parameters(Query { id }) = query?;
    let disk = Card::from(&find_by_id(&state, &id).await?);
    if !disk.can_be_assigned {
        return Err(no_uuid(&id).into());
    }
    Ok(Shown(Assign { page, disk }))
}

#[derive(Deserialize)]
pub(in crate::console) struct AssignForm {
    id: String,
    r#where: String,
    fstype: String,
    options: String,
}

pub(in crate::console) async fn act(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    Sent(AssignForm { id, r#where: mount_path, fstype, options }): Sent<AssignForm>,
) -> Result<Redirect, Trouble> {
    find_by_id(&state, &id).await?;
    let uuid = agent::ask(&state, async |agent| agent.fs_uuid(&id).await).await?.0.ok_or_else(|| no_uuid(&id))?;
    let [mount_path, fstype, options] = [mount_path, fstype, options].map(|text| text.trim().to_owned());
    let request = AssignRequest { uuid, mount_path, fstype, options };
    let Json(()) = act::assign(&state, &rights, request).await?;
    Ok(Redirect::to("/disks?done=assigned"))
}

fn no_uuid(id: &str) -> Problem {
    Problem::invalid(format!(
        "expected a disk whose durable id holds the UUID of a file system (uuid:..), found {id:?}"
    ))
}
