//! What a fleet makes of this guest's backups: why one runs, and why one waits. Told by whoever talks to the bus, and shown.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What a fleet makes of this guest's backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// The slot of the backup that runs or waits; null while none does, and where slots are not counted.
    pub slot: Option<Slot>,
    /// What this guest is wished; null where it is wished nothing.
    pub wish: Option<Wish>,
}

/// One of the slots in which guests back up at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Slot {
    /// The backup waits for one.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// How many guests are before this one.
        before: usize,
        /// The guests that have the slots.
        holders: Vec<String>,
    },
    /// The backup has one.
    Held {
        /// Since when.
        since: Timestamp,
    },
    /// The backup runs without one.
    Without {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
}

/// What this guest is wished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Wish {
    /// Whose wish it is: this guest's own, or that of its ring.
    pub from: String,
    /// What is wished, in words.
    pub text: String,
    /// From when on there is to be another backup; null where none is wished. The local schedule may make one sooner.
    pub due: Option<Timestamp>,
    /// Why there is none, although it is due.
    pub held_back: Option<String>,
}
