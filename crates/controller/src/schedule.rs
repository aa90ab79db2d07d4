//! When something is due. Pure: instants go in and come out, and nothing here asks for the time.
//!
//! ```text
//!  rule: cron in a zone, or an interval ─▶ window: not before it opens ─▶ jitter: this guest's delay, within the window
//! ```
//!
//! Due times of one schedule grow strictly: what would come to the same instant comes once. What a change of clocks does
//! is in [`Cron`], what a wall clock that was set back does is in [`Schedule::next_after`].

mod catch_up;
mod cron;
mod interval;
mod jitter;
mod period;
mod window;

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use catch_up::{CatchUp, MAX_COUNTED, Missed, PUNCTUAL};
pub use cron::{Cron, CronError};
pub use interval::Interval;
pub use period::{PeriodError, parse_period, period_text};
pub use window::{Window, WindowError};

use window::Opening;

/// When something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    rule: Rule,
    zone: TimeZone,
    window: Option<Window>,
    spread: Duration,
    /// What this guest takes of the spread.
    delay: Duration,
    catch_up: CatchUp,
}

/// What due times are counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The calendar.
    Cron(Cron),
    /// Time since the last start.
    Every(Interval),
}

impl Schedule {
    /// By this rule, with expression and window in this zone. At any hour, without jitter, and [`CatchUp::One`].
    pub fn new(rule: Rule, zone: TimeZone) -> Self {
        Self { rule, zone, window: None, spread: Duration::ZERO, delay: Duration::ZERO, catch_up: CatchUp::default() }
    }

    /// The same, in these hours only: what is due at others waits until they begin.
    #[must_use]
    pub fn in_window(self, window: Window) -> Self {
        Self { window: Some(window), ..self }
    }

    /// The same, later by up to `spread`: always by the same for a guest and a schedule of this name.
    #[must_use]
    pub fn with_jitter(self, spread: Duration, guest: &str, schedule: &str) -> Self {
        Self { spread, delay: jitter::delay(spread, guest, schedule), ..self }
    }

    /// The same, with this treatment of due times that were missed.
    #[must_use]
    pub fn with_catch_up(self, catch_up: CatchUp) -> Self {
        Self { catch_up, ..self }
    }

    /// The first due time after an instant, if the last run was started at that other one. None where the calendar ends.
    ///
    /// A last start that lies ahead means that the wall clock was set back. By [`REPEATS_NOTHING`] at most, the calendar
    /// goes on after the last start, so that a clock that is corrected by seconds repeats no run; further back, the start
    /// is taken for wrong, or nothing would run until the clock has caught up. The same holds for an interval, or the
    /// interval itself if that is shorter.
    pub fn next_after(&self, after: Timestamp, last_start: Option<Timestamp>) -> Option<Timestamp> {
        let delay = SignedDuration::try_from(self.delay).ok()?;
        // The jitter is part of the last start, and is added again below.
        let anchor = match &self.rule {
            Rule::Every(interval) if last_start.is_some() => {
                interval.anchor(last_start, after).checked_sub(delay).ok()?
            }
            _ => Timestamp::UNIX_EPOCH,
        };
        let after = match &self.rule {
            Rule::Cron(_) => last_start.filter(|&last| last > after && last.duration_since(after) <= REPEATS_NOTHING),
            Rule::Every(_) => None,
        }
        .unwrap_or(after);
        let mut from = after.checked_sub(delay).ok()?;
        loop {
            let base = self.rule.next_after(self.search_from(from), anchor, &self.zone)?;
            let (due, opening) = self.begin(base)?;
            if due > after {
                return Some(due);
            }
            // The jitter is cut off by the end of this opening, and the cut lies behind us: so does all of the opening.
            from = opening?.closes.checked_sub(NANOSECOND).ok()?;
        }
    }

    /// The next five due times after an instant, for people, and as if nothing were run by hand meanwhile.
    pub fn next_five(&self, after: Timestamp, last_start: Option<Timestamp>) -> Vec<Timestamp> {
        let mut due = self.next_after(after, last_start);
        let mut list = Vec::new();
        while let Some(instant) = due.filter(|_| list.len() < 5) {
            list.push(instant);
            // An interval counts from the start that the due time before leads to.
            due = self.next_after(instant, Some(instant));
        }
        list
    }

    /// Up to where due times are dealt with now, if they were up to `instant`: up to there, unless the wall clock was set
    /// back since by more than is bridged. What is remembered from before would then hold up every run until the clock
    /// has caught up, which after a wrong year is never.
    pub fn dealt_with(&self, instant: Timestamp, now: Timestamp) -> Timestamp {
        let bridged = match &self.rule {
            Rule::Cron(_) => REPEATS_NOTHING,
            Rule::Every(interval) => interval.repeats_nothing(),
        };
        if instant.duration_since(now) > bridged { now } else { instant }
    }

    /// Whether a run may begin at an instant: whether its window is open.
    pub fn may_begin(&self, instant: Timestamp) -> bool {
        self.window.is_none_or(|window| window.opening_at(instant, &self.zone).is_some())
    }

    /// What is done about missed due times.
    pub fn catch_up(&self) -> CatchUp {
        self.catch_up
    }

    /// The time zone, for printing due times.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// From where to look for what the rule gives, if all that begins up to `from` is done with: in a closed window, all
    /// that came due since it closed still waits for the next opening.
    fn search_from(&self, from: Timestamp) -> Timestamp {
        let Some(window) = self.window.filter(|window| window.opening_at(from, &self.zone).is_none()) else {
            return from;
        };
        let closed = window.closed_before(from, &self.zone).and_then(|closed| closed.checked_sub(NANOSECOND).ok());
        closed.unwrap_or(from)
    }

    /// When that begins for which the rule gives this instant, and the opening in which it does. The later the one, the
    /// later the other, or the same.
    fn begin(&self, base: Timestamp) -> Option<(Timestamp, Option<Opening>)> {
        let delayed = |instant: Timestamp| instant.checked_add(SignedDuration::try_from(self.delay).ok()?).ok();
        let Some(window) = self.window else { return Some((delayed(base)?, None)) };
        let opening = window.opening_at(base, &self.zone).or_else(|| window.opening_after(base, &self.zone))?;
        let begin = base.max(opening.opens);
        let last = opening.closes.checked_sub(SECOND).ok()?.max(begin);
        Some((delayed(begin)?.min(last), Some(opening)))
    }
}

impl Rule {
    fn next_after(&self, after: Timestamp, anchor: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next_after(after, zone),
            Self::Every(interval) => interval.next_after(after, anchor),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("local time");
        match &self.rule {
            Rule::Cron(cron) => write!(f, "cron {cron} ({zone})")?,
            Rule::Every(interval) => write!(f, "every {}", period_text(interval.every()))?,
        }
        if let Some(window) = self.window {
            write!(f, ", in {window} ({zone})")?;
        }
        if !self.spread.is_zero() {
            write!(f, ", {} later of up to {}", period_text(self.delay), period_text(self.spread))?;
        }
        match self.catch_up {
            CatchUp::One => f.write_str(", one run for those missed"),
            CatchUp::None => f.write_str(", none for those missed"),
        }
    }
}

/// How far the wall clock may be set back without a run being repeated: three hours, more than any correction or a wrong
/// time zone within a country, and less than the shortest time after which an operator would miss a run.
pub const REPEATS_NOTHING: SignedDuration = SignedDuration::from_hours(3);
/// The step between instants.
const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);
/// Due times are whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[cfg(test)]
mod tests;
