//! The hours in which a run may begin, by the clock on the wall of a time zone.
//!
//! On a day on which clocks are changed, a window that begins in the missing hour begins at the first instant after it,
//! and one that ends there ends as much later. One that begins in the hour that comes twice begins the first time, and
//! one that ends there ends the second time. So a window never vanishes, and a due time that was moved lies in it still.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::first_instant;

/// From one time of day to another, which may be on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    opens: Time,
    closes: Time,
}

/// Why a text is no [`Window`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two different times of day such as 01:00-05:00 or 22:30-04:00, found {found:?}")]
pub struct WindowError {
    found: String,
}

/// One opening of a window: from an instant up to another, which does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) opens: Timestamp,
    pub(super) closes: Timestamp,
}

impl Window {
    /// The opening that an instant lies in.
    pub(super) fn opening_at(self, instant: Timestamp, zone: &TimeZone) -> Option<Opening> {
        self.around(instant, zone).find(|opening| opening.opens <= instant && instant < opening.closes)
    }

    /// The first opening that begins after an instant.
    pub(super) fn opening_after(self, instant: Timestamp, zone: &TimeZone) -> Option<Opening> {
        self.around(instant, zone).find(|opening| opening.opens > instant)
    }

    /// When the last opening before an instant closed.
    pub(super) fn closed_before(self, instant: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.around(instant, zone).map(|opening| opening.closes).take_while(|&closes| closes <= instant).last()
    }

    /// Those of the days around an instant, in order. Three days: one zone has once left out a whole one.
    fn around(self, instant: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Opening> {
        let today = zone.to_datetime(instant).date();
        let days = (-3..=3).filter_map(move |days| today.checked_add(SignedDuration::from_hours(24 * days)).ok());
        days.filter_map(move |day| self.on(day, zone))
    }

    fn on(self, day: Date, zone: &TimeZone) -> Option<Opening> {
        let last_day = if self.closes > self.opens { day } else { day.tomorrow().ok()? };
        let opens = first_instant(zone, day.to_datetime(self.opens))?;
        let closes = zone.to_ambiguous_timestamp(last_day.to_datetime(self.closes)).later().ok()?;
        Some(Opening { opens, closes })
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            // `parse` alone would take `+1:00`.
            let number = |digits: &str| match digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                true => digits.parse::<i8>().ok(),
                false => None,
            };
            match (number(hour)?, number(minute)?) {
                (24, 0) => Some(Time::midnight()),
                (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
            }
        };
        let window = text.split_once('-').and_then(|(opens, closes)| {
            let (opens, closes) = (time(opens)?, time(closes)?);
            (opens != closes).then_some(Self { opens, closes })
        });
        window.ok_or_else(|| WindowError { found: text.to_owned() })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (self.opens, self.closes);
        write!(f, "{:02}:{:02}-{:02}:{:02}", opens.hour(), opens.minute(), closes.hour(), closes.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_times_of_day_and_nothing_else() {
        for text in ["01:00-05:00", "22:30-04:00", "00:00-12:00"] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
        }
        assert_eq!("18:00 - 24:00".parse::<Window>().unwrap().to_string(), "18:00-00:00");
        for text in
            ["", "01:00", "1:00-5:00", "01:00-25:00", "01:00-01:00", "00:00-24:00", "01:00-05:60", "+1:00-05:00"]
        {
            let error = text.parse::<Window>().unwrap_err().to_string();
            assert!(error.ends_with(&format!("found {text:?}")), "{error}");
        }
    }

    #[test]
    fn a_window_never_vanishes_when_clocks_are_changed() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (window, day, opens, closes) in [
            ("01:00-05:00", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
            ("02:15-02:45", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-29T01:45:00Z"),
            ("01:00-02:30", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
            ("02:30-05:00", "2026-10-25", "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"),
            ("01:00-02:30", "2026-10-25", "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z"),
            ("22:00-02:30", "2026-03-28", "2026-03-28T21:00:00Z", "2026-03-29T01:30:00Z"),
        ] {
            let opening = window.parse::<Window>().unwrap().on(day.parse().unwrap(), &zone).unwrap();
            assert_eq!(
                (opening.opens.to_string(), opening.closes.to_string()),
                (opens.into(), closes.into()),
                "{window}"
            );
        }
    }
}
