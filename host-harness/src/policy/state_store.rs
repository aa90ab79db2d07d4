//! What extensions remember from one run to the next: where it is kept, and how one run sees it.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::policy::line::check_line;

/// Keeps what extensions remember. The bounds are checked before it is asked.
pub trait StateStore: Send + Sync + 'static {
    /// All keys and values of an extension. Called once a run, at its first use of the state.
    fn load(&self, extension: &str) -> StateFuture<BTreeMap<String, Vec<u8>>>;

    /// Sets a key, or deletes it where there is no value: whole or not at all, and lasting when the future is ready.
    ///
    /// While something is frozen it may only be noted in memory, and must not be waited for: it is the extension that
    /// waits here which has to thaw.
    fn write(&self, extension: &str, key: &str, value: Option<&[u8]>) -> StateFuture<()>;
}

/// What a [`StateStore`] returns.
pub type StateFuture<T> = Pin<Box<dyn Future<Output = Result<T, StateStoreError>> + Send>>;

/// Why a [`StateStore`] could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the state of extensions cannot be read or written")]
pub struct StateStoreError(#[source] Box<dyn Error + Send + Sync>);

impl StateStoreError {
    /// With its cause, which the extension does not learn.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Keeps it in memory: for tests, and where nothing is to last.
#[derive(Clone, Debug, Default)]
pub struct MemoryState(Arc<Mutex<Extensions>>);

type Extensions = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

impl MemoryState {
    /// What an extension has stored.
    pub fn of(&self, extension: &str) -> BTreeMap<String, Vec<u8>> {
        self.lock().get(extension).cloned().unwrap_or_default()
    }

    /// Replaces what an extension has stored.
    pub fn replace(&self, extension: &str, entries: BTreeMap<String, Vec<u8>>) {
        self.lock().insert(extension.to_owned(), entries);
    }

    fn lock(&self) -> MutexGuard<'_, Extensions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryState {
    fn load(&self, extension: &str) -> StateFuture<BTreeMap<String, Vec<u8>>> {
        let entries = self.of(extension);
        Box::pin(async { Ok(entries) })
    }

    fn write(&self, extension: &str, key: &str, value: Option<&[u8]>) -> StateFuture<()> {
        let mut extensions = self.lock();
        let entries = extensions.entry(extension.to_owned()).or_default();
        match value {
            Some(value) => drop(entries.insert(key.to_owned(), value.to_owned())),
            None => drop(entries.remove(key)),
        }
        Box::pin(async { Ok(()) })
    }
}

/// Why a run did not read or change its state.
#[derive(Debug)]
pub(super) enum EntryError {
    InvalidKey(String),
    TooLarge(String),
    Store(StateStoreError),
}

/// What one run sees: read once, changed here and in the store.
#[derive(Default)]
pub(super) struct Entries {
    /// None before the first use.
    loaded: Option<BTreeMap<String, Vec<u8>>>,
}

impl Entries {
    pub(super) async fn get(
        &mut self,
        store: &dyn StateStore,
        extension: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, EntryError> {
        check_key(key)?;
        Ok(self.load(store, extension).await?.get(key).cloned())
    }

    pub(super) async fn keys(
        &mut self,
        store: &dyn StateStore,
        extension: &str,
        prefix: &str,
    ) -> Result<Vec<String>, EntryError> {
        let entries = self.load(store, extension).await?;
        let from_prefix = entries.range(prefix.to_owned()..);
        Ok(from_prefix.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect())
    }

    /// Sets a key.
    pub(super) async fn set(
        &mut self,
        store: &dyn StateStore,
        extension: &str,
        key: &str,
        value: Vec<u8>,
        lasts: Lasts,
    ) -> Result<(), EntryError> {
        check_key(key)?;
        let entries = self.load(store, extension).await?;
        check_sizes(entries, key, &value)?;
        if lasts == Lasts::BeyondTheRun {
            store.write(extension, key, Some(&value)).await.map_err(EntryError::Store)?;
        }
        entries.insert(key.to_owned(), value);
        Ok(())
    }

    /// Deletes a key, and says whether there was one.
    pub(super) async fn delete(
        &mut self,
        store: &dyn StateStore,
        extension: &str,
        key: &str,
        lasts: Lasts,
    ) -> Result<bool, EntryError> {
        check_key(key)?;
        let entries = self.load(store, extension).await?;
        if !entries.contains_key(key) {
            return Ok(false);
        }
        if lasts == Lasts::BeyondTheRun {
            store.write(extension, key, None).await.map_err(EntryError::Store)?;
        }
        entries.remove(key);
        Ok(true)
    }

    async fn load(
        &mut self,
        store: &dyn StateStore,
        extension: &str,
    ) -> Result<&mut BTreeMap<String, Vec<u8>>, EntryError> {
        if self.loaded.is_none() {
            self.loaded = Some(store.load(extension).await.map_err(EntryError::Store)?);
        }
        Ok(self.loaded.get_or_insert_default())
    }
}

/// Whether a change is told to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    BeyondTheRun,
    /// In a dry run.
    WithinTheRun,
}

fn check_key(key: &str) -> Result<(), EntryError> {
    check_line("a key", key, MAX_STATE_KEY_BYTES).map_err(EntryError::InvalidKey)
}

fn check_sizes(entries: &BTreeMap<String, Vec<u8>>, key: &str, value: &[u8]) -> Result<(), EntryError> {
    let too_large = |what: String| Err(EntryError::TooLarge(what));
    if value.len() > MAX_STATE_VALUE_BYTES {
        return too_large(format!("a value of {} bytes; at most {MAX_STATE_VALUE_BYTES}", value.len()));
    }
    let others = entries.iter().filter(|(other, _)| *other != key);
    let (keys, bytes) = others
        .fold((1, key.len() + value.len()), |(keys, bytes), (key, value)| (keys + 1, bytes + key.len() + value.len()));
    if bytes > MAX_STATE_BYTES {
        return too_large(format!("{bytes} bytes of keys and values; at most {MAX_STATE_BYTES}"));
    }
    if keys > MAX_STATE_KEYS {
        return too_large(format!("{keys} keys; at most {MAX_STATE_KEYS}"));
    }
    Ok(())
}

/// The longest key, in bytes.
pub const MAX_STATE_KEY_BYTES: usize = 256;
/// The largest value, in bytes.
pub const MAX_STATE_VALUE_BYTES: usize = 64 * 1024;
/// Keys and values of one extension together, in bytes. Small enough to be read whole at the first use.
pub const MAX_STATE_BYTES: usize = 1024 * 1024;
/// Keys of one extension: each costs memory beside its bytes.
pub const MAX_STATE_KEYS: usize = 4096;

#[cfg(test)]
mod tests;
