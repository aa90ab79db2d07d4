//! A bus whose user stands still for a while, wherever it is: between what it reads and what it writes.

use std::sync::Arc;

use agentapi_fleet::bus::{Bus, BusError, Entry, Expect, Record, Start, Table, Watch};
use agentapi_fleet::name::GuestName;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Pausing {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) is_paused: watch::Sender<bool>,
}

impl Pausing {
    pub(crate) fn new(bus: Arc<dyn Bus>) -> Arc<Self> {
        Arc::new(Self { bus, is_paused: watch::Sender::new(false) })
    }

    async fn stand_still(&self) {
        let _ = self.is_paused.subscribe().wait_for(|is_paused| !is_paused).await;
    }
}

#[async_trait::async_trait]
impl Bus for Pausing {
    async fn put(&self, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError> {
        self.stand_still().await;
        let outcome = self.bus.put(table, key, value, expect).await;
        self.stand_still().await;
        outcome
    }

    async fn delete(&self, table: Table, key: &str, revision: u64) -> Result<(), BusError> {
        self.stand_still().await;
        self.bus.delete(table, key, revision).await
    }

    async fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, BusError> {
        let outcome = self.bus.get(table, key).await;
        self.stand_still().await;
        outcome
    }

    async fn all(&self, table: Table) -> Result<Vec<Entry>, BusError> {
        let outcome = self.bus.all(table).await;
        self.stand_still().await;
        outcome
    }

    async fn watch(&self, table: Table) -> Result<Watch, BusError> {
        self.bus.watch(table).await
    }

    async fn append(&self, guest: &GuestName, id: &str, payload: Bytes) -> Result<(), BusError> {
        self.bus.append(guest, id, payload).await
    }

    async fn follow(&self, start: Start) -> Result<BoxStream<'static, Result<Record, BusError>>, BusError> {
        self.bus.follow(start).await
    }

    fn connections(&self) -> u64 {
        self.bus.connections()
    }
}
