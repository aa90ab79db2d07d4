//! What of this process writes to a disk, and stands still while something is frozen.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use agentapi_host::quiesce::Parked;
use tokio::sync::{Mutex as TaskMutex, OwnedMutexGuard};

use crate::run::host::ParkingAudit;
use crate::store::Store;

/// All that is parked. A second freeze while the first lasts gets what is parked already: whoever parked a second time would
/// wait for the first thaw.
pub(crate) struct Parking {
    store: Store,
    audit: Option<Arc<dyn ParkingAudit>>,
    standard_error: fn() -> Parked,
    others: Arc<TaskMutex<()>>,
    held: Mutex<Weak<Held>>,
}

/// Dropped after the thaw, in this order: the audit comes first, because it may have something to say of itself.
struct Held {
    _audit: Option<Parked>,
    _store: crate::store::ParkedStore,
    _others: OwnedMutexGuard<()>,
    _standard_error: Parked,
}

impl Parking {
    /// For these; `others` is locked by whoever else writes now and then, such as a compiler into its cache.
    pub(crate) fn new(
        store: Store,
        audit: Option<Arc<dyn ParkingAudit>>,
        standard_error: fn() -> Parked,
        others: Arc<TaskMutex<()>>,
    ) -> Self {
        Self { store, audit, standard_error, others, held: Mutex::default() }
    }

    /// Parks until the last clone is dropped. Blocks for as long as what is being written takes, so that it is not to be
    /// called on a thread of the runtime.
    pub(crate) fn park(&self) -> Parked {
        let mut latest = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = latest.upgrade().unwrap_or_else(|| {
            let held = Arc::new(Held {
                _others: Arc::clone(&self.others).blocking_lock_owned(),
                _audit: self.audit.as_ref().map(|audit| audit.park()),
                _store: self.store.park(),
                _standard_error: (self.standard_error)(),
            });
            *latest = Arc::downgrade(&held);
            held
        });
        Parked::until_dropped(held)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::{Arc, Parked, Parking, Store, TaskMutex};

    #[test]
    fn what_is_parked_already_is_shared_until_the_last_thaw() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let others = Arc::new(TaskMutex::new(()));
        let parking = Parking::new(store.clone(), None, Parked::nothing_to_park, Arc::clone(&others));
        let (sender, parked) = mpsc::channel();
        let parks = thread::spawn(move || {
            let first = parking.park();
            let second = parking.park();
            sender.send((first, second)).unwrap();
            parking
        });
        let (first, second) = parked.recv_timeout(Duration::from_secs(30)).expect("the second waits for the first");
        drop(first);
        assert!(others.try_lock().is_err(), "one is left");
        drop(second);
        assert!(others.try_lock().is_ok());
        let parking = parks.join().unwrap();
        drop(parking.park());
        assert!(others.try_lock().is_ok());
    }
}
