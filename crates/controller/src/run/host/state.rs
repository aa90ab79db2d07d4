//! What extensions remember, in the store of the controller.
//!
//! - A change is one transaction, and on the disk when the future is ready.
//! - While something is frozen, a change waits in the queue of the writer, and nobody waits for it: the extension that
//!   would wait is the one which has to thaw. It is written after the thaw. Changes that wait are bounded in bytes, and
//!   one that does not fit is refused, which the extension learns.
//! - Nothing is read while something is frozen: a run reads what it remembers before it begins.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentapi_host::error_chain;
use agentapi_host::policy::{MAX_STATE_BYTES, StateFuture, StateStore, StateStoreError};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::store::{Store, StoreError, Tx};

/// Keeps what extensions remember. Cheap to clone.
#[derive(Clone)]
pub struct KeptState {
    store: Store,
    /// Bytes that may wait to be written, of all extensions.
    room: Arc<Semaphore>,
}

/// What one run of an extension gets: read when the run began, so that an extension may freeze first and remember then.
pub(super) struct StateOfRun {
    kept: KeptState,
    /// Taken at the first use. None where it could not be read.
    read: Mutex<Option<BTreeMap<String, Vec<u8>>>>,
}

impl KeptState {
    /// In this store.
    pub fn new(store: Store) -> Self {
        Self { store, room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)) }
    }

    /// For a run that begins, with what the extension remembers, if it may use that.
    pub(super) async fn of_run(&self, extension: &str, remembers: bool) -> StateOfRun {
        // What could not be read, because another run has frozen something, is tried again at the first use.
        let read = if remembers { self.read(extension).await.ok() } else { None };
        StateOfRun { kept: self.clone(), read: Mutex::new(read) }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a queue takes is a matter of the machine, not of schedules"
    )]
    async fn read(&self, extension: &str) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        let read = async {
            loop {
                if let Some(parked) = self.store.parked_for() {
                    return Err(StoreError::Parked(parked));
                }
                let name = extension.to_owned();
                match self.store.writer().write(move |tx| tx.kept_state(&name)).await {
                    // A queue that a freeze has filled has room again soon after the thaw.
                    Err(StoreError::Busy) => sleep(PAUSE).await,
                    outcome => return outcome,
                }
            }
        };
        // A freeze may begin in between: then this waits in the queue behind it.
        timeout(READ_DEADLINE, read).await.unwrap_or(Err(StoreError::Busy))
    }

    fn write(&self, extension: &str, key: &str, value: Option<&[u8]>) -> StateFuture<()> {
        let bytes = extension.len() + key.len() + value.map_or(0, <[u8]>::len);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else {
            let why = format!("more than {MAX_WAITING_BYTES} bytes of state wait to be written");
            return Box::pin(async { Err(StateStoreError::new(why)) });
        };
        let (extension, key, value) = (extension.to_owned(), key.to_owned(), value.map(<[u8]>::to_owned));
        let name = format!("{key} of {extension}");
        let change = move |tx: &mut Tx<'_>| {
            let _room = room;
            tx.keep_state(&extension, &key, value.as_deref())
        };
        let written = self.store.write_or_queue(change, move |why| {
            tracing::error!(error = %error_chain(&why), "what was changed while something was frozen is lost: state {name}");
        });
        Box::pin(async { written.await.map_err(StateStoreError::new) })
    }
}

impl StateStore for StateOfRun {
    fn load(&self, extension: &str) -> StateFuture<BTreeMap<String, Vec<u8>>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (kept, extension) = (self.kept.clone(), extension.to_owned());
        Box::pin(async move {
            match read {
                Some(read) => Ok(read),
                None => kept.read(&extension).await.map_err(StateStoreError::new),
            }
        })
    }

    fn write(&self, extension: &str, key: &str, value: Option<&[u8]>) -> StateFuture<()> {
        self.kept.write(extension, key, value)
    }
}

/// Bytes of changes that may wait: four extensions which write all that they may remember during one freeze.
const MAX_WAITING_BYTES: usize = 4 * MAX_STATE_BYTES;
/// As long as the changes that a freeze has kept waiting may take to be written, on a slow disk.
const READ_DEADLINE: Duration = Duration::from_secs(30);

/// Between two attempts while the queue is full.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
