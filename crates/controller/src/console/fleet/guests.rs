//! All guests, those whose backup is overdue first.

pub(super) mod one;

use askama::Template;
use serde::Deserialize;

use super::paging::Paging;
use super::{Frame, Seen};
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::board::{Board, Guest, GuestRow, Life};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::{address, beginning, class, shown};

#[derive(Template)]
#[template(path = "fleet_guests.html")]
pub(super) struct Guests {
    page: Page,
    fleet: Frame,
    figures: Figures,
    rows: Vec<Row>,
    /// What is looked for in the names of guests and hosts; empty for all guests.
    find: String,
    find_address: String,
    found: usize,
    earlier: Option<usize>,
    later: Option<usize>,
}

/// How many there are of which kind.
struct Figures {
    guests: usize,
    late: usize,
    gone: usize,
    overdue: usize,
    critical: usize,
    waiting: usize,
}

/// A guest in the list.
struct Row {
    name: String,
    host: String,
    ring: u8,
    version: String,
    life: Life,
    life_class: &'static str,
    heard: Option<Time>,
    backup: Backup,
    findings: usize,
    findings_class: &'static str,
    approvals: usize,
}

/// How it is with a guest's backups.
struct Backup {
    is_made: bool,
    is_overdue: bool,
    last: Option<Time>,
    /// What it does now; empty where it does nothing.
    now: &'static str,
    next: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    page: Option<usize>,
    find: Option<String>,
}

pub(super) async fn list(seen: Seen, which: Result<Parameters<Which>, Problem>) -> Result<Shown<Guests>, Trouble> {
    let Parameters(Which { page: number, find }) = which?;
    let (fleet, figures) = (seen.frame(), Figures::of(&seen.board));
    let Seen { page, board } = seen;
    let find = find.unwrap_or_default().trim().to_lowercase();
    let is_found =
        |guest: &&Guest| [&guest.row.guest, &guest.row.host].iter().any(|name| name.to_lowercase().contains(&find));
    let found: Vec<_> = board.guests.iter().filter(is_found).collect();
    let Paging { items, earlier, later } = Paging::new(&found, number, ROWS);
    let rows = items.iter().map(|guest| Row::new(&page, &guest.row)).collect();
    let (find_address, find) = (address(&find), shown(&find));
    Ok(Shown(Guests { page, fleet, figures, rows, find_address, find, found: found.len(), earlier, later }))
}

impl Figures {
    fn of(board: &Board) -> Self {
        let count = |is_one: fn(&GuestRow) -> bool| board.guests.iter().filter(|guest| is_one(&guest.row)).count();
        Self {
            guests: board.guests.len(),
            late: count(|row| row.life == Life::Late),
            gone: count(|row| row.life == Life::Gone),
            overdue: count(|row| row.is_overdue),
            critical: count(|row| row.worst.is_some_and(|worst| class(worst) == "critical")),
            waiting: board.approvals.len(),
        }
    }
}

impl Row {
    fn new(page: &Page, row: &GuestRow) -> Self {
        Self {
            name: shown(&row.guest),
            host: beginning(&row.host),
            ring: row.ring,
            version: beginning(&row.version),
            life: row.life,
            life_class: life_class(row.life),
            heard: row.heard.map(|at| page.time(at)),
            backup: Backup::new(page, row),
            findings: row.findings,
            findings_class: row.worst.map(class).unwrap_or_default(),
            approvals: row.approvals,
        }
    }
}

impl Backup {
    fn new(page: &Page, row: &GuestRow) -> Self {
        Self {
            is_made: row.backup.is_some(),
            is_overdue: row.is_overdue,
            last: row.last_backup.map(|at| page.time(at)),
            now: activity(row.backup.as_deref().unwrap_or_default(), row.is_paused),
            next: row.next_backup.map(|at| page.time(at)),
        }
    }
}

/// The class of a life in the style sheet.
fn life_class(life: Life) -> &'static str {
    match life {
        Life::Alive => "well",
        Life::Late => "warning",
        Life::Gone => "critical",
    }
}

/// What something does now, in place of when it is due. Empty where it does nothing.
fn activity(activity: &str, is_paused: bool) -> &'static str {
    match (activity, is_paused) {
        ("running", _) => "running",
        ("waiting", _) => "waits for its turn",
        (_, true) => "paused",
        _ => "",
    }
}

/// Of a page: some 30 KiB with names of the greatest length.
const ROWS: usize = 40;
