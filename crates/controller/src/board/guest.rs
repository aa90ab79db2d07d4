//! A guest as it stands on a board: in a list of guests, and with all that it has told.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Severity;

/// Whether a guest lives, by when it was heard last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It sends heartbeats.
    Alive,
    /// Some are missing.
    Late,
    /// It sends none any more.
    Gone,
}

/// A guest in a list of guests, and its JSON in `agentapi fleet ls`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GuestRow {
    /// Its name.
    pub guest: String,
    /// The host that it is on; empty where it has not said.
    pub host: String,
    /// Its ring; 0 where it has not said.
    pub ring: u8,
    /// The group of guests with which it shares slots.
    pub slots: String,
    /// Whether it lives.
    pub life: Life,
    /// When the bus took its latest heartbeat.
    pub heard: Option<Timestamp>,
    /// When its latest good backup ended.
    pub last_backup: Option<Timestamp>,
    /// When its backup is due next.
    pub next_backup: Option<Timestamp>,
    /// `idle`, `waiting` or `running`; none where it makes no backups.
    pub backup: Option<String>,
    /// Whether the schedule of its backup is paused.
    pub is_paused: bool,
    /// Whether it has no backup that it should have by now.
    pub is_overdue: bool,
    /// How many conditions hold there.
    pub findings: usize,
    /// How much the worst of them matters.
    pub worst: Option<Severity>,
    /// How many wipes wait for a person there.
    pub approvals: usize,
    /// The version of its controller; empty where it has not said.
    pub version: String,
}

/// A guest with all that it has told.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// As in a list.
    pub row: GuestRow,
    /// How far its clock is ahead of the bus's, where that is too far.
    pub clock_error: Option<SignedDuration>,
    /// When the bus took what it told of itself; none where it has told nothing.
    pub told_at: Option<Timestamp>,
    /// The backup loop and the extensions.
    pub subjects: Vec<GuestSubject>,
    /// What holds there, the worst first.
    pub findings: Vec<GuestFinding>,
    /// What became of the extensions that the fleet wishes there.
    pub extensions: Vec<TriedExtension>,
}

/// Something that runs on a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSubject {
    /// `backup`, or an extension's name.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub digest: String,
    /// `idle`, `waiting` or `running`.
    pub activity: String,
    /// Whether its schedule is paused.
    pub is_paused: bool,
    /// When it is due next.
    pub next_due: Option<Timestamp>,
    /// When its latest run that was done ended.
    pub last_success: Option<Timestamp>,
}

/// A condition that holds on a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestFinding {
    /// What it is about.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when.
    pub since: Timestamp,
    /// One sentence, and lines that follow.
    pub text: String,
}

/// An extension whose bytes the fleet has chosen for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedExtension {
    /// Its name.
    pub name: String,
    /// SHA-256 of the bytes, in hex; none: the file of the guest's own configuration.
    pub digest: Option<String>,
    /// Whether the guest uses them, in a word.
    pub state: &'static str,
    /// How much that matters.
    pub severity: Severity,
    /// Why it does not; empty where there is nothing to say.
    pub why: String,
}

impl GuestRow {
    /// By this a list of guests begins with whom somebody should look at: who has no backup that should be there, the oldest
    /// first; then the others, and in the end who makes none.
    pub fn urgency(&self) -> impl Ord + use<> {
        (!self.is_overdue, self.backup.is_none(), self.last_backup, self.guest.clone())
    }
}

impl Life {
    /// Judges by the age of the latest heartbeat: alive up to 65 s, late up to five minutes, then gone; gone as well where the
    /// bus has no heartbeat. `latest` is when the bus took it, so that a guest whose own clock is wrong is alive all the same.
    pub fn from_heartbeat(latest: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(latest) = latest else { return Self::Gone };
        // The reader's clock may be behind that of the bus: a heartbeat that seems to come from the future is a new one.
        let age = now.duration_since(latest).max(SignedDuration::ZERO).unsigned_abs();
        match age {
            _ if age <= LATE_AFTER => Self::Alive,
            _ if age <= GONE_AFTER => Self::Late,
            _ => Self::Gone,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

/// Of heartbeats that come every 20 s two may be lost, and the third be late.
const LATE_AFTER: Duration = Duration::from_secs(65);
/// What is late for so long is gone: a guest that was started anew would be there again.
const GONE_AFTER: Duration = Duration::from_secs(5 * 60);
