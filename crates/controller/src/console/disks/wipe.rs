//! Asks that a disk is wiped. That is not done here: it waits as every wipe does, until a person has approved it.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::{Card, find_by_id};
use crate::api::access::Rights;
use crate::api::extract::Parameters;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::{ApiState, wipe};
use crate::approval::ApprovalId;
use crate::console::form::Sent;
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;

#[derive(Template)]
#[template(path = "disk_wipe.html")]
pub(in crate::console) struct Wipe {
    page: Page,
    disk: Card,
    /// As the agent gave it.
    device: String,
    /// A wipe of it that waits already.
    waiting: Option<ApprovalId>,
}

#[derive(Deserialize)]
pub(in crate::console) struct Query {
    id: String,
}

/// Shows what would be lost.
pub(in crate::console) async fn show(
    State(state): State<ApiState>,
    page: Page,
    query: Result<Parameters<Query>, Problem>,
) -> Result<Shown<Wipe>, Trouble> {
    let Parameters(Query { id }) = query?;
    let disk = find_by_id(&state, &id).await?;
    let waiting = state.desk.waiting().borrow().clone();
    let waiting = waiting.iter().find(|approval| approval.wipe.device == disk.backing_device);
    let waiting = waiting.map(|approval| approval.id);
    Ok(Shown(Wipe { page, disk: Card::from(&disk), device: disk.backing_device, waiting }))
}

#[derive(Deserialize)]
pub(in crate::console) struct WipeForm {
    /// What the page has shown.
    device: String,
    id: String,
    /// What the person has typed.
    typed: String,
    fstype: String,
}

/// Leads to the request.
pub(in crate::console) async fn act(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    Sent(WipeForm { device, id, typed, fstype }): Sent<WipeForm>,
) -> Result<Redirect, Trouble> {
    if typed.trim() != id {
        return Err(Problem::invalid(format!("expected the durable id of the disk, {id}, found another")).into());
    }
    let disk = find_by_id(&state, &id).await?;
    if disk.backing_device != device {
        let text = format!("the disk is {} now, and not {device}", disk.backing_device);
        return Err(Problem::new(ProblemKind::Conflict, text).into());
    }
    let asked = wipe::ask(&state, &rights, device, fstype.trim().to_owned(), id).await?;
    Ok(Redirect::to(&format!("/approvals/{}?done=asked", asked.approval)))
}
