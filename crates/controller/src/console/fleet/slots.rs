//! Who backs up, and who waits for that, in each group of guests of which only so many may at once.

use askama::Template;
use serde::Deserialize;

use super::paging::Paging;
use super::{Frame, Seen};
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::board::{SlotGroup, SlotPlace};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::shown;

#[derive(Template)]
#[template(path = "fleet_slots.html")]
pub(super) struct Slots {
    page: Page,
    fleet: Frame,
    groups: Vec<Group>,
    earlier: Option<usize>,
    later: Option<usize>,
}

struct Group {
    name: String,
    max: Option<u32>,
    held: usize,
    waiting: usize,
    rows: Vec<Row>,
    /// That are not listed.
    more: usize,
}

struct Row {
    guest: String,
    since: Time,
    /// Its place in the queue, from 1; none where it backs up.
    place: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    page: Option<usize>,
}

pub(super) async fn list(seen: Seen, which: Result<Parameters<Which>, Problem>) -> Result<Shown<Slots>, Trouble> {
    let Parameters(Which { page: number }) = which?;
    let fleet = seen.frame();
    let Seen { page, board } = seen;
    let Paging { items, earlier, later } = Paging::new(&board.groups, number, GROUPS);
    let groups = items.iter().map(|group| Group::new(&page, group)).collect();
    Ok(Shown(Slots { page, fleet, groups, earlier, later }))
}

impl Group {
    fn new(page: &Page, group: &SlotGroup) -> Self {
        let row = |place: &SlotPlace, number| {
            let (guest, since) = (shown(&place.guest), page.time(place.since));
            Row { guest, since, place: number }
        };
        let (held, waiting) = (group.holders.len(), group.waiting.len());
        let holders = group.holders.iter().map(|place| row(place, None));
        let queue = group.waiting.iter().zip(1..).map(|(place, number)| row(place, Some(number)));
        let rows: Vec<_> = holders.chain(queue).take(ROWS).collect();
        let more = held + waiting - rows.len();
        Self { name: shown(&group.name), max: group.max, held, waiting, rows, more }
    }
}

/// Of a page.
const GROUPS: usize = 10;
/// Of a group: a night of hundreds of guests has as many in the queue.
const ROWS: usize = 12;
