//! The one thread that writes. What waits in its queue goes into one commit, because each commit costs an fsync; answers are
//! given after it. What nobody waits for lingers a moment, so that it may go with what somebody does.

use std::fs::File;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Savepoint, TransactionBehavior};
use tokio::sync::{broadcast, oneshot, watch};

use crate::event::Event;
use crate::store::StoreError;

/// Writes. Clones share the thread.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::SyncSender<Ask>,
    feed: broadcast::Sender<Arc<Event>>,
    failure: watch::Receiver<Option<String>>,
}

/// One change, within a transaction: what fails is undone as a whole, and others in the same commit are not.
pub struct Tx<'a> {
    pub(crate) savepoint: Savepoint<'a>,
    pub(super) events: Vec<Event>,
}

enum Ask {
    Change {
        change: Change,
        /// Somebody waits for it.
        is_urgent: bool,
    },
    Park {
        is_parked: mpsc::SyncSender<()>,
        until: mpsc::Receiver<()>,
    },
}

/// Makes a change, and says afterwards to whom the outcome goes.
type Change = Box<dyn FnOnce(Savepoint<'_>) -> Finish + Send>;
/// Tells whoever asked, after the commit, and gives back what is to be published.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) -> Vec<Event> + Send>;

/// The thread does nothing while this lives.
pub(super) struct Parked {
    _until: mpsc::SyncSender<()>,
}

impl Writer {
    /// Starts the thread, which ends when the last clone is gone. It keeps the folder's lock as long.
    pub(super) fn start(connection: Connection, feed: broadcast::Sender<Arc<Event>>, lock: File) -> io::Result<Self> {
        let (queue, asks) = mpsc::sync_channel(MAX_WAITING);
        let publish = feed.clone();
        let (failing, failure) = watch::channel(None);
        thread::Builder::new().name("store-writer".into()).spawn(move || {
            let _lock = lock;
            work(connection, &asks, &publish, &failing);
        })?;
        Ok(Self { queue, feed, failure })
    }

    /// Makes a change, and returns when it is on the disk.
    ///
    /// The change takes its place in the queue with this call, not when the future is first polled, and is made even if the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// What the change returns; [`StoreError::Busy`] when too much waits already, as it does while something is frozen;
    /// [`StoreError::Sqlite`] when the commit fails, such as on a full disk.
    pub fn write<T, C>(&self, change: C) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, C>
    where
        T: Send + 'static,
        C: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let asked = self.ask(change, true);
        async move { asked?.await.unwrap_or(Err(StoreError::Busy)) }
    }

    /// Makes a change some time, and does not wait for it: for what may be lost, such as a log line.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when too much waits already.
    pub fn post(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.ask(change, false).map(drop)
    }

    pub(super) fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    pub(super) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    fn ask<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        is_urgent: bool,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let change: Change = Box::new(move |savepoint| {
            let mut tx = Tx { savepoint, events: Vec::new() };
            let outcome = change(&mut tx);
            let Tx { savepoint, events } = tx;
            // Dropped without a commit, a savepoint is undone.
            let outcome = outcome.and_then(|value| savepoint.commit().map(|()| value).map_err(StoreError::from));
            let events = if outcome.is_ok() { events } else { Vec::new() };
            Box::new(move |committed| {
                let is_committed = committed.is_ok();
                // A change's own error says more: on a full disk SQLite undoes the whole transaction, and the commit fails
                // only because there is none any more.
                let _ = reply.send(outcome.and_then(|value| committed.map(|()| value)));
                if is_committed { events } else { Vec::new() }
            })
        });
        // Never waits: a queue that is full while something is frozen would hold up whoever has to thaw.
        self.queue.try_send(Ask::Change { change, is_urgent }).map_err(|_| StoreError::Busy)?;
        Ok(answer)
    }

    /// Waits until all that was asked for before is committed, and stops the thread there.
    pub(super) fn park(&self) -> Parked {
        let (is_parked, parked) = mpsc::sync_channel(1);
        let (release, until) = mpsc::sync_channel(0);
        // If the thread is gone, it is in no file either.
        if self.queue.send(Ask::Park { is_parked, until }).is_ok() {
            let _ = parked.recv();
        }
        Parked { _until: release }
    }
}

fn work(
    mut connection: Connection,
    asks: &mpsc::Receiver<Ask>,
    feed: &broadcast::Sender<Arc<Event>>,
    failing: &watch::Sender<Option<String>>,
) {
    while let Ok(first) = asks.recv() {
        let mut next = Some(first);
        while let Some(ask) = next.take() {
            match ask {
                Ask::Park { is_parked, until } => {
                    let _ = is_parked.send(());
                    // Nothing is ever sent: this returns when the value is dropped that keeps the store parked.
                    let _ = until.recv();
                }
                Ask::Change { change, is_urgent } => {
                    let mut changes = vec![change];
                    next = collect(asks, &mut changes, is_urgent);
                    commit(&mut connection, changes, feed, failing);
                }
            }
        }
    }
}

/// What goes into the same commit. Returns what ends the batch: a park waits for what came before it.
#[expect(clippy::disallowed_methods, reason = "how long changes linger is a matter of the machine, not of schedules")]
fn collect(asks: &mpsc::Receiver<Ask>, changes: &mut Vec<Change>, mut is_urgent: bool) -> Option<Ask> {
    let until = Instant::now() + LINGER;
    while changes.len() < MAX_CHANGES_IN_A_COMMIT {
        let left = if is_urgent { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
        match asks.recv_timeout(left) {
            Ok(Ask::Change { change, is_urgent: more }) => {
                changes.push(change);
                is_urgent |= more;
            }
            Ok(park @ Ask::Park { .. }) => return Some(park),
            Err(_) => break,
        }
    }
    None
}

fn commit(
    connection: &mut Connection,
    changes: Vec<Change>,
    feed: &broadcast::Sender<Arc<Event>>,
    failing: &watch::Sender<Option<String>>,
) {
    let mut finishes: Vec<Finish> = Vec::with_capacity(changes.len());
    let outcome = (|| {
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in changes {
            finishes.push(change(transaction.savepoint()?));
        }
        transaction.commit()
    })();
    failing.send_if_modified(|failure| match &outcome {
        Ok(()) => failure.take().is_some(),
        // The first text stays: what fails after it is often only a consequence.
        Err(why) if failure.is_none() => {
            *failure = Some(why.to_string());
            true
        }
        Err(_) => false,
    });
    for finish in finishes {
        // Each is told the cause: `rusqlite::Error` cannot be cloned, and its text and code are what matters of it.
        let committed = outcome.as_ref().copied().map_err(|why| {
            let code = why.sqlite_error().copied().unwrap_or(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR));
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, Some(why.to_string())))
        });
        for event in finish(committed) {
            // Nobody follows: then nobody needs it.
            let _ = feed.send(Arc::new(event));
        }
    }
}

/// Changes that may wait: those of a day of quiet work while something is frozen, in some megabytes.
const MAX_WAITING: usize = 4096;
/// Changes in one commit: enough to be quick, and short enough that a reader's checkpoint is not held up.
const MAX_CHANGES_IN_A_COMMIT: usize = 64;
/// How long a change lingers that nobody waits for: the lines that an extension prints go with its end.
const LINGER: Duration = Duration::from_millis(20);
