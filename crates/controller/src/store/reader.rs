//! Questions to the file: on threads of the runtime's blocking pool, a few at once, each with a deadline.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::store::StoreError;
use crate::store::readers::Readers;

/// Reads. Clones share the connections.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    readers: Arc<Readers>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(file: PathBuf, readers: Arc<Readers>) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_READERS));
        Self { inner: Arc::new(Inner { file, readers, idle: Mutex::default(), permits }) }
    }

    /// Asks a question.
    ///
    /// # Errors
    ///
    /// What the question returns; [`StoreError::Parked`] while something is frozen; [`StoreError::Busy`] when it takes
    /// longer than two seconds, waiting for others included.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let asked = async {
            let permit = Arc::clone(&self.inner.permits).acquire_owned().await.map_err(|_| StoreError::Busy)?;
            let inner = Arc::clone(&self.inner);
            let answer = spawn_blocking(move || {
                // Held until the answer is there, also if nobody waits for it any more.
                let _permit = permit;
                inner.ask(question)
            });
            answer.await.map_err(|_| StoreError::Busy)?
        };
        timeout(DEADLINE, asked).await.unwrap_or(Err(StoreError::Busy))
    }
}

impl Inner {
    #[expect(clippy::disallowed_methods, reason = "how long a question may take is a matter of the machine")]
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _inside = Readers::enter(&self.readers).map_err(StoreError::Parked)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = idle.map_or_else(|| self.connect(), Ok)?;
        // A question without end would keep its thread, and a freeze waiting.
        let asked = std::time::Instant::now();
        connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(move || asked.elapsed() > DEADLINE))?;
        let answer = question(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        answer
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        // Not SQLITE_OPEN_READ_ONLY: a reader of a write-ahead log writes its mark into the shared memory.
        let connection = Connection::open_with_flags(&self.file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.busy_timeout(DEADLINE)?;
        Ok(connection)
    }
}

/// Questions at once: more would only wait for the same disk.
const MAX_READERS: usize = 4;
/// Whoever asks is a person or a program that would rather hear that it takes too long.
const DEADLINE: Duration = Duration::from_secs(2);
/// Some 0.1 ms of work.
const OPERATIONS_BETWEEN_LOOKS: i32 = 10_000;
