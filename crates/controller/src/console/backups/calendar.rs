//! A month of backups, day by day: what became of each, in a word and a sign.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

use crate::run::{RunId, RunState};
use crate::schedule::Schedule;
use crate::store::PastRun;

/// A month.
pub(super) struct Calendar {
    /// Such as `November 2026`.
    pub(super) title: String,
    pub(super) zone: String,
    /// The months before and after, as they stand in the address of the page.
    pub(super) earlier: String,
    pub(super) later: Option<String>,
    /// From Monday on; none where a day is of another month.
    pub(super) weeks: Vec<Vec<Option<Day>>>,
}

/// A day.
pub(super) struct Day {
    pub(super) number: i8,
    pub(super) is_today: bool,
    pub(super) class: &'static str,
    /// With its sign; empty where there is nothing to say.
    pub(super) text: String,
    /// Where more is said of it.
    pub(super) run: Option<RunId>,
}

/// A month, its zone, and from when to when it lasts.
#[derive(Clone)]
pub(super) struct Month {
    first: Date,
    zone: TimeZone,
}

impl Month {
    /// The one that is asked for, such as `2026-11`; the present one where it is none, or lies ahead.
    pub(super) fn new(asked: Option<&str>, now: Timestamp, zone: &TimeZone) -> Self {
        let present = now.to_zoned(zone.clone()).date().first_of_month();
        let asked = asked.and_then(|text| Date::strptime("%Y-%m-%d", format!("{text}-01")).ok());
        Self {
            first: asked.filter(|first| (1970..).contains(&first.year()) && *first <= present).unwrap_or(present),
            zone: zone.clone(),
        }
    }

    pub(super) fn begin(&self) -> Timestamp {
        self.instant(self.first)
    }

    pub(super) fn end(&self) -> Timestamp {
        self.instant(self.first.saturating_add(1.month()))
    }

    /// With its runs, the oldest first. Those before it count as well: a due time is missed only after a run.
    pub(super) fn calendar(&self, runs: &[PastRun], schedule: Option<&Schedule>, now: Timestamp) -> Calendar {
        let present = now.to_zoned(self.zone.clone());
        let lead = usize::try_from(self.first.weekday().to_monday_zero_offset()).unwrap_or_default();
        let mut days: Vec<Option<Day>> = (0..lead).map(|_| None).collect();
        let dates = self.first.series(1.day()).take_while(|date| date.month() == self.first.month());
        days.extend(dates.map(|date| Some(self.day(date, runs, schedule, &present))));
        while !days.len().is_multiple_of(7) {
            days.push(None);
        }
        let mut weeks = Vec::new();
        while !days.is_empty() {
            weeks.push(days.drain(..7).collect());
        }
        let name = |month: Date| month.strftime("%Y-%m").to_string();
        let later = self.first.saturating_add(1.month());
        Calendar {
            title: self.first.strftime("%B %Y").to_string(),
            zone: self.zone.iana_name().unwrap_or("local time").to_owned(),
            earlier: name(self.first.saturating_sub(1.month())),
            later: (later <= present.date()).then(|| name(later)),
            weeks,
        }
    }

    fn day(&self, date: Date, runs: &[PastRun], schedule: Option<&Schedule>, present: &Zoned) -> Day {
        let (begin, end) = (self.instant(date), self.instant(date.saturating_add(1.day())));
        let before = runs.partition_point(|run| run.queued_at < begin);
        let (earlier, rest) = runs.split_at(before);
        let (of_day, _) = rest.split_at(rest.partition_point(|run| run.queued_at < end));
        let (class, text, run) = outcome(of_day).unwrap_or_else(|| {
            let last = earlier.last().map(|run| run.queued_at);
            let just_before = begin.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(begin);
            let due = schedule.and_then(|schedule| schedule.next_after(just_before, last)).filter(|due| *due < end);
            match due {
                Some(due) if due > present.timestamp() => ("quiet", "· due".into(), None),
                Some(_) if last.is_some() => ("warning", "▲ missed".into(), None),
                // Nobody knows whether there was a controller then, and with which schedule.
                _ => ("", String::new(), None),
            }
        });
        Day { number: date.day(), is_today: date == present.date(), class, text, run }
    }

    fn instant(&self, date: Date) -> Timestamp {
        date.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |begin| begin.timestamp())
    }
}

/// What became of a day's runs: a backup that is done counts more than what went wrong before or after it.
fn outcome(runs: &[PastRun]) -> Option<(&'static str, String, Option<RunId>)> {
    let latest = |is: &dyn Fn(&PastRun) -> bool| runs.iter().rev().find(|run| is(run));
    let is_bad = |run: &PastRun| run.state.is_end() && run.state != RunState::Done;
    if let Some(run) = latest(&|run| run.state == RunState::Done && run.has_job) {
        let bad = runs.iter().filter(|run| is_bad(run)).count();
        let beside = if bad > 0 { format!(", {bad} not") } else { String::new() };
        return Some(("good", format!("✓ done{beside}"), Some(run.id)));
    }
    if let Some(run) = latest(&is_bad) {
        return Some(("critical", format!("✖ {}", run.state), Some(run.id)));
    }
    if let Some(run) = latest(&|run| !run.state.is_end()) {
        return Some(("info", "… runs".into(), Some(run.id)));
    }
    latest(&|_| true).map(|run| ("quiet", "○ none due".into(), Some(run.id)))
}

#[cfg(test)]
mod tests;
