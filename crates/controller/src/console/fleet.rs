//! The fleet, as a coordinator beside this controller sees it: whose backup is overdue, who has a slot, how far an extension
//! is, what waits for a person, what happens. Without a coordinator there is no such page.
//!
//! These pages change nothing. What can be changed is changed by a command, which stands beside it: a decision on another
//! guest's disk is signed by a key on the person's own machine, which no page has.

mod approvals;
mod events;
mod guests;
mod paging;
mod rollouts;
mod slots;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get};

use crate::api::ApiState;
use crate::api::access::Access;
use crate::api::problem::{Problem, ProblemKind};
use crate::board::Board;
use crate::console::page::Page;
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::shown;

/// The pages, each of which only shows.
pub(super) fn table() -> Vec<(Access, &'static str, MethodRouter<ApiState>)> {
    let pages = [
        ("/fleet", get(guests::list)),
        ("/fleet/guests/{name}", get(guests::one::show)),
        ("/fleet/slots", get(slots::list)),
        ("/fleet/rollouts", get(rollouts::list)),
        ("/fleet/approvals", get(approvals::list)),
        ("/fleet/events", get(events::list)),
    ];
    pages.into_iter().map(|(path, handler)| (Access::Read, path, handler)).collect()
}

/// What a page of the fleet is made of. An extractor.
struct Seen {
    page: Page,
    board: Arc<Board>,
}

impl FromRequestParts<ApiState> for Seen {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Trouble> {
        let none = || Problem::new(ProblemKind::NotFound, "this controller coordinates no fleet");
        let board = state.board.borrow().clone().ok_or_else(none)?;
        Ok(Self { page: Page::from_request_parts(parts, state).await?, board })
    }
}

/// What surrounds each page of the fleet.
struct Frame {
    tabs: Vec<Tab>,
    /// When the bus was read last; none where it never was.
    read_at: Option<Time>,
    lost: Option<Lost>,
}

struct Tab {
    path: &'static str,
    name: &'static str,
    is_here: bool,
    /// What waits there.
    waiting: usize,
}

/// Why what is shown may be old.
struct Lost {
    since: Time,
    why: String,
}

impl Seen {
    fn frame(&self) -> Frame {
        let Self { page, board } = self;
        let tabs = TABS.into_iter().map(|(path, name)| Tab {
            path,
            name,
            is_here: page.path == path || (path == GUESTS && page.path.starts_with("/fleet/guests/")),
            waiting: if path == APPROVALS { board.approvals.len() } else { 0 },
        });
        let lost = board.lost.as_ref();
        Frame {
            tabs: tabs.collect(),
            read_at: board.read_at.map(|at| page.time(at)),
            lost: lost.map(|lost| Lost { since: page.time(lost.since), why: shown(&lost.why) }),
        }
    }
}

const GUESTS: &str = "/fleet";
const APPROVALS: &str = "/fleet/approvals";
const TABS: [(&str, &str); 5] = [
    (GUESTS, "Guests"),
    ("/fleet/slots", "Slots"),
    ("/fleet/rollouts", "Roll-outs"),
    (APPROVALS, "Approvals"),
    ("/fleet/events", "Events"),
];

#[cfg(test)]
mod tests;
