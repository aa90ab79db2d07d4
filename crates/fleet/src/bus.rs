//! The bus: small tables of keys, and one log of events. Everything about guests is built on these few functions, so that
//! tests run the same code on a bus in memory as a controller does on NATS.
//!
//! What the bus holds are copies, wishes and votes, never the truth: whoever uses it must go on without it, and must find
//! its way back when the bus has forgotten everything.

pub mod memory;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

use crate::name::GuestName;

/// A table of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// A key for each guest: that it lives.
    Heartbeat,
    /// A key for each guest: what there is to know of it.
    Inventory,
    /// A key for each guest: the signed orders that it has not let expire.
    Order,
    /// A key for each guest: the signed decisions on what it has asked a person for.
    Vote,
    /// A key for each guest and each ring: what it is wished.
    Want,
    /// A key for each group of guests: who of them backs up, and who waits for that.
    Slot,
    /// Keys of an extension's bytes, by their digest.
    Extension,
    /// A key for each extension: how far its roll-out is.
    Rollout,
    /// One key: which coordinator plans.
    Lease,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value; none where the key was deleted.
    pub value: Option<Bytes>,
    /// The number of this change among all of its table. Only ever grows, unless the table was lost.
    pub revision: u64,
    /// When the bus took it, by the bus's clock.
    pub at: Timestamp,
}

/// An event as the bus has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The guest that it is of.
    pub guest: GuestName,
    /// Its place among all records.
    pub sequence: u64,
    /// When the bus took it, by the bus's clock.
    pub at: Timestamp,
    /// What was written.
    pub payload: Bytes,
}

/// Where a reader of the log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes from now on.
    New,
    /// With at most so many of the latest records.
    Latest(u64),
    /// After the record with this sequence; 0 for all.
    After(u64),
}

/// Why the bus did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// It cannot be reached, or does not answer in time. Whether it has taken what was sent is unknown.
    #[error("the bus does not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not let this user do that.
    #[error("the bus does not permit {what}")]
    Denied {
        /// What was tried.
        what: String,
    },
    /// The key has changed since it was read, or is there already.
    #[error("the key {key} was changed by somebody else")]
    Changed {
        /// Which.
        key: String,
    },
    /// The table or log is not there.
    #[error("the bus has no {what}: `agentapi fleet init` makes it")]
    Missing {
        /// What is missing.
        what: String,
    },
    /// It answers what cannot be understood, or is too old.
    #[error("{0}")]
    Unusable(String),
}

/// What a change expects of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there is replaced.
    Anything,
    /// The key is not there.
    Nothing,
    /// The key has this revision.
    Revision(u64),
}

/// A bus.
#[async_trait::async_trait]
pub trait Bus: fmt::Debug + Send + Sync {
    /// How often it was connected to. Whoever finds another number than before must expect that the bus has forgotten
    /// everything meanwhile.
    fn connections(&self) -> u64;

    /// Sets a key, and returns its revision.
    ///
    /// # Errors
    ///
    /// [`BusError::Changed`] where it is not as expected; the others.
    async fn put(&self, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError>;

    /// Deletes a key that has this revision.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn delete(&self, table: Table, key: &str, revision: u64) -> Result<(), BusError>;

    /// The value of a key; none where there is none, or it is too old.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    async fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, BusError>;

    /// All keys of a table, in no order.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    async fn all(&self, table: Table) -> Result<Vec<Entry>, BusError>;

    /// All keys of a table, in no order, and then each change, for as long as the bus answers. The stream ends after an
    /// error.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    async fn watch(&self, table: Table) -> Result<Watch, BusError>;

    /// Appends an event of a guest. Of two with the same `id` within two minutes only the first is kept.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    async fn append(&self, guest: &GuestName, id: &str, payload: Bytes) -> Result<(), BusError>;

    /// The events, the oldest first, and then each as it comes, for as long as the bus answers.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    async fn follow(&self, start: Start) -> Result<BoxStream<'static, Result<Record, BusError>>, BusError>;
}

/// A table as it is, and how it goes on.
pub struct Watch {
    /// What there is.
    pub entries: Vec<Entry>,
    /// What changes after that.
    pub changes: BoxStream<'static, Result<Entry, BusError>>,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 9] = [
        Self::Heartbeat,
        Self::Inventory,
        Self::Order,
        Self::Vote,
        Self::Want,
        Self::Slot,
        Self::Extension,
        Self::Rollout,
        Self::Lease,
    ];

    /// Its name on the bus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "hb",
            Self::Inventory => "inv",
            Self::Order => "order",
            Self::Vote => "vote",
            Self::Want => "want",
            Self::Slot => "slot",
            Self::Extension => "ext",
            Self::Rollout => "rollout",
            Self::Lease => "lease",
        }
    }

    /// How long a value is kept that nobody writes anew; none where it stays.
    pub const fn max_age(self) -> Option<Duration> {
        match self {
            // Long enough to be seen as gone before it is not seen at all.
            Self::Heartbeat => Some(Duration::from_secs(10 * 60)),
            // A coordinator that is gone is followed by another.
            Self::Lease => Some(Duration::from_secs(30)),
            _ => None,
        }
    }
}

/// How long the bus remembers the id of an event. Not what makes an event unique: a reader tells by guest and number.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
