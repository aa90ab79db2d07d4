//! What the coordinator of a fleet has seen of all guests, for the pages of the console. Whoever talks to the bus publishes it
//! whole; a page shows the latest one and waits for nothing. Where no coordinator runs in this process there is none, and the
//! console has no page of a fleet.
//!
//! Every text in it comes from some guest, and is to be escaped before it is shown.

mod guest;

use jiff::{SignedDuration, Timestamp};

use crate::event::Severity;

pub use guest::{Guest, GuestFinding, GuestRow, GuestSubject, Life, TriedExtension};

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

/// The beginning of a digest in hex, by which a person tells two versions apart. One that a guest has told may be any text.
pub fn short_digest(digest: &str) -> &str {
    let end = digest.char_indices().nth(SHORT_DIGEST).map_or(digest.len(), |(end, _)| end);
    digest.get(..end).unwrap_or(digest)
}

const NO_TIME: SignedDuration = SignedDuration::ZERO;
/// Digits of a digest that are shown: 48 bits, by which no two versions that anybody has are alike.
const SHORT_DIGEST: usize = 12;

#[cfg(test)]
mod tests;
