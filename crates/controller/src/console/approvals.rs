//! Wipes that wait for a person, and those that did.

pub(super) mod one;

use agentapi_host::records::DiskRole;
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::api::ApiState;
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::approval::{Approval, ApprovalState};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::{disk_size, role, shown};
use crate::run::RunId;
use crate::run::host::WIPE;

#[derive(Template)]
#[template(path = "approvals.html")]
pub(super) struct Approvals {
    page: Page,
    waiting: Vec<Request>,
    /// The decided ones; or why they cannot be shown, which keeps nobody from deciding.
    history: Result<Vec<Request>, String>,
    /// Leads to older ones.
    next: Option<i64>,
    is_first: bool,
}

/// A request, as people read it.
pub(in crate::console) struct Request {
    id: i64,
    /// The extension, or the user of the API.
    by: String,
    extension_sha256: Option<String>,
    device: String,
    durable_id: String,
    role: String,
    size: String,
    contents: String,
    fstype: String,
    run: RunId,
    asked: Time,
    until: Time,
    state: &'static str,
    /// What the state means.
    meaning: &'static str,
    decided: Option<Time>,
    decided_by: String,
    reason: String,
    digest: String,
}

#[derive(Deserialize)]
pub(super) struct Query {
    before: Option<i64>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    page: Page,
    query: Result<Parameters<Query>, Problem>,
) -> Result<Shown<Approvals>, Trouble> {
    let Parameters(Query { before }) = query?;
    let waiting = state.desk.waiting().borrow().iter().map(|approval| Request::new(&page, approval)).collect();
    let (history, next) = match state.store.reader().approvals(before, ROWS).await {
        Ok(found) => {
            let decided = found.items.iter().filter(|approval| approval.state != ApprovalState::Waiting);
            (Ok(decided.map(|approval| Request::new(&page, approval)).collect()), found.next)
        }
        Err(why) => (Err(Problem::from(why).detail().to_owned()), None),
    };
    Ok(Shown(Approvals { page, waiting, history, next, is_first: before.is_none() }))
}

impl Request {
    fn new(page: &Page, approval: &Approval) -> Self {
        let wipe = &approval.wipe;
        let is_extension = wipe.subject != WIPE;
        let contents = if wipe.contents.is_empty() { "nothing was found" } else { &wipe.contents };
        Self {
            id: approval.id.0,
            by: shown(wipe.asked_by()),
            extension_sha256: is_extension.then(|| wipe.extension_sha256.clone()),
            device: shown(&wipe.device),
            durable_id: shown(&wipe.durable_id),
            role: role(&DiskRole::from(wipe.role.as_str())).0,
            size: disk_size(wipe.size_bytes),
            contents: shown(contents),
            fstype: shown(&wipe.fstype),
            run: wipe.run,
            asked: page.time(approval.asked_at),
            until: page.time(approval.expires_at),
            state: approval.state.name(),
            meaning: meaning(approval.state),
            decided: approval.decided_at.map(|at| page.time(at)),
            decided_by: shown(&approval.decided_by),
            reason: shown(&approval.reason),
            digest: approval.digest.clone(),
        }
    }
}

fn meaning(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Waiting => "A person is to decide.",
        ApprovalState::Approved => "The disk is looked at once more, and wiped if it is still the same.",
        ApprovalState::Used => "The disk was still the same, and the agent was told to wipe it.",
        ApprovalState::Refused => "Nothing was wiped.",
        ApprovalState::Expired => "Nobody has decided in time. Nothing was wiped: whoever wants it asks again.",
        ApprovalState::Withdrawn => "The disk has changed meanwhile, or the run has ended. Nothing was wiped.",
    }
}

/// Of the history on one page.
const ROWS: u32 = 50;

#[cfg(test)]
mod tests;
