//! What a guest remembers of orders, and of votes. Each of both is one value in the history, so that each change is on the
//! disk as a whole, with the event that tells of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All that is remembered of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Those that were accepted and may lie on the bus still, the latest last.
    pub(super) taken: Vec<Taken>,
    /// The number of the latest order of each key. Never forgotten, because without it an order could be done a second time.
    pub(super) last: BTreeMap<String, u64>,
    /// Since when orders are remembered; none before the first one.
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
}

/// An order or a vote that was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) digest: String,
    pub(super) issued_by: String,
    pub(super) not_after: Timestamp,
    pub(super) state: State,
    /// It was seen that it lies on the bus no more.
    pub(super) is_gone: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// To be done.
    Accepted {
        /// When.
        at: Timestamp,
    },
    /// This run has done it, or tries.
    Done {
        /// Its number.
        run: i64,
    },
    /// Its time was over before it could be done.
    GivenUp,
}

/// Whether something is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is not.
    Not,
    /// It is, and lies on the bus as before.
    Same,
    /// It is, but was gone, or has another text or signature.
    Replayed,
}

impl Journal {
    pub(super) fn known(&self, id: &str, digest: &str) -> Known {
        match self.taken.iter().find(|taken| taken.id == id || taken.digest == digest) {
            None => Known::Not,
            Some(taken) if taken.digest == digest && !taken.is_gone => Known::Same,
            Some(_) => Known::Replayed,
        }
    }

    /// Forgets what has expired, and of too many the oldest: their numbers still tell that they are not new.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.taken.retain(|taken| now < taken.not_after || matches!(taken.state, State::Accepted { .. }));
        let too_many = self.taken.len().saturating_sub(MAX_TAKEN);
        self.taken.drain(..too_many);
    }
}

/// Those of one guest that have not expired: more than anybody signs in a day.
const MAX_TAKEN: usize = 100;
