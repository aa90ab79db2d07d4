//! Times for people: how long ago or how soon, and exactly on hover. The script of the page puts them into the reader's zone.

use jiff::{SignedDuration, Timestamp};

/// A time, seen from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Time {
    at: Timestamp,
    now: Timestamp,
}

impl Time {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// For `datetime`.
    pub(super) fn iso(&self) -> String {
        format!("{:.0}", self.at)
    }

    /// To the minute.
    pub(super) fn exact(&self) -> String {
        self.at.strftime("%-d %b %Y %H:%M UTC").to_string()
    }

    /// The time of day, to the second.
    pub(super) fn clock(&self) -> String {
        self.at.strftime("%H:%M:%S").to_string()
    }

    /// `3 hours ago`, `in 5 min`.
    pub(super) fn relative(&self) -> String {
        let from_now = self.at.duration_since(self.now);
        if from_now.abs() < SignedDuration::from_secs(1) {
            return "now".into();
        }
        let length = length(from_now.abs());
        if from_now.is_negative() { format!("{length} ago") } else { format!("in {length}") }
    }
}

/// A length of time with its two largest units.
pub(super) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 && !duration.is_zero() {
        return format!("{} ms", duration.as_millis());
    }
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if minutes < 10 && seconds % 60 > 0 => format!("{minutes} min {} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (1, 0, _) => "1 day".into(),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, _, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_the_units_that_matter() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (600, "10 min"),
            (3600, "1 h"),
            (3660, "1 h 1 min"),
            (86_400, "1 day"),
            (90_000, "1 day 1 h"),
            (200_000, "2 days"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), text);
        }
        assert_eq!(length(SignedDuration::from_millis(12)), "12 ms");
    }

    #[test]
    fn a_time_is_said_from_now_and_exactly() {
        let now = "2026-11-26T12:00:00.5Z".parse().unwrap();
        let time = |text: &str| Time::new(text.parse().unwrap(), now);
        assert_eq!(time("2026-11-26T09:00:00.5Z").relative(), "3 h ago");
        assert_eq!(time("2026-11-26T12:05:00.5Z").relative(), "in 5 min");
        assert_eq!(time("2026-11-26T12:00:00Z").relative(), "now");
        assert_eq!(
            (time("2026-11-06T09:00:00.4Z").exact().as_str(), time("2026-11-06T09:00:00.4Z").iso().as_str()),
            ("6 Nov 2026 09:00 UTC", "2026-11-06T09:00:00Z")
        );
    }
}
