//! Thaws what another process left frozen, before anything of this process is written or waited for.
//!
//! 1. Nobody else may recover the same journal, or freeze the same with another one: a slow recovery would thaw what the
//!    next has frozen meanwhile.
//! 2. Thaw what the *journal* recorded, at once. The process that froze may still be dying: one of its threads waits in
//!    the kernel for this very thaw, and until then it holds the journal's lock.
//! 3. End the processes that the freeze began, and wait for them: one may have been on the way to freeze.
//! 4. Thaw once more, until it worked; later again where a daemon may still act for a killed freeze program.
//! 5. Only then take the journal's lock, which the dying process gives back by itself, and write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::application::{Application, Applications, Kind, Recorded};
use crate::clerk::Errand;
use crate::error::JournalError;
use crate::item::Item;
use crate::journal::{Entry, LeftFrozen};
use crate::keeper::{AFTER_PANIC, Keeper, failure_of};
use crate::mark;
use crate::process::{Family, Standing};
use crate::report::EndedBy;
use crate::running::{follow, hold_marker, wait_for};
use crate::sync::{now, thread};
use crate::worker::{Outcome, SMALL_STACK, Worker};

/// What is to be thawed.
pub(crate) struct Recovery {
    left: LeftFrozen,
    applications: Vec<Application>,
    /// What else is left frozen, and cannot be thawed with what this process was given. `None`: nothing.
    missing: Option<String>,
}

impl LeftFrozen {
    /// Whether its process lives and keeps it frozen. `None` where only the journal's lock can tell.
    pub(crate) fn is_held(&self) -> Option<bool> {
        match self.entry.as_ref()?.owner.standing() {
            Standing::Living => Some(true),
            Standing::Dying | Standing::Gone => Some(false),
            Standing::Elsewhere => None,
        }
    }
}

impl Recovery {
    /// Of what the journal recorded. An older journal recorded nothing: then of what is configured now.
    pub(crate) fn new(left: LeftFrozen, now: &Applications) -> Self {
        let (applications, missing) = match &left.entry {
            Some(entry) => of_entry(entry, now),
            None => of_nothing_recorded(&left, now),
        };
        Self { left, applications, missing }
    }

    /// Who has frozen.
    pub(crate) fn holder(&self) -> &str {
        &self.left.holder
    }

    /// What is thawed, in the order of its freeze.
    pub(crate) fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// Why this is not all that is left frozen.
    pub(crate) fn not_given(&self, journal: &Path) -> Option<JournalError> {
        let (file, holder) = (journal.to_owned(), self.left.holder.clone());
        self.missing.clone().map(|needed| JournalError::NotGiven { file, holder, needed })
    }

    /// Returns when all is thawed and the journal is ours.
    pub(crate) fn run(self, keeper: &mut Keeper) {
        // Outside the loop: after a panic the keeper holds what was recovered, and later freezes are of what is configured.
        let configured = std::mem::take(&mut keeper.items);
        while catch_unwind(AssertUnwindSafe(|| self.attempt(keeper))).is_err() {
            // A bug. What is frozen must be thawed all the same.
            thread::sleep(AFTER_PANIC);
        }
        keeper.items = configured;
    }

    /// All of it, from the locks to the journal. Begun anew after a panic.
    fn attempt(&self, keeper: &mut Keeper) {
        let begun = now();
        if self.is_still_left(keeper) {
            let (items, follower) = self.start(keeper);
            keeper.items = items;
            // Before anything is followed: the process that froze may wait in the kernel for this thaw, and does not end before it.
            keeper.thaw_round(|| false);
            follower.order(self.left.entry.clone().filter(|entry| entry.owner.is_of_this_boot()));
            // Usually there is nothing to follow. Then one more thaw is enough.
            let until = now() + GRACE;
            keeper.shared.bell.wait(Some(until), || (!follower.is_busy()).then_some(()));
            keeper.thaw_all(|| !follower.is_busy());
            if let Some(needed) = &self.missing {
                // Nothing is written: the line `frozen` is what makes the next start thaw the rest.
                keeper.clerk.run(Errand::Unlock, None);
                let why = format!("what {} has frozen is thawed by {needed} only", self.left.holder);
                keeper.shared.change(|state| (state.held, state.unusable) = (None, Some(why)));
                return;
            }
        }
        self.take_journal(keeper, self.left.age().max(now().saturating_duration_since(begun)));
    }

    /// Waits for whoever recovers the same journal. Whether there is something left to thaw then.
    fn is_still_left(&self, keeper: &mut Keeper) -> bool {
        let limit = Some(keeper.shared.settings.thaw_timeout);
        let mut pauses = keeper.shared.settings.pauses();
        // Of what was recorded and not of what is configured: another journal may have frozen the former meanwhile.
        let names: Vec<_> = self.applications.iter().filter_map(Application::recorded_lock_name).collect();
        let errand = || Errand::LockRecovery { names: names.clone(), holder: self.left.holder.clone() };
        while let Outcome::NotBegun(why) = keeper.clerk.run(errand(), limit) {
            keeper.shared.held(|held| held.waits_for = Some(why.to_string().into()));
            keeper.shared.pause(pauses.next().unwrap_or_default());
        }
        // A journal that cannot be read any more is no reason not to thaw.
        !matches!(keeper.clerk.run(Errand::IsStillLeft(self.left.clone()), limit), Outcome::NotFrozen)
    }

    /// Threads are what may be short. Then it is tried until there are some.
    fn start(&self, keeper: &Keeper) -> (Vec<Item>, Worker<Option<Entry>>) {
        let mut pauses = keeper.shared.settings.pauses();
        loop {
            match self.try_start(keeper) {
                Ok(started) => return started,
                Err(why) => {
                    keeper.note(format!("no thread to thaw with: {why}"));
                    keeper.shared.pause(pauses.next().unwrap_or_default());
                }
            }
        }
    }

    fn try_start(&self, keeper: &Keeper) -> std::io::Result<(Vec<Item>, Worker<Option<Entry>>)> {
        let (bell, settings) = (&keeper.shared.bell, &keeper.shared.settings);
        // Whether a freeze program was interrupted: only then may a daemon still act for it.
        let interrupted = self.left.entry.as_ref().filter(|entry| !mark::is_set(&entry.id));
        let may_go_on = interrupted.map_or(0, |entry| entry.may_go_on_s);
        // By the clock that the journal was written by. If it was set meanwhile, the whole time is waited at most.
        let late = now() + Duration::from_secs(may_go_on).saturating_sub(self.left.age());
        let items = self.applications.iter().enumerate().map(|(index, application)| {
            Item::start(application, index, bell, settings).map(|item| item.left_frozen(late))
        });
        let follower = Worker::start("follower", bell, SMALL_STACK, |entry: Option<Entry>, _| {
            entry.iter().for_each(follow_to_the_end);
            Outcome::Done
        })?;
        Ok((items.collect::<std::io::Result<_>>()?, follower))
    }

    /// Writes that it is thawed, when the journal's lock is free. Never frees what this process has frozen: nothing is.
    fn take_journal(&self, keeper: &mut Keeper, frozen: Duration) {
        let mut pauses = keeper.shared.settings.pauses();
        let opened = loop {
            let outcome = keeper.clerk.run(Errand::Open(self.left.clone()), None);
            let Outcome::NotBegun(_) = outcome else { break outcome };
            keeper.shared.held(|held| held.waits_for = Some("the end of the process that froze".into()));
            keeper.shared.pause(pauses.next().unwrap_or_default());
        };
        match opened {
            Outcome::Done => {
                keeper.end(EndedBy::Recovered, frozen, None, None);
            }
            Outcome::NotFrozen => {
                keeper.clerk.run(Errand::Unlock, None);
                keeper.shared.change(|state| state.held = None);
            }
            outcome => {
                let why = failure_of(outcome).chain();
                keeper.note(why.clone());
                keeper.shared.change(|state| {
                    state.held = None;
                    state.unusable = Some(why);
                });
            }
        }
    }
}

/// What a journal of this version recorded, and what of it this process cannot thaw.
fn of_entry(entry: &Entry, now: &Applications) -> (Vec<Application>, Option<String>) {
    let is_of_this_boot = entry.owner.is_of_this_boot();
    let frozen = entry.what.iter().filter(|recorded| is_of_this_boot || outlives_a_boot(recorded));
    let (mut applications, mut missing) = (Vec::new(), Vec::new());
    for recorded in frozen {
        match Application::from_recorded(recorded, entry.folder.as_deref(), now) {
            Some(application) => applications.push(application),
            None => missing.push(recorded.needed()),
        }
    }
    (applications, (!missing.is_empty()).then(|| missing.join(" and ")))
}

/// What is configured now, for a journal that does not say what is frozen. To thaw nothing, and to call that recovered,
/// would be a lie.
fn of_nothing_recorded(left: &LeftFrozen, now: &Applications) -> (Vec<Application>, Option<String>) {
    // Older versions froze no file system: one that is frozen now is somebody else's.
    let may_be_it = |app: &&Application| left.is_damaged || !matches!(app.kind, Kind::FileSystem { .. });
    let applications: Vec<_> = now.list().iter().filter(may_be_it).cloned().collect();
    let why = match left.is_damaged {
        true => "the applications that were frozen (its last line is not understood)",
        false => "the freeze and thaw programs that were used (a journal of an older version does not record them)",
    };
    let missing = applications.is_empty().then(|| why.to_owned());
    (applications, missing)
}

/// The processes that the freeze began, and the one that began it: a thread of it may be in the middle of a freeze.
fn follow_to_the_end(entry: &Entry) {
    follow(&mut Family::new(None, &entry.id));
    // Holders have seen their input close when the process died, and are thawing.
    let mut holders = Family::new(None, &hold_marker(&entry.id));
    let times = entry.what.iter().filter_map(|recorded| match recorded {
        Recorded::Holder { timeout_ms, .. } => Some(Duration::from_millis(*timeout_ms)),
        _ => None,
    });
    wait_for(&mut holders, now() + times.max().unwrap_or_default());
    follow(&mut holders);
    while entry.owner.standing() == Standing::Dying {
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Kernel and sessions forget at a reboot. What a program did may last.
fn outlives_a_boot(recorded: &Recorded) -> bool {
    match recorded {
        Recorded::FileSystem { .. } | Recorded::Holder { .. } => false,
        Recorded::Programs { .. } | Recorded::Own { .. } => true,
    }
}

/// How long to wait for processes that should be gone at once.
const GRACE: Duration = Duration::from_millis(200);
/// At a process that is dying.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
