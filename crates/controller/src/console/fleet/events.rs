//! What has happened on all guests, the newest first.

use askama::Template;
use serde::Deserialize;

use super::paging::Paging;
use super::{Frame, Seen};
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::board::GuestEvent;
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::{beginning, class, shown};
use crate::event::Severity;

#[derive(Template)]
#[template(path = "fleet_events.html")]
pub(super) struct Events {
    page: Page,
    fleet: Frame,
    rows: Vec<Row>,
    earlier: Option<usize>,
    later: Option<usize>,
}

pub(super) struct Row {
    pub(super) at: Time,
    pub(super) guest: String,
    pub(super) subject: String,
    pub(super) severity: Severity,
    pub(super) class: &'static str,
    pub(super) kind: String,
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    page: Option<usize>,
}

pub(super) async fn list(seen: Seen, which: Result<Parameters<Which>, Problem>) -> Result<Shown<Events>, Trouble> {
    let Parameters(Which { page: number }) = which?;
    let fleet = seen.frame();
    let Seen { page, board } = seen;
    let Paging { items, earlier, later } = Paging::new(&board.events, number, ROWS);
    let rows = items.iter().map(|event| Row::new(&page, event)).collect();
    Ok(Shown(Events { page, fleet, rows, earlier, later }))
}

impl Row {
    pub(super) fn new(page: &Page, event: &GuestEvent) -> Self {
        Self {
            at: page.time(event.at),
            guest: shown(&event.guest),
            subject: beginning(&event.subject),
            severity: event.severity,
            class: class(event.severity),
            kind: beginning(&event.kind),
            text: beginning(&event.text.replace('\n', "; ")),
        }
    }
}

/// Of a page: some 30 KiB.
const ROWS: usize = 40;
