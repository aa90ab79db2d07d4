//! Due times by an interval, counted from the last start.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::REPEATS_NOTHING;

/// An interval, of a second at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(Duration);

impl Interval {
    /// None for less than a second.
    pub fn new(every: Duration) -> Option<Self> {
        (every >= Duration::from_secs(1)).then_some(Self(every))
    }

    /// The interval.
    pub fn every(self) -> Duration {
        self.0
    }

    /// From where to count at an instant: from the last start. What has never run counts from 1970, so that the answer does
    /// not move while time passes.
    ///
    /// A last start that lies ahead means that the wall clock was set back. Within [`repeats_nothing`](Self::repeats_nothing)
    /// the next run waits for it, so that a step of seconds repeats nothing. Further back it is taken for wrong by whole
    /// intervals, or nothing would run until the clock has caught up.
    pub(super) fn anchor(self, last_start: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let Some(last) = last_start else { return Timestamp::UNIX_EPOCH };
        let ahead = last.as_nanosecond().saturating_sub(now.as_nanosecond());
        if ahead <= self.repeats_nothing().as_nanos() {
            return last;
        }
        let whole = (ahead / self.nanoseconds() + 1).saturating_mul(self.nanoseconds());
        Timestamp::from_nanosecond(last.as_nanosecond().saturating_sub(whole)).unwrap_or(last)
    }

    /// How far the wall clock may be set back without a run being repeated: [`REPEATS_NOTHING`], and never more than the
    /// interval, which would be a second one of waiting.
    pub(super) fn repeats_nothing(self) -> SignedDuration {
        SignedDuration::try_from(self.0).map_or(REPEATS_NOTHING, |every| every.min(REPEATS_NOTHING))
    }

    /// The first due time after an instant: a multiple of the interval after the anchor.
    pub(super) fn next_after(self, after: Timestamp, anchor: Timestamp) -> Option<Timestamp> {
        let passed = after.as_nanosecond().checked_sub(anchor.as_nanosecond())?;
        let count = (passed.div_euclid(self.nanoseconds()) + 1).max(1);
        Timestamp::from_nanosecond(anchor.as_nanosecond().checked_add(count.checked_mul(self.nanoseconds())?)?).ok()
    }

    fn nanoseconds(self) -> i128 {
        i128::try_from(self.0.as_nanos()).unwrap_or(i128::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_start_counts_unless_the_clock_was_set_back_by_more_than_an_interval() {
        let every = Interval::new(Duration::from_secs(600)).unwrap();
        for (now, last, expected) in [
            ("10:00:01", Some("10:00:00"), "10:10:00"),
            ("10:10:00", Some("10:00:00"), "10:20:00"),
            ("10:47:00", Some("10:00:00"), "10:50:00"),
            ("09:59:55", Some("10:00:00"), "10:10:00"),
            ("09:50:00", Some("10:00:00"), "10:10:00"),
            ("05:03:00", Some("10:00:00"), "05:10:00"),
            ("10:03:00", None, "10:10:00"),
        ] {
            let at = |time: &str| format!("2026-01-01T{time}Z").parse::<Timestamp>().unwrap();
            let anchor = every.anchor(last.map(at), at(now));
            assert_eq!(every.next_after(at(now), anchor), Some(at(expected)), "{now} {last:?}");
        }
        // A clock that was weeks ahead does not hold up what runs every month until then.
        let month = Interval::new(Duration::from_secs(30 * 86_400)).unwrap();
        let (now, last) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-21T00:00:00Z".parse().unwrap());
        assert_eq!(month.next_after(now, month.anchor(Some(last), now)), Some(last));
        assert_eq!(Interval::new(Duration::from_millis(999)), None);
    }
}
