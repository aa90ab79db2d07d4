//! The disks: what each is used for, what is on it, and what a person may do with it. One of the system or with backups has a
//! lock, and nothing by which it could be lost; that a request names one all the same is refused here already.

pub(super) mod assign;
pub(super) mod eject;
pub(super) mod wipe;

use agentapi_host::records::{Disk, DiskList};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::api::extract::Parameters;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::{ApiState, agent};
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;
use crate::console::words::{can_be_typed, disk_size, role, shown, size};

#[derive(Template)]
#[template(path = "disks.html")]
pub(super) struct Disks {
    page: Page,
    vmid: i64,
    /// How many there are.
    count: usize,
    cards: Vec<Card>,
    /// The numbers of this page and of all.
    number: usize,
    numbers: usize,
    /// Guests that used the disk that was just ejected.
    guests: Vec<i64>,
}

/// A disk, as a card shows it.
struct Card {
    name: String,
    device: String,
    role: String,
    is_locked: bool,
    kind: String,
    state: String,
    /// Where it is mounted; empty where it is not.
    mounted_at: String,
    class: String,
    contents: String,
    size: String,
    /// How much of it is used, where the agent knows.
    used: Option<Used>,
    durable_id: String,
    /// For the links: as the agent gave them.
    id: String,
    mount_path: String,
    can_be_assigned: bool,
    can_be_wiped: bool,
}

/// How much of a disk is used.
struct Used {
    size: String,
    /// 0 to 100, with one decimal.
    percent: String,
}

#[derive(Deserialize)]
pub(super) struct Query {
    page: Option<usize>,
    guests: Option<String>,
}

pub(super) async fn show(
    State(state): State<ApiState>,
    page: Page,
    query: Result<Parameters<Query>, Problem>,
) -> Result<Shown<Disks>, Trouble> {
    let Parameters(Query { page: number, guests }) = query?;
    let DiskList { vmid, disks } = list(&state).await?;
    let numbers = disks.len().div_ceil(CARDS).max(1);
    let number = number.unwrap_or(1).clamp(1, numbers);
    let cards = disks.iter().skip((number - 1) * CARDS).take(CARDS).map(Card::from).collect();
    let guests = guests.unwrap_or_default().split(',').filter_map(|guest| guest.parse().ok()).collect();
    Ok(Shown(Disks { page, vmid, count: disks.len(), cards, number, numbers, guests }))
}

async fn list(state: &ApiState) -> Result<DiskList, Problem> {
    Ok(agent::ask(state, async |agent| agent.disks().await).await?.0)
}

/// The one disk for which this holds, if it is not locked.
async fn find(state: &ApiState, what: &str, is_it: impl Fn(&Disk) -> bool) -> Result<Disk, Problem> {
    let mut found = list(state).await?.disks.into_iter().filter(is_it);
    let disk = match (found.next(), found.next()) {
        (Some(disk), None) => disk,
        (None, _) => {
            let text = format!("the agent lists no disk {what}: it may have been taken out");
            return Err(Problem::new(ProblemKind::NotFound, text));
        }
        (Some(_), Some(_)) => {
            let text = format!("the agent lists more than one disk {what}, and nobody can tell which is meant");
            return Err(Problem::new(ProblemKind::Conflict, text));
        }
    };
    match role(&disk.role) {
        (role, true) => Err(Problem::new(ProblemKind::FormatRefused, format!("{} is {role}", disk.backing_device))),
        (_, false) => Ok(disk),
    }
}

async fn find_by_id(state: &ApiState, id: &str) -> Result<Disk, Problem> {
    find(state, &format!("with the durable id {id:?}"), |disk| !id.is_empty() && disk.durable_id == id).await
}

impl From<&Disk> for Card {
    fn from(disk: &Disk) -> Self {
        let (role, is_locked) = role(&disk.role);
        let contents = match disk.data_reason.as_str() {
            _ if !disk.data_bearing => "nothing was found".to_owned(),
            "" => "data".to_owned(),
            reason => shown(reason),
        };
        let is_known = disk.total_bytes > 0 && disk.used_fraction.is_finite();
        let used = is_known.then(|| Used {
            size: size(disk.used_bytes),
            percent: format!("{:.1}", (disk.used_fraction * 100.0).clamp(0.0, 100.0)),
        });
        let can_be_wiped = !is_locked && can_be_typed(&disk.durable_id);
        Self {
            name: if disk.name.is_empty() { shown(&disk.backing_device) } else { shown(&disk.name) },
            device: shown(&disk.backing_device),
            role,
            is_locked,
            kind: shown(&disk.kind),
            state: shown(&disk.state),
            mounted_at: shown(&disk.mount_path),
            class: shown(disk.class.as_str()),
            contents,
            size: disk_size(disk.total_bytes),
            used,
            durable_id: shown(&disk.durable_id),
            id: disk.durable_id.clone(),
            mount_path: disk.mount_path.clone(),
            can_be_assigned: can_be_wiped && disk.durable_id.starts_with("uuid:"),
            can_be_wiped,
        }
    }
}

/// On one page, which is under 60 KiB with them.
const CARDS: usize = 24;

#[cfg(test)]
mod tests;
