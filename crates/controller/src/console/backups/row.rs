//! One run of the backup loop in the list.

use jiff::SignedDuration;

use crate::console::page::Page;
use crate::console::time::{Time, length};
use crate::console::words::beginning;
use crate::run::{Run, RunId, RunState};

/// What is said of a run.
pub(super) struct RunRow {
    pub(super) id: RunId,
    pub(super) at: Time,
    pub(super) class: &'static str,
    /// With its sign.
    pub(super) state: String,
    /// Why it ended so.
    pub(super) end: String,
    /// Why it was activated.
    pub(super) reason: String,
    pub(super) took: String,
    pub(super) frozen: String,
    pub(super) consistency: String,
    pub(super) is_crash: bool,
}

impl RunRow {
    pub(super) fn new(page: &Page, run: &Run) -> Self {
        let end = run.ended_at.unwrap_or(page.now);
        let took = run.started_at.map(|start| length(end.duration_since(start).max(SignedDuration::ZERO)));
        let frozen = run.frozen_ms.map(|ms| length(SignedDuration::from_millis(ms)));
        let (class, sign) = match run.state {
            RunState::Done if run.job_id.is_none() => ("quiet", "○ "),
            RunState::Done => ("good", "✓ "),
            RunState::Failed | RunState::Stopped | RunState::Unknown => ("critical", "✖ "),
            RunState::Queued | RunState::Running | RunState::WaitingForApproval => ("info", "… "),
        };
        let consistency = run.consistency.as_deref();
        let unknown = || "–".to_owned();
        Self {
            id: run.id,
            at: page.time(run.queued_at),
            class,
            state: format!("{sign}{}", run.state),
            end: beginning(&run.end_reason),
            reason: beginning(&run.reason),
            took: took.unwrap_or_else(unknown),
            frozen: frozen.unwrap_or_else(unknown),
            consistency: consistency.map_or_else(unknown, beginning),
            is_crash: consistency.is_some_and(|consistency| consistency != "application"),
        }
    }
}
