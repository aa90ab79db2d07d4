//! The objects on a server: made once, by whoever sets the fleet up. Guests make nothing.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};

use crate::bus::{BusError, DUPLICATE_WINDOW, Table};
use crate::nats::{EVENTS, NatsBus, key_subject, stream_of};

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was not there.
    New,
    /// It was there as it is to be.
    AlreadySo,
    /// It was there, and was changed to what it is to be.
    Changed,
}

impl NatsBus {
    /// Makes what is missing, and changes what is otherwise. Says of each object what became of it.
    ///
    /// # Errors
    ///
    /// [`BusError`]; what was made until then stays.
    pub async fn make_objects(&self) -> Result<Vec<(String, Made)>, BusError> {
        let mut made = Vec::new();
        for config in Table::ALL.map(table_config).into_iter().chain([events_config()]) {
            let name = config.name.clone();
            made.push((name.clone(), self.make(config).await?));
        }
        Ok(made)
    }

    async fn make(&self, config: Config) -> Result<Made, BusError> {
        let unusable = |what: &str, why: &dyn std::fmt::Display| {
            BusError::Unusable(format!("the bus does not {what} {}: {why}", config.name))
        };
        let found = self.jetstream.get_stream(&config.name).await;
        let Ok(found) = found else {
            self.jetstream.create_stream(config.clone()).await.map_err(|why| unusable("make", &why))?;
            return Ok(Made::New);
        };
        if is_same(&found.cached_info().config, &config) {
            return Ok(Made::AlreadySo);
        }
        self.jetstream.update_stream(config.clone()).await.map_err(|why| unusable("change", &why))?;
        Ok(Made::Changed)
    }
}

/// Whether what we set is so. The server fills in what was not set.
fn is_same(found: &Config, wanted: &Config) -> bool {
    found.subjects == wanted.subjects
        && found.max_age == wanted.max_age
        && found.max_messages_per_subject == wanted.max_messages_per_subject
        && found.max_bytes == wanted.max_bytes
        && found.max_message_size == wanted.max_message_size
        && found.deny_delete == wanted.deny_delete
        && found.deny_purge == wanted.deny_purge
        && found.allow_direct == wanted.allow_direct
        && found.allow_rollup == wanted.allow_rollup
}

/// A key-value store as NATS's own tools make it.
fn table_config(table: Table) -> Config {
    let max_age = table.max_age().unwrap_or_default();
    Config {
        name: stream_of(table),
        subjects: vec![key_subject(table, ">")],
        max_messages_per_subject: 1,
        max_age,
        max_message_size: MAX_VALUE_BYTES,
        discard: DiscardPolicy::New,
        allow_direct: true,
        allow_rollup: true,
        deny_delete: true,
        storage: StorageType::File,
        max_consumers: -1,
        max_messages: -1,
        max_bytes: MAX_TABLE_BYTES,
        num_replicas: 1,
        duplicate_window: if max_age.is_zero() { DUPLICATE_WINDOW } else { max_age.min(DUPLICATE_WINDOW) },
        ..Config::default()
    }
}

fn events_config() -> Config {
    Config {
        name: EVENTS.into(),
        subjects: vec!["evt.>".into()],
        max_age: EVENTS_KEPT,
        max_message_size: MAX_VALUE_BYTES,
        discard: DiscardPolicy::Old,
        // Nobody takes back what has happened: not a guest, and not a coordinator.
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        storage: StorageType::File,
        max_consumers: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_bytes: MAX_EVENTS_BYTES,
        num_replicas: 1,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    }
}

/// The inventory of a guest with many disks has some 20 KiB.
const MAX_VALUE_BYTES: i32 = 256 << 10;
/// A thousand guests with all they have; extensions of some versions.
const MAX_TABLE_BYTES: i64 = 64 << 20;
/// A hundred events a day of five hundred guests, for a season. The server reserves it: it has to fit its disk.
const MAX_EVENTS_BYTES: i64 = 1 << 30;
const EVENTS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
