//! One subject, as the owner knows it: its schedule, and what is remembered of it.

use jiff::Timestamp;

use crate::clock::Monotonic;
use crate::owner::status::{Activity, SubjectStatus};
use crate::owner::task::Ticket;
use crate::plan::Subject;
use crate::schedule::Missed;
use crate::store::ScheduleState;

/// One subject.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) subject: Subject,
    pub(super) state: ScheduleState,
    /// Due times up to this one are dealt with, or were before this controller knew the schedule.
    dealt_with: Timestamp,
    /// Where it stood before the latest activation, should that not be written down.
    before: Timestamp,
    /// A run that makes up for missed due times, and when it may begin. Decided once, because its delay counts from then.
    catch_up: Option<(Timestamp, String)>,
    /// Not to be looked at before: the latest activation could not be written down.
    not_before: Option<Monotonic>,
    /// The latest request to pause or go on.
    latest_pause: Ticket,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    NotYet,
    /// A run, which deals with the due times up to this one.
    Run { due: Timestamp, why: String },
    /// None, although due times have passed up to this one.
    Skip { due: Timestamp, why: String },
}

impl Entry {
    /// A schedule that was never seen before begins now: nothing was missed of it.
    pub(super) fn new(subject: Subject, state: ScheduleState, now: Timestamp) -> Self {
        let dealt_with = state.last_due_at.unwrap_or(now);
        Self { subject, state, dealt_with, before: dealt_with, catch_up: None, not_before: None, latest_pause: 0 }
    }

    /// The same with what another configuration says. What is remembered stays.
    pub(super) fn with_subject(self, subject: Subject) -> Self {
        Self { subject, catch_up: None, ..self }
    }

    /// What a later configuration that has this subject again begins with.
    pub(super) fn remembered(self) -> ScheduleState {
        ScheduleState { last_due_at: Some(self.dealt_with), ..self.state }
    }

    /// What is due now. [`dealt_with`](Self::deal_with) is to follow for all but `NotYet`.
    pub(super) fn due(&mut self, now: Timestamp, monotonic: Monotonic) -> Due {
        let Some(schedule) = &self.subject.schedule else { return Due::NotYet };
        if self.state.is_paused || self.not_before.is_some_and(|not_before| monotonic < not_before) {
            return Due::NotYet;
        }
        self.not_before = None;
        self.dealt_with = schedule.dealt_with(self.dealt_with, now);
        if self.catch_up.is_none() {
            let Some(missed) = schedule.missed(self.dealt_with, now, self.state.last_start_at) else {
                return Due::NotYet;
            };
            let why = missed.to_string();
            match missed {
                Missed::Due { due } => return Due::Run { due, why },
                Missed::Skip { .. } => return Due::Skip { due: now, why },
                Missed::RunOnce { at, .. } => self.catch_up = Some((at, why)),
            }
        }
        match &self.catch_up {
            Some((at, why)) if *at <= now => Due::Run { due: now, why: why.clone() },
            _ => Due::NotYet,
        }
    }

    /// Due times up to this one are dealt with.
    pub(super) fn deal_with(&mut self, due: Timestamp) {
        self.before = self.dealt_with;
        self.dealt_with = due;
        (self.catch_up, self.not_before) = (None, None);
    }

    /// What was activated is not written down, and so has not begun: its due times stay.
    pub(super) fn put_off(&mut self, due: Option<Timestamp>, not_before: Monotonic) {
        if due == Some(self.dealt_with) {
            self.dealt_with = self.before;
        }
        self.not_before = Some(not_before);
    }

    /// Paused, or goes on: with the next due time, because those that have passed were not wanted.
    pub(super) fn set_paused(&mut self, is_paused: bool, asked: Ticket, now: Timestamp) {
        self.latest_pause = asked;
        self.state.is_paused = is_paused;
        if !is_paused {
            self.deal_with(now.max(self.dealt_with));
        }
    }

    /// As before this request, unless another has come since.
    pub(super) fn take_back_pause(&mut self, asked: Ticket) {
        if asked == self.latest_pause {
            self.state.is_paused = !self.state.is_paused;
        }
    }

    /// Up to where due times are dealt with.
    pub(super) fn is_dealt_with_to(&self) -> Timestamp {
        self.dealt_with
    }

    /// When to look again; none where no time is known.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if self.state.is_paused || self.not_before.is_some() {
            return None;
        }
        let schedule = self.subject.schedule.as_ref()?;
        match &self.catch_up {
            Some((at, _)) => Some(*at),
            None => schedule.next_after(self.dealt_with, self.state.last_start_at),
        }
    }

    pub(super) fn status(&self, activity: Activity) -> SubjectStatus {
        SubjectStatus {
            name: self.subject.name.clone(),
            activity,
            is_paused: self.state.is_paused,
            next_due: self.next_due(),
            last_start: self.state.last_start_at,
            last_success: self.state.last_success_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::{Due, Entry, Monotonic, ScheduleState, Subject, Timestamp};
    use crate::schedule::{CatchUp, Interval, Rule, Schedule};

    fn at(text: &str) -> Timestamp {
        format!("2026-11-26T{text}Z").parse().unwrap()
    }

    /// Every hour, counted from a start at 10:00.
    fn entry(catch_up: CatchUp) -> Entry {
        let every = Rule::Every(Interval::new(Duration::from_secs(3600)).unwrap());
        let schedule = Some(Schedule::new(every, TimeZone::UTC).with_catch_up(catch_up));
        let subject =
            Subject { name: "x".into(), digest: String::new(), schedule, may_freeze: false, alarm_after: None };
        let state = ScheduleState {
            last_due_at: Some(at("10:00:00")),
            last_start_at: Some(at("10:00:00")),
            ..ScheduleState::default()
        };
        Entry::new(subject, state, at("10:00:00"))
    }

    #[test]
    fn a_due_time_is_dealt_with_once() {
        let mut entry = entry(CatchUp::One);
        assert_eq!(entry.due(at("10:59:59"), Monotonic::default()), Due::NotYet);
        let Due::Run { due, .. } = entry.due(at("11:00:00"), Monotonic::default()) else { panic!("not due") };
        assert_eq!(due, at("11:00:00"));
        entry.deal_with(due);
        assert_eq!(entry.due(at("11:00:01"), Monotonic::default()), Due::NotYet);
        assert_eq!(entry.next_due(), Some(at("12:00:00")));
    }

    #[test]
    fn missed_due_times_are_made_up_for_by_one_run_or_skipped_and_the_reason_says_so() {
        let Due::Run { due, why } = entry(CatchUp::One).due(at("13:30:00"), Monotonic::default()) else {
            panic!("no run")
        };
        assert!(due == at("13:30:00") && why.contains("3 due times were missed"), "{why}");
        let Due::Skip { due, why } = entry(CatchUp::None).due(at("13:30:00"), Monotonic::default()) else {
            panic!("a run")
        };
        assert!(due == at("13:30:00") && why.contains("skipped"), "{why}");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let mut entry = entry(CatchUp::One);
        entry.deal_with(at("20:00:00"));
        entry.state.last_start_at = Some(at("20:00:00"));
        assert_eq!(entry.due(at("05:30:00"), Monotonic::default()), Due::NotYet);
        assert_eq!(entry.next_due(), Some(at("06:00:00")));
        assert!(matches!(entry.due(at("06:00:00"), Monotonic::default()), Due::Run { .. }));
    }

    #[test]
    fn what_could_not_be_written_down_is_due_again_later() {
        let mut entry = entry(CatchUp::One);
        let Due::Run { due, .. } = entry.due(at("11:00:00"), Monotonic::default()) else { panic!("not due") };
        entry.deal_with(due);
        let later = Monotonic::default() + Duration::from_secs(60);
        entry.put_off(Some(due), later);
        assert_eq!(entry.due(at("11:00:30"), Monotonic::default()), Due::NotYet);
        assert!(matches!(entry.due(at("11:01:00"), later), Due::Run { .. }));
        assert!(entry.next_due().is_some(), "it is held up no longer");
    }

    #[test]
    fn a_schedule_that_goes_on_does_not_fire_at_once() {
        let mut entry = entry(CatchUp::One);
        entry.set_paused(true, 1, at("10:30:00"));
        assert_eq!((entry.due(at("12:00:00"), Monotonic::default()), entry.next_due()), (Due::NotYet, None));
        entry.set_paused(false, 2, at("12:30:00"));
        assert_eq!(
            (entry.due(at("12:30:00"), Monotonic::default()), entry.next_due()),
            (Due::NotYet, Some(at("13:00:00")))
        );
        entry.take_back_pause(1);
        assert!(entry.next_due().is_some(), "the older request changes nothing");
        entry.take_back_pause(2);
        assert_eq!(entry.next_due(), None);
    }
}
