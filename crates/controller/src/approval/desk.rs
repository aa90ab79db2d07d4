//! Where runs ask and people decide. What is decided is on the disk before anybody is told of it.

mod tries;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{oneshot, watch};

use crate::actor::Actor;
use crate::approval::{Approval, ApprovalId, ApprovalState, Wipe};
use crate::clock::Clock;
use crate::store::{Decided, Store, StoreError};

use tries::{MAX_WRONG, PERIOD, Tries};

/// Asks and decides. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    clock: Arc<dyn Clock>,
    store: Store,
    waiting: Arc<Mutex<BTreeMap<ApprovalId, oneshot::Sender<Decided>>>>,
    published: watch::Sender<Waiting>,
    tries: Arc<Mutex<Tries>>,
}

/// The requests that wait, the oldest first. Read without waiting for the store.
pub type Waiting = Arc<Vec<Approval>>;

/// What a person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: to the disk with this durable id, which the person has typed.
    Approve {
        /// What was typed.
        durable_id: String,
    },
    /// No.
    Refuse {
        /// Why; may be empty.
        reason: String,
    },
}

/// Why a verdict was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerdictError {
    /// There is no such request, it waits no more, or nothing can be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another durable id was typed than that of the disk.
    #[error("expected the durable id of the disk, {expected}, found another")]
    OtherDisk {
        /// The disk's.
        expected: String,
    },
    /// Too many other durable ids were typed.
    #[error(
        "expected fewer than {MAX_WRONG} wrong durable ids in {} s, found as many: none is taken for {} s",
        PERIOD.as_secs(),
        pause.as_secs().max(1)
    )]
    TooManyTries {
        /// For how long no other is taken.
        pause: Duration,
    },
}

/// A run that waits. Dropped, it waits no more.
pub(crate) struct Asked {
    id: ApprovalId,
    desk: Desk,
    time_to_decide: Duration,
    decided: oneshot::Receiver<Decided>,
}

impl Desk {
    /// With nobody waiting.
    pub fn new(clock: Arc<dyn Clock>, store: Store) -> Self {
        Self { clock, store, waiting: Arc::default(), published: watch::Sender::default(), tries: Arc::default() }
    }

    /// The requests that wait.
    pub fn waiting(&self) -> watch::Receiver<Waiting> {
        self.published.subscribe()
    }

    /// What makes a request differ from every other: 128 random bits, in hex. None where the machine has none to give, which
    /// it has once it is up.
    pub(crate) fn nonce() -> Option<String> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(hex::encode(bytes))
    }

    /// Asks, for a quarter of an hour or for as long as the run can wait, whichever is shorter. On the disk, and to be seen,
    /// when this returns.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then nobody is asked.
    pub(crate) async fn ask(&self, wipe: Wipe, patience: Duration) -> Result<Asked, StoreError> {
        let (at, time_to_decide) = (self.clock.now(), patience.min(LONGEST_TIME_TO_DECIDE));
        let expires_at = at + SignedDuration::try_from(time_to_decide).unwrap_or_default();
        let asked = wipe.clone();
        let id = self.store.writer().write(move |tx| tx.ask_for_approval(at, expires_at, &asked)).await?;
        let (sender, decided) = oneshot::channel();
        self.lock().insert(id, sender);
        let asked = Asked { id, desk: self.clone(), time_to_decide, decided };
        let (digest, state) = (wipe.digest(), ApprovalState::Waiting);
        let (decided_by, reason) = (String::new(), String::new());
        let approval =
            Approval { id, wipe, digest, state, asked_at: at, expires_at, decided_at: None, decided_by, reason };
        self.publish(|waiting| waiting.push(approval));
        Ok(asked)
    }

    /// Takes the verdict of a person.
    ///
    /// # Errors
    ///
    /// [`VerdictError`]: then nothing is decided.
    pub async fn decide(&self, id: ApprovalId, verdict: Verdict, actor: Actor) -> Result<(), VerdictError> {
        let Some(waiting) = self.published.borrow().iter().find(|waiting| waiting.id == id).cloned() else {
            // What it has become is in the store only.
            return Err(match self.store.reader().approval(id).await?.state {
                // Nobody waits for it: the end of its run, which withdraws it, is about to be written down.
                ApprovalState::Waiting => StoreError::Busy,
                state => StoreError::Decided { id, state },
            }
            .into());
        };
        let by = actor.to_string();
        let decided = match verdict {
            Verdict::Approve { durable_id } => {
                self.compare(id, &durable_id, waiting.wipe.durable_id)?;
                Decided { state: ApprovalState::Approved, by, reason: String::new() }
            }
            Verdict::Refuse { reason } => Decided { state: ApprovalState::Refused, by, reason },
        };
        Ok(self.write(id, decided).await?)
    }

    /// Looks and counts under one lock: many that try at once have no more tries than one who tries many times.
    fn compare(&self, id: ApprovalId, typed: &str, expected: String) -> Result<(), VerdictError> {
        let now = self.clock.monotonic();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = tries.pause(id, now);
        if !pause.is_zero() {
            return Err(VerdictError::TooManyTries { pause });
        }
        if typed != expected || typed.is_empty() {
            tries.count(id, now);
            return Err(VerdictError::OtherDisk { expected });
        }
        Ok(())
    }

    /// Writes a decision down, and tells the run of it.
    async fn write(&self, id: ApprovalId, decided: Decided) -> Result<(), StoreError> {
        let (at, written) = (self.clock.now(), decided.clone());
        // By a task of its own: whoever asked may be gone before the run is told.
        let desk = self.clone();
        let task = tokio::spawn(async move {
            desk.store.writer().write(move |tx| tx.decide_approval(at, id, &written)).await?;
            let asked = desk.lock().remove(&id);
            if let Some(asked) = asked {
                // A run that has ended meanwhile wipes nothing; its end withdraws the approval.
                let _ = asked.send(decided);
            }
            desk.remove(id);
            Ok(())
        });
        task.await.unwrap_or(Err(StoreError::Busy))
    }

    /// It waits no more.
    fn remove(&self, id: ApprovalId) {
        self.publish(|waiting| waiting.retain(|waiting| waiting.id != id));
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).forget(id);
    }

    fn publish(&self, change: impl FnOnce(&mut Vec<Approval>)) {
        self.published.send_modify(|waiting| change(Arc::make_mut(waiting)));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ApprovalId, oneshot::Sender<Decided>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// The number of the request.
    pub(crate) fn id(&self) -> ApprovalId {
        self.id
    }

    /// The decision: of a person, or of the time that is over.
    pub(crate) async fn decision(&mut self) -> Decided {
        let expired = self.desk.clock.sleep(self.time_to_decide);
        tokio::select! {
            biased;
            decided = &mut self.decided => return decided.unwrap_or_else(|_| not_written()),
            () = expired => {}
        }
        let expired = Decided { state: ApprovalState::Expired, by: String::new(), reason: String::new() };
        match self.desk.write(self.id, expired).await {
            // A person may have decided in this very moment.
            Ok(()) | Err(StoreError::Decided { .. }) => (&mut self.decided).await.unwrap_or_else(|_| not_written()),
            Err(_) => not_written(),
        }
    }

    /// Uses what was approved. On the disk when this returns, so that nobody ever uses it again.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then nothing may be done.
    pub(crate) async fn take(&self) -> Result<(), StoreError> {
        let (at, id) = (self.desk.clock.now(), self.id);
        self.desk.store.writer().write(move |tx| tx.use_approval(at, id)).await
    }

    /// Gives up what was approved.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) async fn withdraw(&self, reason: String) -> Result<(), StoreError> {
        let (at, id) = (self.desk.clock.now(), self.id);
        self.desk.store.writer().write(move |tx| tx.withdraw_approved(at, id, &reason)).await
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let id = self.id;
        if self.desk.lock().remove(&id).is_some() {
            self.desk.remove(id);
        }
    }
}

/// Nothing is wiped that is not written down.
fn not_written() -> Decided {
    let reason = "the decision could not be written down".to_owned();
    Decided { state: ApprovalState::Withdrawn, by: String::new(), reason }
}

/// A quarter of an hour: who was asked is still there, and the disk is most likely the same.
const LONGEST_TIME_TO_DECIDE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests;
