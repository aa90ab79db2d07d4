//! How long there has been no success, by both clocks.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Monotonic;
use crate::schedule::period_text;

/// The time without a success of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absence {
    last_success: Option<Timestamp>,
    /// When this controller first saw that this is the latest success.
    seen: Monotonic,
}

impl Absence {
    pub(super) fn new(last_success: Option<Timestamp>, seen: Monotonic) -> Self {
        Self { last_success, seen }
    }

    pub(super) fn update(&mut self, last_success: Option<Timestamp>, now: Monotonic) {
        if last_success != self.last_success {
            *self = Self::new(last_success, now);
        }
    }

    /// By the clock that says more: the wall clock knows what was before this controller was started, and the monotonic one
    /// is not fooled where the wall clock is set back behind the latest success.
    pub(super) fn length(&self, first_seen: Timestamp, now: Timestamp, monotonic: Monotonic) -> Duration {
        let from = self.last_success.unwrap_or(first_seen);
        let by_wall = Duration::try_from(now.duration_since(from)).unwrap_or(Duration::ZERO);
        by_wall.max(monotonic.since(self.seen))
    }

    /// The same text as long as it goes on.
    pub(super) fn text(&self, subject: &str, alarm_after: Duration, first_seen: Timestamp, is_paused: bool) -> String {
        let since = match self.last_success {
            Some(at) => format!("the last one was at {at:.0}"),
            None => format!("there was none since {first_seen:.0}, when it was configured"),
        };
        let paused = if is_paused { "; its schedule is paused" } else { "" };
        format!("no success of {subject} for longer than {}: {since}{paused}", period_text(alarm_after))
    }
}
