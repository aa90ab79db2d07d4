//! The history: runs, events and schedules in one SQLite file.
//!
//! One thread writes ([`Writer`]); readers ([`Reader`]) are `query_only` and have a deadline for each question. Liveness,
//! readiness, metrics and the keeper of a freeze ask none of them.
//!
//! While something is frozen the store is *parked* ([`Store::park`]): the writer is idle and no reader is in the file,
//! because a thread that waits in the kernel for a frozen disk ignores time-outs and holds back SIGKILL until the thaw.
//! What is written meanwhile waits in the writer's bounded queue; what is asked meanwhile is [`StoreError::Parked`].
//!
//! A change of state and the event that tells of it are one transaction, and the event is published after the commit: a
//! crash in between loses a push, which the replay by number brings.

mod approvals;
mod backlog;
mod events;
mod extension_state;
mod findings;
mod fleet;
mod history;
mod migrations;
mod notices;
mod open;
mod reader;
mod readers;
mod requests;
mod retention;
mod runs;
mod samples;
mod schedules;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

use crate::approval::{ApprovalId, ApprovalState};
use crate::event::Event;
use crate::run::Impossible;

pub use approvals::Decided;
pub use backlog::Backlog;
pub(crate) use history::PastRun;
pub use notices::Told;
pub use reader::Reader;
pub use requests::{KEEP_REQUESTS, KEEP_REQUESTS_FOR, KnownRequest, RequestDigest, RequestKey, StoredAnswer};
pub use runs::{Page, RunFilter};
pub use schedules::ScheduleState;
pub use writer::{Tx, Writer};

use crate::store::open::Opened;
use crate::store::readers::Readers;

/// The history of one controller.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    reader: Reader,
    readers: Arc<Readers>,
    set_aside: Option<PathBuf>,
}

/// Why the history was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another controller uses this folder.
    #[error("the state folder {} is in use by another controller", .0.display())]
    InUse(PathBuf),
    /// The folder or a file in it cannot be used.
    #[error("the state folder {} cannot be used", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the operating system or SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file was written by a newer version of this program.
    #[error("the state is of version {found}, and this program knows versions up to {known}")]
    Newer {
        /// The file's version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// SQLite failed: a full disk, a damaged file, a folder that may not be written to.
    #[error("the state cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// Something is frozen, and until the thaw the file is not touched.
    #[error("the state is frozen with the disk for {} s", .0.as_secs())]
    Parked(Duration),
    /// A question took too long, or too much waits to be written.
    #[error("the state does not answer in time")]
    Busy,
    /// There is nothing with this number or name.
    #[error("there is no {0}")]
    NotFound(String),
    /// A wipe is decided already, or its approval is used.
    #[error("approval {id} is {state}, and not waiting any more")]
    Decided {
        /// Which.
        id: ApprovalId,
        /// What it is.
        state: ApprovalState,
    },
    /// A run cannot take this step.
    #[error(transparent)]
    Impossible(#[from] Impossible),
}

impl Store {
    /// Opens the history in this folder, which is made if it is missing. Blocks while the file is checked.
    ///
    /// A file that is damaged is set aside under another name, and a new one is begun: [`set_aside`](Self::set_aside).
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`], [`StoreError::Unusable`], [`StoreError::Newer`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let Opened { connection, file, lock, set_aside } = open::open(folder)?;
        let readers = Arc::new(Readers::default());
        let (feed, _) = broadcast::channel(FEED_EVENTS);
        let writer = Writer::start(connection, feed, lock)
            .map_err(|source| StoreError::Unusable { folder: folder.into(), source: source.into() })?;
        let reader = Reader::new(file, Arc::clone(&readers));
        Ok(Self { writer, reader, readers, set_aside })
    }

    /// Who writes.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Who reads.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Where a damaged file was put when this was opened.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Events as they are committed. A receiver that lags is told so, and reads what it missed by number.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.writer.follow()
    }

    /// Why the latest change could not be committed; none while changes are.
    pub fn write_failure(&self) -> watch::Receiver<Option<String>> {
        self.writer.failure()
    }

    /// Makes a change, and returns when it is on the disk; while the store is parked, as soon as it has its place in the
    /// queue, because whoever waits may be who has to thaw. `failed_later` is told where the change fails after that.
    ///
    /// # Errors
    ///
    /// As [`Writer::write`].
    pub(crate) fn write_or_queue<C, F>(
        &self,
        change: C,
        failed_later: F,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<C, F>
    where
        C: FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
        F: FnOnce(StoreError) + Send + 'static,
    {
        let mut written = Box::pin(self.writer.write(change));
        // Looked at when the change has its place: one that stands behind a freeze in the queue finds the readers shut out.
        let is_parked = self.parked_for().is_some();
        async move {
            if !is_parked {
                return written.await;
            }
            // What a full queue refuses is known at once.
            if let Some(outcome) = (&mut written).now_or_never() {
                return outcome;
            }
            tokio::spawn(async move {
                if let Err(why) = written.await {
                    failed_later(why);
                }
            });
            Ok(())
        }
    }

    /// For how long the store has been parked; none while it is not.
    pub fn parked_for(&self) -> Option<Duration> {
        self.readers.closed_for()
    }

    /// Waits until nobody is in the file, and keeps it so until the value is dropped. Blocks for as long as what is being
    /// written takes.
    pub fn park(&self) -> ParkedStore {
        // Readers first: a question has a deadline of seconds, and what is in the writer's queue is written meanwhile.
        let closed = Readers::close(&self.readers);
        ParkedStore { _writer: self.writer.park(), _closed: closed }
    }
}

/// Nothing of the store is in the file while this lives.
pub struct ParkedStore {
    _writer: writer::Parked,
    _closed: readers::Closed,
}

/// How many events a reader of the feed may lag behind before it has to read them from the file.
const FEED_EVENTS: usize = 1024;

fn to_ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A time that is out of range, which only a damaged file holds, is the beginning of 1970.
fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests wait for real threads and sockets")]
mod tests;
