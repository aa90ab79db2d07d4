//! The states, what can happen in each, and what must hold.

mod steps;

use stateright::{Model, Property};

#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    /// The journal of each controller.
    pub(crate) journals: Vec<usize>,
    /// Those that only recover. One more than can die in a recovery, so that there is always a next start.
    pub(crate) only_recover: Vec<usize>,
    /// An embedder's own code has no lock on this machine, only the journal's.
    pub(crate) has_thing_lock: bool,
    /// How many of them die, how many freezes overrun, how often somebody else freezes.
    pub(crate) deaths: u8,
    pub(crate) overruns: u8,
    pub(crate) others: u8,
    pub(crate) without: Option<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    JournalFirst,
    FollowToTheEnd,
    ThawWhileFollowing,
    WaitForTheDaemon,
    KeeperAlone,
    ThawBeforeTheLock,
    FollowInRecovery,
    WaitForTheDying,
    LeaveTheLiving,
    OneRecovers,
    LockTheThing,
    LockInRecovery,
    LeaveOthers,
}

pub(crate) const THAWED_IS_TRUE: &str = "nothing is called thawed that may still freeze";
pub(crate) const NOTHING_STAYS_FROZEN: &str = "nothing stays frozen once something runs";
pub(crate) const NO_CIRCLE: &str = "nobody waits for what waits for the thaw";
pub(crate) const FROZEN_IS_TRUE: &str = "what was said to be frozen is so until its holder thaws";
pub(crate) const OTHERS_ARE_LEFT: &str = "what somebody else froze is left to them";

/// Who froze. `OTHER` is somebody by hand.
type Who = usize;
const OTHER: Who = 9;

/// What a freeze has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Job {
    /// A program that can be killed.
    Program,
    /// A program in the kernel: it ends when the freeze completes, killed or not.
    Kernel,
    /// The same in a thread of the controller, which is not gone before.
    Ioctl,
    /// It has frozen, and one of its processes waits for the thaw.
    Waiting,
}

/// Where a controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    Off,
    Idle,
    Journalled,
    Freezing,
    Frozen,
    Thaw,
    Follow,
    Daemon,
    LastThaw,
    Write,
    /// Recovering what this controller has left.
    Recover(Who, Recovery),
    /// Killed, and not gone: a thread waits for the thaw.
    Dying,
    Dead,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Recovery {
    Thaw,
    Follow,
    Daemon,
    LastThaw,
    Lock,
    Write,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    frozen: Option<Who>,
    steps: Vec<Step>,
    jobs: Vec<Option<Job>>,
    /// A daemon may still freeze for a client that was killed.
    daemons: Vec<bool>,
    /// A thread, not the keeper's, waits for the disk.
    blocked: Vec<bool>,
    /// The kernel said that somebody else has frozen it.
    refused: Vec<bool>,
    /// Whose freeze each journal ends with.
    entries: [Option<Who>; 2],
    journal_locks: [Option<Who>; 2],
    recovery_locks: [Option<Who>; 2],
    thing_lock: Option<Who>,
    deaths: u8,
    overruns: u8,
    others: u8,
    is_stolen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Next(Who),
    /// Takes another way: no freeze at all, or the end of the lease while it freezes.
    Quit(Who),
    Overrun(Who),
    EnterKernel(Who),
    StartIoctl(Who),
    Freeze(Who, bool),
    EndWaiting(Who),
    DaemonFreezes(Who),
    DaemonPasses(Who),
    Block(Who),
    Rethaw(Who),
    Die(Who),
    BeGone(Who),
    OtherFreezes,
    OtherThaws,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let count = self.journals.len();
        vec![State {
            frozen: None,
            steps: vec![Step::Off; count],
            jobs: vec![None; count],
            daemons: vec![false; count],
            blocked: vec![false; count],
            refused: vec![false; count],
            entries: [None; 2],
            journal_locks: [None; 2],
            recovery_locks: [None; 2],
            thing_lock: None,
            deaths: 0,
            overruns: 0,
            others: 0,
            is_stolen: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for who in 0..self.journals.len() {
            self.actions_of(state, who, actions);
        }
        if state.others < self.others && state.frozen.is_none() {
            actions.push(Action::OtherFreezes);
        }
        if state.frozen == Some(OTHER) {
            actions.push(Action::OtherThaws);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Next(who) => self.next(&mut state, who),
            Action::Quit(who) => self.leave(&mut state, who, Step::Done),
            Action::Overrun(who) => {
                state.overruns += 1;
                self.kill(&mut state, who);
                state.steps[who] = Step::Thaw;
            }
            Action::StartIoctl(who) => (state.jobs[who], state.steps[who]) = (Some(Job::Ioctl), Step::Freezing),
            Action::EnterKernel(who) => state.jobs[who] = Some(Job::Kernel),
            Action::Freeze(who, waits) => self.freeze(&mut state, who, waits),
            Action::EndWaiting(who) => state.jobs[who] = None,
            Action::DaemonFreezes(who) => {
                state.daemons[who] = false;
                state.frozen = state.frozen.or(Some(who));
            }
            Action::DaemonPasses(who) => state.daemons[who] = false,
            Action::Block(who) => state.blocked[who] = true,
            Action::Rethaw(_) => state.thaw(),
            Action::Die(who) => {
                state.deaths += 1;
                state.steps[who] = Step::Dying;
            }
            Action::BeGone(who) => self.leave(&mut state, who, Step::Dead),
            Action::OtherFreezes => (state.others, state.frozen) = (state.others + 1, Some(OTHER)),
            Action::OtherThaws => state.frozen = None,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(THAWED_IS_TRUE, |model: &Self, state: &State| {
                (0..model.journals.len()).all(|who| {
                    let is_open = state.entries[model.journals[who]] == Some(who);
                    let is_before = matches!(state.steps[who], Step::Off | Step::Idle);
                    is_open || is_before || !state.may_freeze(who)
                })
            }),
            Property::always(NOTHING_STAYS_FROZEN, |model: &Self, state: &State| {
                state.frozen.is_none_or(|who| who == OTHER) || !model.is_at_end(state)
            }),
            Property::always(NO_CIRCLE, |model: &Self, state: &State| {
                let is_over = |step: &Step| matches!(step, Step::Off | Step::Dead | Step::Done);
                let nobody_waits = state.steps.iter().all(is_over) && state.jobs.iter().all(Option::is_none);
                nobody_waits || !model.is_at_end(state)
            }),
            Property::always(FROZEN_IS_TRUE, |_: &Self, state: &State| {
                let is_so = |(who, step): (Who, &Step)| *step != Step::Frozen || state.frozen == Some(who);
                state.steps.iter().enumerate().all(is_so)
            }),
            Property::always(OTHERS_ARE_LEFT, |_: &Self, state: &State| !state.is_stolen),
        ]
    }
}
