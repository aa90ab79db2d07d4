//! Changes that must be made some time, in their order, by somebody who does not wait for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::store::{Store, StoreError, Tx};

/// Takes changes, and makes each until it is on the disk. Clones share the order.
#[derive(Clone)]
pub struct Backlog(mpsc::UnboundedSender<Change>);

type Change = Arc<dyn Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync>;

impl Backlog {
    /// Starts the task that makes the changes, which ends with the last clone. Must be called within a runtime.
    pub fn new(clock: Arc<dyn Clock>, store: Store) -> Self {
        let (sender, mut changes) = mpsc::unbounded_channel::<Change>();
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                make(clock.as_ref(), &store, &change).await;
            }
        });
        Self(sender)
    }

    /// Makes a change after those before it.
    pub fn add(&self, change: impl Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync + 'static) {
        // The task ends only with the runtime.
        let _ = self.0.send(Arc::new(change));
    }
}

/// The next one waits meanwhile, because it may undo this one.
async fn make(clock: &dyn Clock, store: &Store, change: &Change) {
    loop {
        let attempt = Arc::clone(change);
        match store.writer().write(move |tx| attempt(tx)).await {
            Ok(()) => return,
            Err(why) => {
                tracing::error!(error = %why, "not written down yet");
                clock.sleep(PAUSE).await;
            }
        }
    }
}

/// Between two attempts. They also find out that the state can be written again.
const PAUSE: Duration = Duration::from_secs(10);
