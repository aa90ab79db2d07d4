//! Which backup the controller owes: the one of the latest due time, once it has worked undisturbed for long enough.
//!
//! A day is excused if anything went wrong on it while a controller was there: its run may have met that, and a run that has
//! failed is not repeated before the next due time. A controller that was away when a backup became due is no excuse: the run
//! is made up for at the start. So neither a due time that is dropped, nor one at another hour than the calendar's, passes.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::Calendar;
use super::oracle::Moment;
use crate::clock::Monotonic;

/// What is owed, and why not.
#[derive(Debug)]
pub(super) struct Duty {
    calendar: Calendar,
    excused: BTreeSet<Date>,
    /// Since when a controller has worked and nothing was wrong.
    undisturbed_since: Monotonic,
    /// How often a backup was found to be owed, each day once.
    asked: BTreeSet<Date>,
}

impl Duty {
    /// A schedule that was never seen before owes nothing of the past.
    pub(super) fn new(begun: Moment) -> Self {
        let calendar = Calendar::new();
        let excused = BTreeSet::from([calendar.day_of(begun.wall)]);
        Self { calendar, excused, undisturbed_since: begun.monotonic, asked: BTreeSet::new() }
    }

    /// A controller has started.
    pub(super) fn begins(&mut self, now: Moment) {
        self.undisturbed_since = now.monotonic;
    }

    /// Something is wrong, or changes: what a run of this day meets is not the controller's fault.
    pub(super) fn excuse(&mut self, now: Moment) {
        self.undisturbed_since = now.monotonic;
        self.excused.insert(self.calendar.day_of(now.wall));
    }

    /// The day whose backup must have been made, if one is owed.
    pub(super) fn owed(&mut self, now: Moment) -> Option<Date> {
        let day = self.calendar.day_of(now.wall);
        let since_due = Duration::try_from(now.wall.duration_since(self.calendar.due(day))).unwrap_or_default();
        let undisturbed = now.monotonic.since(self.undisturbed_since);
        let is_owed = since_due >= PATIENCE && undisturbed >= PATIENCE && !self.excused.contains(&day);
        if is_owed {
            self.asked.insert(day);
        }
        is_owed.then_some(day)
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.len()
    }

    pub(super) fn day_of(&self, now: Timestamp) -> Date {
        self.calendar.day_of(now)
    }
}

/// After that a backup must be under way: five times the tolerance within which a due time is not yet missed, and a fraction
/// of the hour by which a forgotten change of clocks is wrong.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
