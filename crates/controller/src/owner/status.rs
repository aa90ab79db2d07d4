//! What runs, what waits and what is due next: published by the owner, read by everybody without waiting.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::run::RunId;

/// All subjects, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// One for each subject.
    pub subjects: Vec<SubjectStatus>,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SubjectStatus {
    /// `backup`, or the extension's name.
    pub name: String,
    /// What it does now.
    pub activity: Activity,
    /// Whether its schedule is paused.
    pub is_paused: bool,
    /// When it is due next; none where it has no schedule, or it is paused.
    pub next_due: Option<Timestamp>,
    /// When its latest run began.
    pub last_start: Option<Timestamp>,
    /// When its latest run that was done ended.
    pub last_success: Option<Timestamp>,
}

/// What a subject does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Activity {
    /// Nothing.
    Idle,
    /// A run waits for its permit.
    Waiting {
        /// Which; none while it is being written down.
        run: Option<RunId>,
    },
    /// A run has its permit.
    Running {
        /// Which; none while it is being written down.
        run: Option<RunId>,
        /// Since when.
        since: Timestamp,
    },
}

/// Reads the latest status. Never waits.
#[derive(Clone, Debug)]
pub struct StatusReader(watch::Receiver<Arc<Status>>);

impl StatusReader {
    pub(crate) fn new(receiver: watch::Receiver<Arc<Status>>) -> Self {
        Self(receiver)
    }

    /// The latest status.
    pub fn get(&self) -> Arc<Status> {
        Arc::clone(&self.0.borrow())
    }

    /// What there is now is no news any more.
    pub fn mark_unchanged(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits until there is another one. `false` when there will be none, because the owner has ended.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
