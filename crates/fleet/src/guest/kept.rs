//! One value in the history, of what a guest's part in a fleet remembers: each change is on the disk as a whole, with the event
//! that tells of it.

use std::marker::PhantomData;

use agentapi_controller::event::NewEvent;
use agentapi_controller::store::{Store, StoreError, Tx};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where it is kept.
pub(super) struct Kept<T> {
    store: Store,
    key: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: Default + Serialize + DeserializeOwned + Send + 'static> Kept<T> {
    pub(super) fn new(store: Store, key: &'static str) -> Self {
        Self { store, key, value: PhantomData }
    }

    /// As it is on the disk, after all changes that wait.
    pub(super) async fn read(&self) -> Result<T, StoreError> {
        let key = self.key;
        self.store.writer().write(move |tx| read(tx, key)).await
    }

    /// Changes it, on the disk when this returns.
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&mut T) + Send + 'static,
        event: Option<(Timestamp, NewEvent)>,
    ) -> Result<(), StoreError> {
        let key = self.key;
        let write = self.store.writer().write(move |tx| {
            let mut value = read(tx, key)?;
            change(&mut value);
            tx.keep_for_fleet(key, &serde_json::to_vec(&value).unwrap_or_default())?;
            event.map_or(Ok(()), |(at, event)| tx.event(at, event))
        });
        write.await
    }
}

fn read<T: Default + DeserializeOwned>(tx: &mut Tx<'_>, key: &str) -> Result<T, StoreError> {
    let Some(kept) = tx.kept_for_fleet(key)? else { return Ok(T::default()) };
    // An empty one would let things be done again that were done before.
    serde_json::from_slice(&kept).map_err(|_| StoreError::NotFound(format!("journal of {key} that can be read")))
}
