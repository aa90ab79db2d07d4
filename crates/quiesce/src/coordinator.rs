//! One freeze at a time, each with a lease, a journal entry and a keeper that thaws.
//!
//! The [`Keeper`] is a thread of its own: it outlives whoever asked, and it is the only one that freezes and thaws. Callers
//! hold nothing but channels to it, so whatever becomes of them, the keeper notices and thaws.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::application::Applications;
use crate::clerk::Clerk;
use crate::error::{JournalError, QuiesceError, QuiesceFailure, Step};
use crate::item::Item;
use crate::journal::{Journal, LeftFrozen, is_locked, look};
use crate::keeper::Keeper;
use crate::lease::{Lease, end_within, keeper_failed};
use crate::parked::Parked;
use crate::recovery::Recovery;
use crate::report::{Report, Stage, Status, StillFrozen};
use crate::settings::Settings;
use crate::shared::{Handle, Hold, Refusal, Request, Shared};
use crate::sync::{now, oneshot, thread, timeout, watch};
use crate::worker::{SMALL_STACK, lock};

/// Gives out the freeze of one guest's applications, to one holder at a time.
///
/// Clones share it. Open one for each journal: the file is locked while a coordinator or a lease of it lives.
#[derive(Clone)]
pub struct Coordinator {
    handle: Arc<Handle>,
}

impl Coordinator {
    /// Opens the journal, and thaws in the background what it says is still frozen. Until that has worked, every freeze
    /// is [`Busy`](QuiesceError::Busy).
    ///
    /// Reads and writes the file, briefly, on this thread, unless something is to be thawed first: then the file is only
    /// read. Starts all threads that it ever needs: three, and two for each application (one for a holder).
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the file cannot be used (its directory must exist) or is something else, another coordinator
    /// has it open, or there are no threads. [`NotGiven`](JournalError::NotGiven) when something is left frozen that cannot
    /// be thawed with these applications; this waits until the rest is thawed, up to [`Settings::give_up`].
    pub fn open(
        journal: impl AsRef<Path>,
        applications: impl Into<Applications>,
        settings: Settings,
    ) -> Result<Self, JournalError> {
        let (journal, applications) = (journal.as_ref(), applications.into());
        let shared = Shared::new(settings);
        let left = match to_recover(journal)? {
            Some(left) => Some(left),
            None => {
                let (opened, left) = Journal::open(journal)?;
                // Whoever froze is gone since we looked.
                let opened = if left.is_none() { Some(opened) } else { None };
                *lock(&shared.journal) = opened;
                left
            }
        };
        let recovery = left.map(|left| Recovery::new(left, &applications));
        let not_given = recovery.as_ref().and_then(|recovery| recovery.not_given(journal));
        start(journal, &applications, &shared, recovery)?;
        let handle = Handle(shared);
        if let Some(not_given) = not_given {
            // There will be no coordinator to wait for the rest with.
            handle.0.wait_for_recovery();
            let state = handle.0.state.borrow();
            // Another process may have recovered it meanwhile, with what this one was not given.
            if state.held.is_some() || state.unusable.is_some() {
                return Err(not_given);
            }
        }
        Ok(Self { handle: Arc::new(handle) })
    }

    /// Freezes the applications for this holder, whose name is told to those who come meanwhile.
    ///
    /// Before the first freeze of this coordinator each thaw program is run once, where nothing is frozen.
    ///
    /// A future that is dropped before its end leaves nothing frozen: the freeze is given up and thawed.
    ///
    /// # Errors
    ///
    /// [`Busy`](QuiesceError::Busy) while there is another freeze, also that of another journal of the same thing;
    /// [`Failed`](QuiesceError::Failed) when the journal cannot be written, a thaw fails already now, or the freeze fails,
    /// which is then thawed.
    pub async fn freeze(&self, holder: &str, parked: &Parked) -> Result<Lease, QuiesceError> {
        let shared = self.shared();
        let number = self.claim(holder)?;
        // From here on a drop of this future is a wish: the keeper finds it whenever it comes to the request.
        let hold = Hold::new(&shared.bell);
        let (reply, answer) = oneshot::channel();
        let (end, mut ended) = watch::channel(None);
        let (holder, parked, wish) = (holder.to_owned(), parked.clone(), hold.wish());
        shared.post(Request { holder, parked, wish, reply, end });
        match answer.await {
            Ok(Ok(())) => Ok(Lease::new(Arc::clone(&self.handle), hold, ended, number)),
            Ok(Err(Refusal::Taken(holder))) => Err(QuiesceError::Busy { holder, stage: Stage::Frozen }),
            Ok(Err(Refusal::Before(step, source))) => Err(QuiesceError::Failed { step, source }),
            Ok(Err(Refusal::Freeze(source))) => {
                let thawed = end_within(shared, &mut ended).await.is_ok();
                let step = if thawed { Step::Freeze } else { Step::FreezeThenThaw };
                Err(QuiesceError::Failed { step, source })
            }
            Err(_) => Err(QuiesceError::Failed { step: Step::FreezeThenThaw, source: keeper_failed() }),
        }
    }

    /// The freeze that has not ended, if there is one. Never waits.
    pub fn status(&self) -> Option<Status> {
        self.shared().state.borrow().held.clone()
    }

    /// Whether the thread that freezes and thaws answers within this time: for a watchdog. It does whatever it waits for, and
    /// needs neither the journal nor anything that is frozen. One that does not answer hangs, and so its process should be
    /// ended: the next one thaws. Needs a tokio runtime.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        let bell = &self.shared().bell;
        let question = bell.pulse.ask();
        // After the question: whoever is woken by the ring must find it.
        bell.ring();
        timeout(limit, bell.pulse.is_seen(question)).await.is_ok()
    }

    /// The report of the freeze that ended last, by whatever.
    pub fn last_report(&self) -> Option<Report> {
        self.shared().state.borrow().last.clone()
    }

    /// Waits until nothing is frozen. To be called before a process ends: what is still frozen then stays so until the
    /// next start. Needs a tokio runtime if [`Settings::give_up`] is set.
    ///
    /// # Errors
    ///
    /// [`StillFrozen`] when the thaw has been tried in vain for [`Settings::give_up`].
    pub async fn idle(&self) -> Result<(), StillFrozen> {
        let mut state = self.shared().state.subscribe();
        loop {
            let held = state.borrow_and_update().held.clone();
            let Some(held) = held else { return Ok(()) };
            let Some(left) = self.shared().settings.left_to_wait(&held) else {
                // The sender lives as long as this coordinator.
                let _ = state.changed().await;
                continue;
            };
            if left.is_zero() {
                return Err(StillFrozen(held));
            }
            let _ = timeout(left, state.changed()).await;
        }
    }

    /// One that has been started already.
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { handle: Arc::new(Handle(shared)) }
    }

    fn claim(&self, holder: &str) -> Result<u64, QuiesceError> {
        let (mut refused, mut number) = (None, 0);
        // One step, under the lock of the channel: of two that ask at once only one finds it free.
        self.shared().state.send_if_modified(|state| {
            refused =
                state.held.as_ref().map(|held| QuiesceError::Busy { holder: held.holder.clone(), stage: held.stage });
            if let (None, Some(why)) = (&refused, &state.unusable) {
                let source = QuiesceFailure::new(why.clone());
                refused = Some(QuiesceError::Failed { step: Step::Journal, source });
            }
            if refused.is_none() {
                state.freezes += 1;
                number = state.freezes;
                state.held = Some(Status { number, ..Status::new(holder, Stage::Freezing) });
            }
            refused.is_none()
        });
        refused.map_or(Ok(number), Err)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }
}

/// What a journal says that is left frozen, if its process is gone or dying.
pub(crate) fn to_recover(journal: &Path) -> Result<Option<LeftFrozen>, JournalError> {
    let Some(left) = look(journal)?.left else { return Ok(None) };
    let is_held = match left.is_held() {
        Some(is_held) => is_held,
        // Only the lock tells.
        None => is_locked(journal)?,
    };
    if is_held {
        return Err(left.into_in_use(journal));
    }
    Ok(Some(left))
}

/// Starts keeper and workers. What is left frozen comes first.
pub(crate) fn start(
    journal: &Path,
    applications: &Applications,
    shared: &Arc<Shared>,
    recovery: Option<Recovery>,
) -> Result<(), JournalError> {
    let start = || {
        let clerk = Clerk::start(journal, &shared.journal, &shared.settings, &shared.bell)?;
        let items = applications.list().iter().enumerate();
        let items = items.map(|(index, app)| Item::start(app, index, &shared.bell, &shared.settings));
        let mut keeper = Keeper::new(Arc::clone(shared), items.collect::<Result<_, _>>()?, clerk)?;
        if let Some(recovery) = &recovery {
            // Before the thread: whoever asks at once must not be told that nothing is frozen.
            shared.change(|state| state.held = Some(Status::new(recovery.holder(), Stage::Thawing)));
        }
        let builder =
            SMALL_STACK.into_iter().fold(thread::Builder::new().name("keeper".into()), thread::Builder::stack_size);
        let keep = move || {
            if let Some(recovery) = recovery {
                recovery.run(&mut keeper);
            }
            keeper.serve();
        };
        builder.spawn(keep).map(drop)
    };
    start().map_err(JournalError::NoThreads)
}

impl Shared {
    /// Returns when what was left frozen is thawed, or that has been tried for long enough.
    pub(crate) fn wait_for_recovery(&self) {
        let until = self.settings.give_up.map(|limit| now() + limit);
        self.bell.wait_beside(until, || self.state.borrow().held.is_none().then_some(()));
    }
}

impl Settings {
    /// How much of the time is left in which a thaw is waited for. `None`: all of it.
    fn left_to_wait(&self, held: &Status) -> Option<Duration> {
        let limit = self.give_up.filter(|_| held.stage == Stage::Thawing)?;
        Some(limit.saturating_sub(now().saturating_duration_since(held.since)))
    }
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator").field("status", &self.status()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
