//! Wipes that wait for a person on any guest. They are decided by a signature that the guest verifies: a page has no key, and
//! shows the command that signs.

use agentapi_host::records::DiskRole;
use askama::Template;
use serde::Deserialize;

use super::paging::Paging;
use super::{Frame, Seen};
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::board::{WaitingApproval, WipeRequest};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::{can_be_typed, command, disk_size, role, shown};

#[derive(Template)]
#[template(path = "fleet_approvals.html")]
pub(super) struct Approvals {
    page: Page,
    fleet: Frame,
    rows: Vec<Row>,
    earlier: Option<usize>,
    later: Option<usize>,
}

struct Row {
    guest: String,
    /// What is asked, or why it is not to be signed.
    request: Result<Request, String>,
}

struct Request {
    id: i64,
    asked_by: String,
    device: String,
    durable_id: String,
    size: String,
    role: String,
    contents: String,
    until: Time,
    /// None where the disk's id cannot be typed.
    approve: Option<String>,
    refuse: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    page: Option<usize>,
}

pub(super) async fn list(seen: Seen, which: Result<Parameters<Which>, Problem>) -> Result<Shown<Approvals>, Trouble> {
    let Parameters(Which { page: number }) = which?;
    let fleet = seen.frame();
    let Seen { page, board } = seen;
    let Paging { items, earlier, later } = Paging::new(&board.approvals, number, ROWS);
    let rows = items.iter().map(|approval| Row::new(&page, approval)).collect();
    Ok(Shown(Approvals { page, fleet, rows, earlier, later }))
}

impl Row {
    fn new(page: &Page, WaitingApproval { guest, request }: &WaitingApproval) -> Self {
        let request = request.as_ref().map(|request| Request::new(page, guest, request)).map_err(|why| shown(why));
        Self { guest: shown(guest), request }
    }
}

impl Request {
    fn new(page: &Page, guest: &str, request: &WipeRequest) -> Self {
        let id = request.id.to_string();
        let act = |rest: &[&str]| command(&[&["agentapi", "fleet", "approvals"], rest].concat());
        let approve = can_be_typed(&request.durable_id).then(|| act(&["approve", guest, &id, &request.durable_id]));
        let contents = if request.contents.is_empty() { "nothing was found" } else { &request.contents };
        Self {
            id: request.id,
            asked_by: shown(&request.asked_by),
            device: shown(&request.device),
            durable_id: shown(&request.durable_id),
            size: disk_size(request.size_bytes),
            role: role(&DiskRole::from(request.role.as_str())).0,
            contents: shown(contents),
            until: page.time(request.until),
            approve: approve.flatten(),
            refuse: act(&["refuse", guest, &id]),
        }
    }
}

/// Of a page: each is some 1.5 KiB.
const ROWS: usize = 15;
