//! What happened, the newest first.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::api::ApiState;
use crate::api::extract::Parameters;
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::trouble::Trouble;
use crate::console::words::{class, shown};
use crate::event::{Event, EventKind, Severity};
use crate::run::RunId;

#[derive(Template)]
#[template(path = "events.html")]
pub(super) struct Events {
    page: Page,
    rows: Vec<Row>,
    /// Leads to older ones: the number before which they stand.
    older: Option<i64>,
}

struct Row {
    at: Time,
    severity: Severity,
    class: &'static str,
    kind: EventKind,
    subject: String,
    run: Option<RunId>,
    text: String,
}

/// Which events are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    before: Option<i64>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    page: Page,
    Parameters(Which { before }): Parameters<Which>,
) -> Result<Shown<Events>, Trouble> {
    let reader = state.store.reader();
    let (oldest, newest) = reader.event_numbers().await?.unwrap_or((1, 0));
    let end = before.unwrap_or(newest.saturating_add(1)).clamp(oldest, newest.saturating_add(1));
    let first = end.saturating_sub(ROWS).max(oldest);
    let events = reader.events_after(first - 1, u32::try_from(end - first).unwrap_or_default()).await?;
    let rows = events.iter().rev().map(|event| Row::new(&page, event)).collect();
    Ok(Shown(Events { page, rows, older: (first > oldest).then_some(first) }))
}

impl Row {
    fn new(page: &Page, event: &Event) -> Self {
        Self {
            at: page.time(event.at),
            severity: event.severity,
            class: class(event.severity),
            kind: event.kind,
            subject: event.subject.clone(),
            run: event.run,
            text: shown(&event.text.replace('\n', "; ")),
        }
    }
}

/// Rows of a page: some 30 KiB.
const ROWS: i64 = 60;
