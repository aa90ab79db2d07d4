//! Due times by a cron expression, in a time zone.
//!
//! Five fields as in `crontab(5)`, with `L`, `W`, `#` and names, or `@daily` and its like. Where both the day of the month
//! and the day of the week are restricted, either is enough, as in every cron; `+` before the day of the week asks for
//! both.
//!
//! When clocks are changed:
//!
//! | the hours' field | the hour that is missing | the hour that comes twice |
//! | --- | --- | --- |
//! | names hours, as `2` or `1,13` or `1-5` | due at the first instant after it, once | due the first time only |
//! | all hours, or begins with `*`, as `*` or `*/2` | not due: that time does not pass | due both times, as time passes |
//!
//! These rules are kept here and not left to croner, which applies the first line only where the expression names one
//! minute of one hour: `0 2,14 * * *` would lose the run at two in spring, and run twice in autumn. So croner only ever
//! sees civil times, which have no zone, and finds those that match.

use std::fmt;
use std::str::FromStr;

use croner::Cron as Pattern;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A cron expression.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pattern: Box<Pattern>,
    /// Whether every hour, or every n-th, is meant rather than certain ones.
    by_elapsed_time: bool,
}

/// Why a text is no [`Cron`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// It cannot be read; holds the reason.
    #[error("expected five fields: minute, hour, day of the month, month, day of the week; found {found:?}: {reason}")]
    Unreadable {
        /// The text.
        found: String,
        /// What the parser says.
        reason: String,
    },
    /// It names no day that there is, such as 31 February.
    #[error("expected a cron expression that comes due, found {0:?}, which never does")]
    Never(String),
}

impl Cron {
    /// The first due time after an instant. None where the calendar ends.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.by_elapsed_time { self.next_by_elapsed_time(after, zone) } else { self.next_fixed(after, zone) }
    }

    fn next_fixed(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut civil = zone.to_datetime(after);
        loop {
            civil = self.next_civil(civil, false)?;
            let due = first_instant(zone, civil)?;
            // The second time that an hour comes, what it holds has been due the first time.
            if due > after {
                return Some(due);
            }
        }
    }

    fn next_by_elapsed_time(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = after;
        let mut is_included = false;
        loop {
            // Up to the next transition the offset is fixed, and civil times follow each other as instants do.
            let offset = zone.to_offset(from);
            let due = offset.to_timestamp(self.next_civil(offset.to_datetime(from), is_included)?).ok()?;
            match zone.following(from).next().map(|transition| transition.timestamp()) {
                Some(transition) if transition <= due => from = transition,
                _ => return Some(due),
            }
            is_included = true;
        }
    }

    fn next_civil(&self, after: DateTime, is_included: bool) -> Option<DateTime> {
        self.pattern.find_next_occurrence(&after, is_included).ok()
    }
}

/// The first instant at which clocks in a zone show a civil time; where they never do, the first instant after it.
pub(super) fn first_instant(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // By the offset before the gap, the civil time lies after the transition, and no other is between.
            let inside = before.to_timestamp(civil).ok()?.checked_add(SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(inside).next().map(|transition| transition.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let unreadable = |reason: String| CronError::Unreadable { found: text.to_owned(), reason };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser
            .parse(text)
            .map_err(|error| unreadable(error.to_string().to_lowercase().trim_end_matches('.').to_owned()))?;
        let hours = text.split_whitespace().nth(1).unwrap_or_default();
        let all_hours = (0..24).all(|hour| pattern.pattern.hour_match(hour).unwrap_or(false));
        let cron = Self {
            text: text.to_owned(),
            pattern: Box::new(pattern),
            by_elapsed_time: all_hours || hours.starts_with('*'),
        };
        match cron.next_civil(DateTime::default(), true) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never(text.to_owned())),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?})", self.text)
    }
}

#[cfg(test)]
mod tests;
