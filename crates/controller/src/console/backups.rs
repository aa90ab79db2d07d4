//! Is there a good backup? Whether one is due and why, what runs, what comes next, and how all were.

mod calendar;
mod history;
mod row;

use agentapi_host::records::{BackupDue, BackupStatus};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::config::backup::Backup;
use crate::console::ask::{self, Absent};
use crate::console::going::{Frozen, Going};
use crate::console::page::{Page, Shown};
use crate::console::time::{Time, length};
use crate::console::trouble::Trouble;
use crate::console::words::shown;
use crate::owner::{Activity, SubjectStatus};
use crate::run::host::BACKUP;
use calendar::Month;
use history::History;

#[derive(Template)]
#[template(path = "backups.html")]
pub(super) struct Backups {
    page: Page,
    /// None where no backup is configured.
    now: Option<Now>,
    due: Result<Due, Absent>,
    latest: Result<Latest, Absent>,
    history: Result<History, Absent>,
}

/// What runs and what comes next.
struct Now {
    is_paused: bool,
    is_idle: bool,
    going: Going,
    frozen: Option<Frozen>,
    success: Option<Time>,
    is_alarm: bool,
    alarm_after: String,
    schedule: String,
    next: Vec<Time>,
}

/// Whether a backup is due, as the agent says.
struct Due {
    is_due: bool,
    reason: String,
}

/// The latest backup of which the agent knows.
struct Latest {
    phase: String,
    job: String,
    error: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<i64>,
    month: Option<String>,
}

pub(super) async fn show(
    State(state): State<ApiState>,
    page: Page,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Shown<Backups>, Trouble> {
    let Query(Asked { before, month }) = asked.map_err(Problem::from)?;
    let backup = state.config.borrow().live.backup.clone();
    let schedule = backup.as_ref().map(|backup| &backup.due.schedule);
    let zone = schedule.map(|schedule| schedule.zone().clone()).unwrap_or(jiff::tz::TimeZone::UTC);
    let month = Month::new(month.as_deref(), page.now, &zone);
    let agent = state.work.borrow().agent.clone();
    let (due, latest, history) = tokio::join!(
        ask::agent(agent.backup_due()),
        ask::agent(agent.backup_status()),
        History::read(state.store.reader(), &page, &month, schedule, before),
    );
    let status = state.owner.status.get();
    let status = status.subjects.iter().find(|subject| subject.name == BACKUP);
    let now = backup.as_ref().zip(status).map(|(backup, status)| Now::new(&state, &page, backup, status));
    Ok(Shown(Backups {
        page,
        now,
        due: due.map(Due::from),
        latest: latest.map(Latest::from),
        history: history.map_err(Absent::from),
    }))
}

impl Now {
    fn new(state: &ApiState, page: &Page, backup: &Backup, status: &SubjectStatus) -> Self {
        let alarm_after = SignedDuration::try_from(backup.alarm_after).unwrap_or(SignedDuration::MAX);
        let is_late = |success: Timestamp| page.now.duration_since(success) > alarm_after;
        let next = backup.due.schedule.next_five(page.now, status.last_start);
        Self {
            is_paused: status.is_paused,
            is_idle: status.activity == Activity::Idle,
            going: Going::new(status.activity, page.now),
            frozen: Frozen::of(state),
            success: status.last_success.map(|at| page.time(at)),
            is_alarm: status.last_success.is_some_and(is_late),
            alarm_after: length(alarm_after),
            schedule: backup.due.schedule.to_string(),
            next: next.into_iter().map(|at| page.time(at)).collect(),
        }
    }
}

impl From<BackupDue> for Due {
    fn from(due: BackupDue) -> Self {
        Self { is_due: due.due, reason: shown(&due.reason) }
    }
}

impl From<BackupStatus> for Latest {
    fn from(status: BackupStatus) -> Self {
        Self { phase: shown(status.phase.as_str()), job: shown(&status.job_id), error: shown(&status.error) }
    }
}

/// In short and in full.
const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
