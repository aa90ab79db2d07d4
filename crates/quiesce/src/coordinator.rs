//! One freeze at a time, each with a lease, a journal entry and a keeper that thaws.
//!
//! The [`Keeper`] of a freeze is a task of its own, on the runtime that opened the coordinator: it outlives whoever asked,
//! and it is the only one that freezes and thaws. Callers hold nothing but channels to it, so whatever becomes of them,
//! the keeper notices and thaws.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::journal::{Journal, LeftFrozen};
use super::keeper::{Keeper, Refusal};
use super::lease::end_within;
use super::{JournalError, Lease, Quiesce, QuiesceError, QuiesceFailure, Report, Run, Settings, Stage, Status, Step};

/// Gives out the freeze of one guest's applications, to one holder at a time.
///
/// Clones share it. Open one for each journal: the file is locked while a coordinator or a lease of it lives.
#[derive(Clone)]
pub struct Coordinator {
    shared: Arc<Shared>,
}

/// What coordinator, lease and keeper have in common.
pub(super) struct Shared {
    pub(super) quiesce: Arc<dyn Quiesce>,
    pub(super) settings: Settings,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) state: watch::Sender<State>,
    runtime: Handle,
}

#[derive(Default)]
pub(super) struct State {
    /// The freeze that has not ended. There is one keeper while there is one of these.
    pub(super) held: Option<Status>,
    pub(super) last: Option<Report>,
}

impl Coordinator {
    /// Opens the journal, and thaws in the background what it says is still frozen. Until that has worked, every freeze
    /// is [`Busy`](QuiesceError::Busy).
    ///
    /// Reads and writes the file, briefly, on this thread. Freezes and thaws run on the tokio runtime in which this is
    /// called; when that runtime ends, so does the thawing, until the next process opens the journal.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the file cannot be used (its directory must exist), another coordinator has it open, or
    /// there is no runtime.
    pub fn open(
        journal: impl AsRef<Path>,
        quiesce: Arc<dyn Quiesce>,
        settings: Settings,
    ) -> Result<Self, JournalError> {
        let runtime = Handle::try_current().map_err(JournalError::NoRuntime)?;
        let (journal, left) = Journal::open(journal.as_ref())?;
        let (journal, state) = (Arc::new(Mutex::new(journal)), watch::Sender::default());
        let coordinator = Self { shared: Arc::new(Shared { quiesce, settings, journal, state, runtime }) };
        if let Some(left) = left {
            coordinator.recover(left);
        }
        Ok(coordinator)
    }

    /// Freezes the applications for this holder, whose name is told to those who come meanwhile.
    ///
    /// A future that is dropped before its end leaves nothing frozen: the freeze is given up and thawed.
    ///
    /// # Errors
    ///
    /// [`Busy`](QuiesceError::Busy) while there is another freeze; [`Failed`](QuiesceError::Failed) when the journal cannot
    /// be written or the freeze fails, which is then thawed.
    pub async fn freeze(&self, holder: &str) -> Result<Lease, QuiesceError> {
        self.claim(holder)?;
        let (reply, answer) = oneshot::channel();
        let (request, requested) = oneshot::channel();
        let (end, mut ended) = watch::channel(None);
        let keeper = Keeper::new(Arc::clone(&self.shared), end);
        self.shared.runtime.spawn(keeper.keep(reply, requested));
        match answer.await {
            Ok(Ok(())) => Ok(Lease::new(Arc::clone(&self.shared), request, ended)),
            Ok(Err(Refusal::Journal(source))) => Err(QuiesceError::Failed { step: Step::Journal, source }),
            Ok(Err(Refusal::Freeze(source))) => {
                let thawed = end_within(&self.shared, &mut ended).await.is_ok();
                let step = if thawed { Step::Freeze } else { Step::FreezeThenThaw };
                Err(QuiesceError::Failed { step, source })
            }
            Err(_) => Err(QuiesceError::Failed { step: Step::FreezeThenThaw, source: runtime_ended() }),
        }
    }

    /// A run of an extension or a backup, which may freeze and thaw any number of times under its name.
    pub fn run(&self, holder: impl Into<String>) -> Run {
        Run::new(self.clone(), holder.into())
    }

    /// The freeze that has not ended, if there is one.
    pub fn status(&self) -> Option<Status> {
        self.shared.state.borrow().held.clone()
    }

    /// The report of the freeze that ended last, by whatever.
    pub fn last_report(&self) -> Option<Report> {
        self.shared.state.borrow().last.clone()
    }

    /// Waits until nothing is frozen. To be called before a process ends: what is still frozen then stays so until the
    /// next start.
    pub async fn idle(&self) {
        // The sender lives as long as this coordinator.
        let _ = self.shared.state.subscribe().wait_for(|state| state.held.is_none()).await;
    }

    fn claim(&self, holder: &str) -> Result<(), QuiesceError> {
        let mut busy = None;
        self.shared.state.send_if_modified(|state| match &state.held {
            Some(held) => {
                busy = Some(QuiesceError::Busy { holder: held.holder.clone(), stage: held.stage });
                false
            }
            None => {
                state.held = Some(Status::new(holder, Stage::Freezing));
                true
            }
        });
        busy.map_or(Ok(()), Err)
    }

    fn recover(&self, left: LeftFrozen) {
        self.shared.state.send_modify(|state| state.held = Some(Status::new(&left.holder, Stage::Thawing)));
        let (end, _) = watch::channel(None);
        let keeper = Keeper::new(Arc::clone(&self.shared), end);
        self.shared.runtime.spawn(keeper.recover(left.age()));
    }
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Why a keeper is gone that never goes by itself.
pub(super) fn runtime_ended() -> QuiesceFailure {
    QuiesceFailure::new("the runtime that thaws has ended; the next start thaws")
}

#[cfg(test)]
mod tests;
