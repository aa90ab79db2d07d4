//! Runs: all of them, and one with its log and its result.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::action::Action;
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::extract::{Parameters, PathPart};
use crate::console::calls::{self, Call};
use crate::console::form::Sent;
use crate::console::page::{Page, Shown};
use crate::console::subjects::Nothing;
use crate::console::time::{Time, length};
use crate::console::trouble::Trouble;
use crate::console::words::shown;
use crate::run::{LineLevel, Run, RunId, RunState};
use crate::store::{Page as Items, RunFilter};

#[derive(Template)]
#[template(path = "runs.html")]
pub(super) struct Runs {
    page: Page,
    rows: Vec<Row>,
    subject: Option<String>,
    /// Leads to older ones.
    older: Option<String>,
}

/// A run in a list.
pub(super) struct Row {
    pub(super) id: RunId,
    pub(super) subject: String,
    pub(super) state: RunState,
    pub(super) class: &'static str,
    pub(super) queued: Time,
    pub(super) length: String,
    pub(super) why: String,
}

#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct OneRun {
    page: Page,
    row: Row,
    is_open: bool,
    reason: String,
    digest: String,
    frozen: Option<String>,
    consistency: Option<String>,
    job: Option<String>,
    result: Option<String>,
    calls: Vec<Call>,
    lines: Vec<Line>,
    /// Whether there are more lines than are shown.
    is_long: bool,
}

/// A line that a run has printed.
struct Line {
    at: Time,
    level: LineLevel,
    text: String,
}

/// Which runs are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    subject: Option<String>,
    before: Option<i64>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    page: Page,
    Parameters(Which { subject, before }): Parameters<Which>,
) -> Result<Shown<Runs>, Trouble> {
    let filter = RunFilter { subject: subject.clone(), ..RunFilter::default() };
    let Items { items, next } = state.store.reader().runs(filter, before, ROWS).await?;
    let rows = items.iter().map(|run| Row::new(&page, run)).collect();
    let of_subject = subject.as_ref().map(|subject| format!("&subject={subject}")).unwrap_or_default();
    let older = next.map(|before| format!("/runs?before={before}{of_subject}"));
    Ok(Shown(Runs { page, rows, subject, older }))
}

pub(super) async fn show(
    State(state): State<ApiState>,
    page: Page,
    PathPart(id): PathPart<i64>,
) -> Result<Shown<OneRun>, Trouble> {
    let reader = state.store.reader();
    let run = reader.run(RunId(id)).await?;
    let mut lines = reader.lines(run.id, LineLevel::Trace, 0, LINES + 1).await?;
    let is_long = lines.len() > LINES as usize;
    lines.truncate(LINES as usize);
    let lines = lines.iter().map(|line| Line { at: page.time(line.at), level: line.level, text: shown(&line.text) });
    let lines = lines.collect();
    let audit = state.config.borrow().fixed.audit.clone();
    let calls = calls::of_run(audit, &run, page.now).await;
    let ms = |ms: i64| length(SignedDuration::from_millis(ms));
    Ok(Shown(OneRun {
        row: Row::new(&page, &run),
        is_open: !run.state.is_end(),
        reason: shown(&run.reason),
        digest: run.digest,
        frozen: run.frozen_ms.map(ms),
        consistency: run.consistency.as_deref().map(shown),
        job: run.job_id.as_deref().map(shown),
        result: run.result.as_deref().map(shown_json),
        calls,
        lines,
        is_long,
        page,
    }))
}

pub(super) async fn stop(
    State(state): State<ApiState>,
    Extension(rights): Extension<Rights>,
    PathPart(id): PathPart<i64>,
    _: Sent<Nothing>,
) -> Result<Redirect, Trouble> {
    state.owner.actions.ask(Action::Stop { run: RunId(id) }, rights.peer.into()).await?;
    Ok(Redirect::to(&format!("/runs/{id}?done=stopping")))
}

impl Row {
    pub(super) fn new(page: &Page, run: &Run) -> Self {
        Self {
            id: run.id,
            subject: run.subject.clone(),
            state: run.state,
            class: class(run.state),
            queued: page.time(run.queued_at),
            length: length_of(run, page.now),
            why: shown(if run.end_reason.is_empty() { &run.reason } else { &run.end_reason }),
        }
    }
}

/// How long it has run; empty before it begins.
fn length_of(run: &Run, now: Timestamp) -> String {
    let Some(started) = run.started_at else { return String::new() };
    // A clock that was set back makes no run shorter than nothing.
    let took = run.ended_at.unwrap_or(now).duration_since(started).max(SignedDuration::ZERO);
    length(took)
}

fn class(state: RunState) -> &'static str {
    match state {
        RunState::Done => "well",
        RunState::Failed | RunState::Unknown => "critical",
        RunState::WaitingForApproval | RunState::Stopped => "warning",
        _ => "info",
    }
}

/// A line each, so that the breaks between them stay.
fn shown_json(json: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(json);
    let text = value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| json.to_owned());
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

/// Rows of a list: some 20 KiB.
pub(super) const ROWS: u32 = 50;
/// Lines of a log on its page; the API and the command have all.
const LINES: u32 = 300;
