//! When each action can happen, and what a controller's next step does.

use super::{Action, Job, OTHER, Protocol, Recovery, Rule, State, Step, Who};
use stateright::Model;

impl Protocol {
    fn has(&self, rule: Rule) -> bool {
        let needs_lock = matches!(rule, Rule::LockTheThing | Rule::LockInRecovery);
        self.without != Some(rule) && (self.has_thing_lock || !needs_lock)
    }

    pub(super) fn only_recovers(&self, who: Who) -> bool {
        self.only_recover.contains(&who)
    }

    /// Whether nothing can happen any more.
    pub(super) fn is_at_end(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions.is_empty()
    }

    pub(super) fn actions_of(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let (step, job) = (state.steps[who], state.jobs[who]);
        let runs = !matches!(step, Step::Off | Step::Dying | Step::Dead | Step::Done);
        let is_following = matches!(step, Step::Follow | Step::Recover(_, Recovery::Follow));
        let waits_for_thaw = state.blocked[who] && state.frozen.is_some();
        let can_be_late = state.overruns < self.overruns || job == Some(Job::Waiting);
        let candidates = [
            (self.can_go_on(state, who), Action::Next(who)),
            (step == Step::Idle, Action::Quit(who)),
            (step == Step::Freezing && job.is_some() && can_be_late, Action::Overrun(who)),
            (job == Some(Job::Program), Action::EnterKernel(who)),
            (job.is_some_and(|job| job != Job::Waiting), Action::Freeze(who, false)),
            (matches!(job, Some(Job::Program | Job::Kernel)) && self.overruns > 0, Action::Freeze(who, true)),
            (job == Some(Job::Waiting) && state.frozen.is_none(), Action::EndWaiting(who)),
            (state.daemons[who], Action::DaemonFreezes(who)),
            (state.daemons[who], Action::DaemonPasses(who)),
            (runs && state.frozen.is_some() && !state.blocked[who], Action::Block(who)),
            (is_following && self.has(Rule::ThawWhileFollowing) && state.frozen.is_some(), Action::Rethaw(who)),
            (runs && state.deaths < self.deaths, Action::Die(who)),
            (step == Step::Dying && !waits_for_thaw && job != Some(Job::Ioctl), Action::BeGone(who)),
        ];
        actions.extend(candidates.into_iter().filter_map(|(can, action)| can.then_some(action)));
        if step == Step::Journalled {
            // A file system instead of a program.
            actions.push(Action::StartIoctl(who));
        }
    }

    /// Whether what the step waits for is there.
    fn can_go_on(&self, state: &State, who: Who) -> bool {
        let journal = self.journals[who];
        let keeper_runs = self.has(Rule::KeeperAlone) || !state.blocked[who];
        let is_free = |lock: Option<Who>| lock.is_none_or(|holder| holder == who || !state.lives(holder));
        match state.steps[who] {
            Step::Off => match state.entries[journal] {
                None => state.journal_locks[journal].is_none() && !self.only_recovers(who),
                Some(owner) => {
                    (!state.lives(owner) || !self.has(Rule::LeaveTheLiving))
                        && (is_free(state.recovery_locks[journal]) || !self.has(Rule::OneRecovers))
                        && (is_free(state.thing_lock) || !self.has(Rule::LockInRecovery))
                }
            },
            Step::Idle => state.thing_lock.is_none() || !self.has(Rule::LockTheThing),
            Step::Journalled | Step::Frozen | Step::Write | Step::Recover(_, Recovery::Write) => true,
            Step::Freezing => state.jobs[who].is_none(),
            Step::Thaw | Step::LastThaw => keeper_runs,
            Step::Follow => state.jobs[who].is_none() || !self.has(Rule::FollowToTheEnd),
            Step::Daemon => !state.daemons[who] || !self.has(Rule::WaitForTheDaemon),
            Step::Recover(_, Recovery::Thaw | Recovery::LastThaw) => keeper_runs,
            Step::Recover(owner, Recovery::Follow) => {
                let programs = state.jobs[owner].is_some_and(|job| job != Job::Ioctl);
                let is_dying = state.steps[owner] == Step::Dying;
                (!programs || !self.has(Rule::FollowInRecovery)) && (!is_dying || !self.has(Rule::WaitForTheDying))
            }
            Step::Recover(owner, Recovery::Daemon) => !state.daemons[owner] || !self.has(Rule::WaitForTheDaemon),
            Step::Recover(_, Recovery::Lock) => state.journal_locks[journal].is_none(),
            Step::Dying | Step::Dead | Step::Done => false,
        }
    }

    pub(super) fn next(&self, state: &mut State, who: Who) {
        let journal = self.journals[who];
        let recover = |owner, recovery| Step::Recover(owner, recovery);
        state.steps[who] = match state.steps[who] {
            Step::Off => match state.entries[journal] {
                None => {
                    state.journal_locks[journal] = Some(who);
                    Step::Idle
                }
                Some(owner) => self.begin_recovery(state, who, owner),
            },
            Step::Idle => {
                state.thing_lock = self.has(Rule::LockTheThing).then_some(who);
                if self.has(Rule::JournalFirst) {
                    state.entries[journal] = Some(who);
                }
                Step::Journalled
            }
            Step::Journalled => {
                state.jobs[who] = Some(Job::Program);
                Step::Freezing
            }
            Step::Freezing if state.refused[who] && self.has(Rule::LeaveOthers) => Step::Write,
            Step::Freezing if state.refused[who] => Step::Thaw,
            Step::Freezing => {
                state.entries[journal] = Some(who);
                Step::Frozen
            }
            // Nothing of the freeze is alive: one thaw is enough, and a second could thaw what somebody else has frozen.
            Step::Frozen => Step::LastThaw,
            Step::Thaw => state.thawed(Step::Follow),
            Step::Follow => Step::Daemon,
            Step::Daemon => Step::LastThaw,
            Step::LastThaw => state.thawed(Step::Write),
            Step::Write => {
                state.entries[journal] = None;
                self.leave(state, who, Step::Done);
                Step::Done
            }
            Step::Recover(owner, Recovery::Thaw) => {
                self.kill(state, owner);
                state.thawed(recover(owner, Recovery::Follow))
            }
            Step::Recover(owner, Recovery::Follow) => recover(owner, Recovery::Daemon),
            Step::Recover(owner, Recovery::Daemon) => recover(owner, Recovery::LastThaw),
            Step::Recover(owner, Recovery::LastThaw) => {
                let next = if self.has(Rule::ThawBeforeTheLock) { Recovery::Lock } else { Recovery::Write };
                state.thawed(recover(owner, next))
            }
            Step::Recover(owner, Recovery::Lock) => {
                state.journal_locks[journal] = Some(who);
                let next = if self.has(Rule::ThawBeforeTheLock) { Recovery::Write } else { Recovery::Thaw };
                recover(owner, next)
            }
            Step::Recover(owner, Recovery::Write) => {
                if state.entries[journal] == Some(owner) {
                    state.entries[journal] = None;
                }
                let only_recovers = self.only_recovers(who);
                state.release(who, only_recovers);
                if only_recovers { Step::Off } else { Step::Idle }
            }
            step @ (Step::Dying | Step::Dead | Step::Done) => step,
        };
    }

    fn begin_recovery(&self, state: &mut State, who: Who, owner: Who) -> Step {
        if self.has(Rule::OneRecovers) {
            state.recovery_locks[self.journals[who]] = Some(who);
        }
        if self.has(Rule::LockInRecovery) {
            state.thing_lock = Some(who);
        }
        let first = if self.has(Rule::ThawBeforeTheLock) { Recovery::Thaw } else { Recovery::Lock };
        Step::Recover(owner, first)
    }

    pub(super) fn freeze(&self, state: &mut State, who: Who, waits: bool) {
        state.refused[who] = state.frozen.is_some();
        state.jobs[who] = (waits && state.frozen.is_none()).then_some(Job::Waiting);
        state.frozen = state.frozen.or(Some(who));
    }

    /// What waits in the kernel is not gone by that.
    pub(super) fn kill(&self, state: &mut State, who: Who) {
        if state.jobs[who] == Some(Job::Program) {
            (state.jobs[who], state.daemons[who]) = (None, true);
        }
    }

    pub(super) fn leave(&self, state: &mut State, who: Who, step: Step) {
        state.steps[who] = step;
        state.blocked[who] = false;
        state.release(who, true);
    }
}

impl State {
    fn lives(&self, who: Who) -> bool {
        !matches!(self.steps[who], Step::Dying | Step::Dead)
    }

    pub(super) fn may_freeze(&self, who: Who) -> bool {
        self.frozen == Some(who) || self.jobs[who].is_some() || self.daemons[who]
    }

    pub(super) fn thaw(&mut self) {
        self.is_stolen |= self.frozen == Some(OTHER);
        self.frozen = None;
        self.blocked.fill(false);
    }

    fn thawed(&mut self, next: Step) -> Step {
        self.thaw();
        next
    }

    fn release(&mut self, who: Who, with_journal: bool) {
        let journals = if with_journal { &mut self.journal_locks[..] } else { &mut [] };
        for lock in journals.iter_mut().chain(&mut self.recovery_locks).chain([&mut self.thing_lock]) {
            if *lock == Some(who) {
                *lock = None;
            }
        }
    }
}
