//! How far extensions are on their way through the rings.

use askama::Template;

use super::{Frame, Seen};
use crate::board::{Rollout, RolloutState};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::words::{beginning, command, shown};

#[derive(Template)]
#[template(path = "fleet_rollouts.html")]
pub(super) struct Rollouts {
    page: Page,
    fleet: Frame,
    rows: Vec<Row>,
    /// That are not listed.
    more: usize,
}

struct Row {
    extension: String,
    digest: String,
    began: Time,
    class: &'static str,
    state: &'static str,
    /// Why it was stopped; empty where it was not.
    why: String,
    rings: Vec<Ring>,
    waits_for: Vec<String>,
    /// That are waited for too.
    more: usize,
    stop: Option<String>,
    rollback: Option<String>,
}

struct Ring {
    number: u8,
    /// Whether its guests have it; none where it has not come there.
    word: Option<&'static str>,
}

pub(super) async fn list(seen: Seen) -> Shown<Rollouts> {
    let fleet = seen.frame();
    let Seen { page, board } = seen;
    let rows: Vec<_> = board.rollouts.iter().take(ROWS).map(|rollout| Row::new(&page, rollout)).collect();
    let more = board.rollouts.len() - rows.len();
    Shown(Rollouts { page, fleet, rows, more })
}

impl Row {
    fn new(page: &Page, rollout: &Rollout) -> Self {
        let (class, state) = match &rollout.state {
            RolloutState::Running(_) => ("info", "running"),
            RolloutState::Stopped(_) => ("critical", "stopped"),
            RolloutState::Done => ("well", "done"),
            RolloutState::RollingBack => ("info", "rolling back"),
            RolloutState::RolledBack => ("warning", "rolled back"),
        };
        let why = if let RolloutState::Stopped(why) = &rollout.state { beginning(why) } else { String::new() };
        let waits_for: &[String] = if let RolloutState::Running(guests) = &rollout.state { guests } else { &[] };
        let act = |act: &str| command(&["agentapi", "fleet", "rollout", act, &rollout.extension]);
        let is_over = matches!(rollout.state, RolloutState::RollingBack | RolloutState::RolledBack);
        Self {
            extension: shown(&rollout.extension),
            digest: shown(&rollout.digest),
            began: page.time(rollout.began),
            class,
            state,
            why,
            rings: rollout
                .rings
                .iter()
                .enumerate()
                .map(|(place, number)| Ring { number: *number, word: ring_word(rollout, place) })
                .collect(),
            waits_for: waits_for.iter().take(NAMES).map(|name| shown(name)).collect(),
            more: waits_for.len().saturating_sub(NAMES),
            stop: matches!(rollout.state, RolloutState::Running(_)).then(|| act("stop")).flatten(),
            rollback: (!is_over).then(|| act("rollback")).flatten(),
        }
    }
}

/// How far it is in the ring at this place. In the latest one some guests may not have run it yet.
fn ring_word(rollout: &Rollout, place: usize) -> Option<&'static str> {
    let is_latest = place + 1 == rollout.reached;
    match rollout.state {
        RolloutState::RollingBack | RolloutState::RolledBack => None,
        RolloutState::Running(_) if is_latest => Some("now"),
        RolloutState::Stopped(_) if is_latest => Some("in part"),
        _ => (place < rollout.reached).then_some("has it"),
    }
}

/// Of a page: there is one for each extension.
const ROWS: usize = 10;
/// Of guests that are waited for.
const NAMES: usize = 10;
