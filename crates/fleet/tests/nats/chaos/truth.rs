//! What controllers and agents really did.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_controller::clock::{Clock, Monotonic, Sleep, SystemClock};
use agentapi_controller::run::Run;
use jiff::{SignedDuration, Timestamp};

/// A clock whose wall clock is wrong.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) ahead: SignedDuration,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead
    }

    fn monotonic(&self) -> Monotonic {
        SystemClock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

/// A backup, by the right time.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    began: Timestamp,
    ended: Timestamp,
}

impl Span {
    pub(crate) fn of(run: &Run, ahead: SignedDuration) -> Option<Self> {
        Some(Self { began: run.started_at? - ahead, ended: run.ended_at? - ahead })
    }
}

/// From when to when the bus was not there, or may have let in too many.
pub(crate) type Failure = (Timestamp, Timestamp);

/// How many ran at once at most: at times when the bus was there, and after it had failed.
pub(crate) fn most_at_once(spans: &[Span], failures: &[Failure]) -> (usize, usize) {
    let (mut usual, mut after_failure) = (0, 0);
    for span in spans {
        let at_once = spans.iter().filter(|other| other.began <= span.began && span.began < other.ended).count();
        let is_excused = failures.iter().any(|(from, to)| *from <= span.began && span.began < *to);
        let most = if is_excused { &mut after_failure } else { &mut usual };
        *most = at_once.max(*most);
    }
    (usual, after_failure)
}

/// How many runs each order has had, by its id.
pub(crate) fn runs_of_orders<'a>(runs: impl Iterator<Item = &'a Run>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for run in runs {
        if let Some((_, id)) = run.reason.trim_end_matches(')').split_once("(order ") {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    }
    counts
}
