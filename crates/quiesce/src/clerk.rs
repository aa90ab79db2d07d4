//! The worker that writes: journal and locks, before the freeze and after the thaw, never between.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::application::digest_of;
use crate::error::{JournalError, QuiesceFailure};
use crate::journal::{Entry, Journal, LeftFrozen, look};
use crate::machine_lock::{MachineLock, Tenant, Unlocked, default_folder};
use crate::mark::{self, Mark};
use crate::parked::Parked;
use crate::report::Report;
use crate::settings::Settings;
use crate::sync::{Mutex, now};
use crate::worker::{Bell, Outcome, SMALL_STACK, Worker, lock};

/// The journal, shared with the coordinator: whoever is last closes it.
pub(crate) type SharedJournal = Arc<Mutex<Option<Journal>>>;

pub(crate) struct Clerk {
    worker: Worker<Errand>,
    bell: Arc<Bell>,
}

/// What is to be written.
pub(crate) enum Errand {
    /// Take these locks for this holder.
    Lock { names: Vec<String>, holder: String },
    /// A freeze begins.
    Frozen { holder: String, entry: Entry },
    /// Every freeze has ended well.
    StandsStill,
    /// All is thawed. What was parked resumes.
    Ended { report: Report, parked: Option<Parked> },
    /// Nothing was frozen after all. A line that says so is taken back.
    Unlock,
    /// Nobody else may recover this journal, or freeze what it says is frozen.
    LockRecovery { names: Vec<String>, holder: String },
    /// Whether the journal still ends with this.
    IsStillLeft(LeftFrozen),
    /// Open and lock the journal that ends with this. It is somebody else's as long as that process is dying.
    Open(LeftFrozen),
}

impl Clerk {
    pub(crate) fn start(
        path: &Path,
        journal: &SharedJournal,
        settings: &Settings,
        bell: &Arc<Bell>,
    ) -> io::Result<Self> {
        let folder = settings.lock_folder.clone().unwrap_or_else(default_folder);
        let mut book = Book {
            path: path.to_owned(),
            journal: Arc::clone(journal),
            folder,
            locks: Vec::new(),
            mark: None,
            id: String::new(),
            open: None,
        };
        let worker = Worker::start("journal", bell, SMALL_STACK, move |errand, _| book.run(errand))?;
        Ok(Self { worker, bell: Arc::clone(bell) })
    }

    /// Waits for it as long as the limit allows; without one, until it is done.
    pub(crate) fn run(&self, errand: Errand, limit: Option<Duration>) -> Outcome {
        let until = limit.map(|limit| now() + limit);
        // The errand goes on, and what it comes to is not known: whoever needs to know runs the next one without a limit.
        let late = || Outcome::Failed(QuiesceFailure::new("the disk of the journal does not answer"));
        if self.bell.wait(until, || (!self.worker.is_busy()).then_some(())).is_none() || !self.worker.order(errand) {
            return late();
        }
        self.bell.wait(until, || self.worker.take_outcome()).unwrap_or_else(late)
    }
}

struct Book {
    path: PathBuf,
    journal: SharedJournal,
    folder: PathBuf,
    locks: Vec<MachineLock>,
    mark: Option<Mark>,
    /// Of the freeze that is journalled last.
    id: String,
    /// Whose freeze this process has journalled, and not its end.
    open: Option<String>,
}

impl Book {
    fn run(&mut self, errand: Errand) -> Outcome {
        match errand {
            Errand::Lock { names, holder } => self.lock(&names, &holder),
            Errand::Frozen { holder, entry } => {
                // Before the line: a mark without a line is litter, a line without a mark costs the next start a wait.
                (self.mark, self.id) = (Mark::begin(&entry.id), entry.id.clone());
                let outcome = self.write(|journal| journal.frozen(&holder, entry));
                self.open = matches!(outcome, Outcome::Done).then_some(holder);
                outcome
            }
            Errand::StandsStill => {
                self.mark.iter_mut().for_each(Mark::set);
                Outcome::Done
            }
            Errand::Ended { report, parked } => {
                let outcome = self.write(|journal| journal.ended(&report));
                self.open = None;
                self.locks.clear();
                // Only after the journal: until then the next start needs both.
                self.mark = None;
                mark::forget(&self.id);
                // Here and not on the keeper's thread: what resumes now may write to a disk that does not answer.
                drop(parked);
                outcome
            }
            Errand::Unlock => {
                self.locks.clear();
                let Some(holder) = &self.open else { return Outcome::Done };
                let outcome = self.write(|journal| journal.taken_back(holder));
                if let Outcome::Done = outcome {
                    self.open = None;
                }
                outcome
            }
            Errand::LockRecovery { names, holder } => self.lock_recovery(&names, &holder),
            Errand::IsStillLeft(left) => match look(&self.path) {
                Ok(look) if look.left.as_ref().is_some_and(|found| found.is_same(&left)) => Outcome::Done,
                Ok(_) => Outcome::NotFrozen,
                Err(why) => Outcome::Failed(QuiesceFailure::new(why)),
            },
            Errand::Open(left) => self.open(&left),
        }
    }

    fn open(&mut self, left: &LeftFrozen) -> Outcome {
        let (journal, found) = match Journal::open(&self.path) {
            Ok(opened) => opened,
            Err(why @ JournalError::InUse { .. }) => return Outcome::NotBegun(QuiesceFailure::new(why)),
            Err(why) => return Outcome::Failed(QuiesceFailure::new(why)),
        };
        if found.as_ref().is_some_and(|found| !found.is_same(left)) {
            // Somebody froze with it meanwhile. That is not thawed, so its end must not be written.
            return Outcome::Failed(QuiesceFailure::new("the journal was used by another process meanwhile"));
        }
        *lock(&self.journal) = Some(journal);
        self.id = left.entry.as_ref().map(|entry| entry.id.clone()).unwrap_or_default();
        if found.is_some() { Outcome::Done } else { Outcome::NotFrozen }
    }

    fn write(&self, write: impl FnOnce(&mut Journal) -> io::Result<()>) -> Outcome {
        let Some(journal) = &mut *lock(&self.journal) else {
            return Outcome::Failed(QuiesceFailure::new("the journal is not open"));
        };
        write(journal).map_or_else(|why| Outcome::Failed(QuiesceFailure::new(why)), |()| Outcome::Done)
    }

    /// All of them or none. In the order of their names, so that two that want the same never each have half.
    fn lock(&mut self, names: &[String], holder: &str) -> Outcome {
        self.locks.clear();
        let mut names: Vec<_> = names.iter().collect();
        names.sort();
        names.dedup();
        for name in names {
            match MachineLock::take(&self.folder, name, holder) {
                Ok(taken) => self.locks.push(taken),
                Err(unlocked) => {
                    self.locks.clear();
                    return match unlocked {
                        Unlocked::Taken(tenant) => {
                            let holder = tenant.map_or_else(|| "another process".to_owned(), |tenant| tenant.holder);
                            Outcome::NotBegun(QuiesceFailure::new(holder))
                        }
                        Unlocked::Unusable(why) => Outcome::Failed(QuiesceFailure::new(why)),
                    };
                }
            }
        }
        Outcome::Done
    }

    /// A lock of a process that is dying does not count: it may wait for the very thaw.
    fn lock_recovery(&mut self, names: &[String], holder: &str) -> Outcome {
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names.insert(0, format!("recovery-{:016x}", digest_of(&path)));
        self.locks.clear();
        for name in names {
            match MachineLock::take(&self.folder, &name, holder) {
                Ok(taken) => self.locks.push(taken),
                Err(Unlocked::Taken(tenant)) if !tenant.as_ref().is_some_and(Tenant::is_dying) => {
                    self.locks.clear();
                    let who = tenant.map_or_else(|| "another process".to_owned(), |tenant| tenant.holder);
                    return Outcome::NotBegun(QuiesceFailure::new(format!(
                        "{who}, which has frozen or thaws the same"
                    )));
                }
                // Without a folder for locks: two that thaw at once do less harm than none.
                Err(Unlocked::Taken(_) | Unlocked::Unusable(_)) => {}
            }
        }
        Outcome::Done
    }
}
