//! What must be true, worked out beside the controller: from the agent, the calendar and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agentapi_mock::MockAgent;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::duty::Duty;
use super::life::Life;
use super::receiver::Recorder;
use super::{ALARM_AFTER, KEEP_RUNS};
use crate::clock::{Clock, Monotonic, VirtualClock};
use crate::event::EventKind;
use crate::finding::FindingKind;
use crate::run::{Run, RunId, RunState};
use crate::store::RunFilter;

/// An instant by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Monotonic,
}

pub(super) struct Oracle {
    clock: VirtualClock,
    begun: Moment,
    duty: Duty,
    operator: Recorder,
    /// Since when the alarm has been as it is, in this life.
    alarm: Option<(bool, Monotonic)>,
    /// When starts were counted last, which is after a crash too.
    last_look: Monotonic,
    /// Backups that the agent has made, as many as were seen.
    started: u64,
    /// The local day whose backup it is, for each start.
    days: BTreeMap<Date, Moment>,
    /// When the history had a success, as it was seen.
    success: Option<Moment>,
    successes: Vec<Moment>,
    /// When an absence was raised.
    raised: Vec<Timestamp>,
    /// Up to which event the history was read.
    last_event: i64,
    jobs: BTreeSet<String>,
    /// Runs that a crash has cut off, and that a later controller has taken up.
    taken_up: BTreeSet<RunId>,
}

impl Oracle {
    pub(super) fn new(clock: VirtualClock, operator: Recorder) -> Self {
        let begun = Moment { wall: clock.now(), monotonic: clock.monotonic() };
        Self {
            clock,
            begun,
            duty: Duty::new(begun),
            operator,
            alarm: None,
            last_look: begun.monotonic,
            started: 0,
            days: BTreeMap::new(),
            success: None,
            successes: Vec::new(),
            raised: Vec::new(),
            last_event: 0,
            jobs: BTreeSet::new(),
            taken_up: BTreeSet::new(),
        }
    }

    /// Days whose backup was owed.
    pub(super) fn owed(&self) -> usize {
        self.duty.asked()
    }

    pub(super) fn taken_up(&self) -> usize {
        self.taken_up.len()
    }

    pub(super) fn alarms(&self) -> usize {
        self.raised.len()
    }

    /// A controller has begun: nothing of an earlier one is under way that it does not take up.
    pub(super) async fn begins(&mut self, life: &Life) {
        self.duty.begins(self.now());
        self.alarm = None;
        // One that ended between the last look and the crash.
        self.see_success(life.success_before, self.last_look);
        self.read_history(life).await;
    }

    /// Something is wrong now, or has just changed.
    pub(super) fn excuses(&mut self) {
        self.duty.excuse(self.now());
    }

    /// After each step.
    pub(super) fn looks(&mut self, life: &Life, agent: &MockAgent) {
        self.count_starts(agent);
        let now = self.now();
        let subjects = life.status.get();
        self.see_success(subjects.subjects.first().and_then(|subject| subject.last_success), now.monotonic);
        self.judge_alarm(life, now);
        self.judge_notice(life, now);
        if let Some(day) = self.duty.owed(now).filter(|_| life.is_idle()) {
            assert!(self.days.contains_key(&day), "no backup of {day} at {now:?}, although nothing was wrong");
        }
    }

    /// A day has one backup. To be called before the time goes on: also after a crash, which may have cut off a start.
    pub(super) fn count_starts(&mut self, agent: &MockAgent) {
        let now = self.now();
        let started = agent.change(|state| state.backup.started());
        for _ in self.started..started {
            let day = self.duty.day_of(now.wall);
            let before = self.days.insert(day, now);
            assert!(before.is_none(), "the backup of {day} was made at {before:?} and at {now:?}");
        }
        (self.started, self.last_look) = (started, now.monotonic);
    }

    fn see_success(&mut self, success: Option<Timestamp>, monotonic: Monotonic) {
        if self.success.map(|known| known.wall) != success
            && let Some(wall) = success
        {
            let success = Moment { wall, monotonic };
            self.success = Some(success);
            self.successes.push(success);
        }
    }

    fn now(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    /// The alarm holds if there was no success for too long, and not before.
    fn judge_alarm(&self, life: &Life, now: Moment) {
        let since = self.success.unwrap_or(self.begun);
        let wall = Duration::try_from(now.wall.duration_since(since.wall)).unwrap_or_default();
        let monotonic = now.monotonic.since(since.monotonic);
        let is_raised = life.findings.borrow().iter().any(|finding| finding.kind == FindingKind::NoSuccess);
        let both = |is: &dyn Fn(Duration) -> bool| is(wall) && is(monotonic);
        let text = || format!("{is_raised} at {now:?}, the last success at {since:?}, running {:?}", life.running());
        assert!(is_raised || !both(&|age| age > ALARM_AFTER + SLACK), "no alarm: {}", text());
        assert!(!is_raised || !both(&|age| age + SLACK < ALARM_AFTER), "an alarm too much: {}", text());
    }

    /// What the operator believes is what holds, a moment later.
    fn judge_notice(&mut self, life: &Life, now: Moment) {
        let is_raised = life.findings.borrow().iter().any(|finding| finding.kind == FindingKind::NoSuccess);
        let since = match self.alarm {
            Some((known, since)) if known == is_raised => since,
            _ => now.monotonic,
        };
        self.alarm = Some((is_raised, since));
        if now.monotonic.since(since) >= SLACK {
            let believes = self.operator.believes(FindingKind::NoSuccess.name(), "backup");
            assert_eq!(believes, is_raised, "what the operator was told, and what holds at {now:?} since {since:?}");
        }
    }

    /// What the history says is what the agent has seen.
    async fn read_history(&mut self, life: &Life) {
        let reader = life.store.reader();
        let runs = reader.runs(RunFilter::default(), None, 1000).await.unwrap().items;
        assert!(runs.len() <= KEEP_RUNS + 100, "{} runs are kept", runs.len());
        let mut of_this_history = BTreeSet::new();
        let is_taken_up = |run: &&Run| run.end_reason.contains("the controller ended");
        self.taken_up.extend(runs.iter().filter(is_taken_up).map(|run| run.id));
        for run in &runs {
            let Some(job) = &run.job_id else {
                assert_ne!(
                    (run.state, run.subject.as_str()),
                    (RunState::Done, "backup"),
                    "done without a job: {run:?}"
                );
                continue;
            };
            let number: u64 = job.rsplit('-').next().unwrap().parse().unwrap();
            assert!(number >= 1, "{run:?}");
            assert!(of_this_history.insert(job.clone()), "two runs have made {job}");
        }
        self.jobs.extend(of_this_history);
        loop {
            let events = reader.events_after(self.last_event, 1000).await.unwrap();
            let Some(last) = events.last() else { return };
            self.last_event = last.number;
            let raised =
                events.iter().filter(|event| event.kind == EventKind::FindingRaised && event.subject == "backup");
            self.raised.extend(raised.map(|event| event.at));
        }
    }

    /// The whole year: each day's backup was made, or its absence was raised.
    pub(super) async fn ends(&mut self, life: &Life) {
        self.read_history(life).await;
        for job in &self.jobs {
            let number: u64 = job.rsplit('-').next().unwrap().parse().unwrap();
            assert!(number <= self.started, "{job} was never made");
        }
        for pair in self.successes.windows(2) {
            let &[before, after] = pair else { continue };
            // By both clocks: after a restart only the wall clock tells, and that may have been set back.
            let wall = Duration::try_from(after.wall.duration_since(before.wall)).unwrap_or_default();
            if wall.min(after.monotonic.since(before.monotonic)) <= ALARM_AFTER + SLACK {
                continue;
            }
            // The wall clock may have been set meanwhile by a few hours.
            let tolerance = SignedDuration::from_hours(4);
            let is_raised =
                self.raised.iter().any(|at| *at >= before.wall - tolerance && *at <= after.wall + tolerance);
            assert!(is_raised, "no alarm between {before:?} and {after:?}");
        }
        let (first, last) = (self.duty.day_of(self.begun.wall), self.duty.day_of(self.clock.now()));
        let mut day = first.tomorrow().unwrap();
        let mut missed = 0;
        while day < last {
            missed += u32::from(!self.days.contains_key(&day));
            day = day.checked_add(1.day()).unwrap();
        }
        println!("{} days had a backup, {missed} had none", self.days.len());
    }
}

/// Looks are a minute apart, runs take a moment of the real time, during which the virtual time goes on.
const SLACK: Duration = Duration::from_secs(15 * 60);
