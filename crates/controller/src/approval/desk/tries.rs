//! How often a durable id may be typed wrong. A person who cannot find the right one should look again and not guess, and a
//! program that guesses should not get anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::approval::ApprovalId;
use crate::clock::Monotonic;

/// The wrong durable ids of the requests that wait. Each counts for itself.
#[derive(Debug, Default)]
pub(super) struct Tries(BTreeMap<ApprovalId, Wrong>);

/// What was typed wrong for one request.
#[derive(Debug, Default)]
struct Wrong {
    /// When, within the last [`PERIOD`].
    at: Vec<Monotonic>,
    /// Nothing is taken before this.
    refused_until: Monotonic,
}

impl Tries {
    /// For how long nothing is taken for this request; zero where a try is.
    pub(super) fn pause(&self, id: ApprovalId, now: Monotonic) -> Duration {
        self.0.get(&id).map_or(Duration::ZERO, |wrong| wrong.refused_until.since(now))
    }

    /// Counts a wrong durable id.
    pub(super) fn count(&mut self, id: ApprovalId, now: Monotonic) {
        let wrong = self.0.entry(id).or_default();
        wrong.at.retain(|at| now.since(*at) < PERIOD);
        wrong.at.push(now);
        if wrong.at.len() >= MAX_WRONG {
            *wrong = Wrong { at: Vec::new(), refused_until: now + PERIOD };
        }
    }

    /// The request waits no more.
    pub(super) fn forget(&mut self, id: ApprovalId) {
        self.0.remove(&id);
    }
}

/// Wrong durable ids within a [`PERIOD`] that are answered: enough for the typing mistakes of a person.
pub(super) const MAX_WRONG: usize = 5;
/// In which they are counted, and for which nothing is taken after the last of them: a minute of the fifteen that there are.
pub(super) const PERIOD: Duration = Duration::from_secs(60);
