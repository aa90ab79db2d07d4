//! The calendar of the backup's schedule, worked out without the controller's own.

use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;

/// Every day at half past two, in a zone with two changes of clocks a year.
#[derive(Debug)]
pub(super) struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    pub(super) fn new() -> Self {
        Self { zone: TimeZone::get("Europe/Berlin").unwrap() }
    }

    /// The day whose backup is one that is made now: that of the latest due time.
    pub(super) fn day_of(&self, now: Timestamp) -> Date {
        let today = now.to_zoned(self.zone.clone()).date();
        if now >= self.due(today) { today } else { today.yesterday().unwrap() }
    }

    /// Half past two, or right after the gap where there is no such time; the first of two.
    pub(super) fn due(&self, day: Date) -> Timestamp {
        let half_past_two = day.to_datetime(time(2, 30, 0, 0));
        let due = half_past_two.to_zoned(self.zone.clone()).unwrap();
        if due.datetime() == half_past_two {
            return due.timestamp();
        }
        day.to_datetime(time(3, 0, 0, 0)).to_zoned(self.zone.clone()).unwrap().timestamp()
    }
}
