//! What the coordinator of a fleet has seen of all guests, for the pages of the console. Whoever talks to the bus publishes it
//! whole; a page shows the latest one and waits for nothing. Where no coordinator runs in this process there is none, and the
//! console has no page of a fleet.
//!
//! Every text in it comes from some guest, and is to be escaped before it is shown.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Severity;

/// What is known of a fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// When the bus was read last: ages and lives are as of then. None before it was reached for the first time.
    pub read_at: Option<Timestamp>,
    /// Set while the bus does not answer: what is here is what was known before.
    pub lost: Option<Lost>,
    /// All guests, those whose backup is overdue first.
    pub guests: Vec<Guest>,
    /// The groups of guests of which only so many back up at once.
    pub groups: Vec<SlotGroup>,
    /// The latest roll-out of each extension.
    pub rollouts: Vec<Rollout>,
    /// What waits for a person on any guest, what expires first in front.
    pub approvals: Vec<WaitingApproval>,
    /// The latest events of all guests, the newest first.
    pub events: Vec<GuestEvent>,
}

/// Why the bus is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Since when.
    pub since: Timestamp,
    /// What is known of the cause.
    pub why: String,
}

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

/// A group of guests of which only so many back up at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotGroup {
    /// Its name: that of a host, or of a storage.
    pub name: String,
    /// How many; none: any number.
    pub max: Option<u32>,
    /// Those that back up.
    pub holders: Vec<SlotPlace>,
    /// Those that wait, the next one first.
    pub waiting: Vec<SlotPlace>,
}

/// One guest's place in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotPlace {
    /// The guest.
    pub guest: String,
    /// Since when, by its own clock.
    pub since: Timestamp,
}

/// How far an extension is on its way through the rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The extension.
    pub extension: String,
    /// SHA-256 of the bytes, in hex.
    pub digest: String,
    /// The rings through which it goes, in their order.
    pub rings: Vec<u8>,
    /// How many of them have it.
    pub reached: usize,
    /// When it began.
    pub began: Timestamp,
    /// How it is.
    pub state: RolloutState,
}

/// How a roll-out is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// It goes on. These guests of the latest ring have not run it yet.
    Running(Vec<String>),
    /// It goes on no more, for this reason.
    Stopped(String),
    /// All rings have it.
    Done,
    /// The rings are to be as before.
    RollingBack,
    /// The rings are as before.
    RolledBack,
}

/// A wipe that waits for a person on a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingApproval {
    /// The guest that asks.
    pub guest: String,
    /// What is asked; or why it is not to be signed, where what it says is not what its digest is of.
    pub request: Result<WipeRequest, String>,
}

/// What is asked. All of it was compared with the digest that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WipeRequest {
    /// Its number on that guest.
    pub id: i64,
    /// Who asks: an extension, or a user of the guest's API.
    pub asked_by: String,
    /// The device that is to be wiped.
    pub device: String,
    /// The durable id of the disk.
    pub durable_id: String,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// What the disk is used for.
    pub role: String,
    /// What was found on it.
    pub contents: String,
    /// Until when it can be decided, by the guest's clock.
    pub until: Timestamp,
}

/// Something that has happened on a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestEvent {
    /// The guest.
    pub guest: String,
    /// When, by its own clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub text: String,
}

impl Board {
    /// One guest.
    pub fn guest(&self, name: &str) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.row.guest == name)
    }

    /// Whether a person sees the same on both, but for ages, which a page counts by itself: guests are heard all the time.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let without_ages = |board: &Self| {
            let mut board = Self { read_at: board.read_at.map(|_| Timestamp::UNIX_EPOCH), ..board.clone() };
            for guest in &mut board.guests {
                (guest.row.heard, guest.told_at, guest.clock_error) = (None, None, guest.clock_error.map(|_| NO_TIME));
            }
            board
        };
        without_ages(self) == without_ages(other)
    }
}

impl GuestRow {
    /// By this a list of guests begins with whom somebody should look at: who has no backup that should be there, the oldest
    /// first; then the others, and in the end who makes none.
    pub fn urgency(&self) -> impl Ord + use<> {
        (!self.is_overdue, self.backup.is_none(), self.last_backup, self.guest.clone())
    }
}

impl Life {
    /// By when the bus took the latest heartbeat; none where it has none. By the bus's clock alone, on which all agree: a
    /// guest whose clock is wrong is alive all the same.
    pub fn of(latest: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(latest) = latest else { return Self::Gone };
        match now.duration_since(latest).unsigned_abs() {
            age if age <= LATE_AFTER => Self::Alive,
            // What the reader's clock is behind is no age.
            _ if latest > now => Self::Alive,
            age if age <= GONE_AFTER => Self::Late,
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

const NO_TIME: SignedDuration = SignedDuration::ZERO;
/// Of heartbeats that come every 20 s two may be lost, and the third be late.
const LATE_AFTER: Duration = Duration::from_secs(65);
/// What is late for so long is gone: a guest that was started anew would be there again.
const GONE_AFTER: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
