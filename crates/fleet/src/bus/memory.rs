//! A bus in memory, for tests: as strict as NATS about revisions and ages, and as losable.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentapi_controller::clock::Clock;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::bus::{Bus, BusError, Entry, Expect, Record, Start, Table, Watch};
use crate::name::GuestName;

/// A bus in memory. Clones are the same bus.
#[derive(Clone)]
pub struct MemoryBus {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Counts changes, so that whoever watches looks again.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    is_down: bool,
    connections: u64,
    tables: BTreeMap<Table, BTreeMap<String, Entry>>,
    revision: u64,
    records: Vec<Record>,
    ids: BTreeMap<String, Timestamp>,
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryBus { .. }")
    }
}

impl MemoryBus {
    /// An empty bus by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { inner: Arc::new(Inner { clock, state: Mutex::default(), changed: watch::Sender::new(0) }) }
    }

    /// Lets it answer nobody, or answer again.
    pub fn set_down(&self, is_down: bool) {
        let mut state = self.lock();
        state.connections += u64::from(state.is_down && !is_down);
        state.is_down = is_down;
        drop(state);
        self.announce();
    }

    /// Forgets everything, as a server that was started anew with an empty store.
    pub fn forget(&self) {
        let mut state = self.lock();
        *state = State { is_down: state.is_down, connections: state.connections + 1, ..State::default() };
        drop(state);
        self.announce();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, State>, BusError> {
        let state = self.lock();
        if state.is_down {
            return Err(BusError::Unreachable("it is down".into()));
        }
        Ok(state)
    }

    fn announce(&self) {
        self.inner.changed.send_modify(|count| *count += 1);
    }

    /// Whether a value is too old to be there.
    fn is_over(&self, table: Table, entry: &Entry) -> bool {
        let age = self.inner.clock.now().duration_since(entry.at).unsigned_abs();
        table.max_age().is_some_and(|limit| age > limit)
    }

    fn entry(&self, state: &State, table: Table, key: &str) -> Option<Entry> {
        let entry = state.tables.get(&table)?.get(key)?;
        (!self.is_over(table, entry)).then(|| entry.clone())
    }

    fn set(&self, table: Table, key: &str, value: Option<Bytes>, expect: Expect) -> Result<u64, BusError> {
        let mut state = self.reach()?;
        let current = self.entry(&state, table, key);
        let is_expected = match expect {
            Expect::Anything => true,
            Expect::Nothing => current.is_none_or(|entry| entry.value.is_none()),
            Expect::Revision(revision) => current.is_some_and(|entry| entry.revision == revision),
        };
        if !is_expected {
            return Err(BusError::Changed { key: key.to_owned() });
        }
        state.revision += 1;
        let entry = Entry { key: key.to_owned(), value, revision: state.revision, at: self.inner.clock.now() };
        state.tables.entry(table).or_default().insert(key.to_owned(), entry);
        let revision = state.revision;
        drop(state);
        self.announce();
        Ok(revision)
    }

    /// The first change of a table after a revision.
    fn change_after(&self, table: Table, revision: u64) -> Result<Option<Entry>, BusError> {
        let state = self.reach()?;
        let entries = state.tables.get(&table).into_iter().flat_map(BTreeMap::values);
        Ok(entries.filter(|entry| entry.revision > revision).min_by_key(|entry| entry.revision).cloned())
    }

    fn record_after(&self, sequence: u64) -> Result<Option<Record>, BusError> {
        let state = self.reach()?;
        Ok(state.records.iter().find(|record| record.sequence > sequence).cloned())
    }

    /// What `next` finds after each number, one after the other.
    fn stream<T: Send + 'static>(
        &self,
        after: u64,
        next: impl Fn(&Self, u64) -> Result<Option<(u64, T)>, BusError> + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<T, BusError>> {
        let begin = (self.clone(), self.inner.changed.subscribe(), Some(after), Arc::new(next));
        unfold(begin, async |(bus, mut changed, after, next)| {
            let mut after = after?;
            loop {
                changed.mark_unchanged();
                match next(&bus, after) {
                    Ok(Some((number, found))) => {
                        after = number;
                        return Some((Ok(found), (bus, changed, Some(after), next)));
                    }
                    Ok(None) => changed.changed().await.ok()?,
                    Err(why) => return Some((Err(why), (bus, changed, None, next))),
                }
            }
        })
        .boxed()
    }
}

#[async_trait::async_trait]
impl Bus for MemoryBus {
    fn connections(&self) -> u64 {
        self.lock().connections
    }

    async fn put(&self, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError> {
        self.set(table, key, Some(value), expect)
    }

    async fn delete(&self, table: Table, key: &str, revision: u64) -> Result<(), BusError> {
        self.set(table, key, None, Expect::Revision(revision)).map(drop)
    }

    async fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, BusError> {
        let state = self.reach()?;
        Ok(self.entry(&state, table, key).filter(|entry| entry.value.is_some()))
    }

    async fn all(&self, table: Table) -> Result<Vec<Entry>, BusError> {
        Ok(self.watch(table).await?.entries)
    }

    async fn watch(&self, table: Table) -> Result<Watch, BusError> {
        let state = self.reach()?;
        let entries = state.tables.get(&table).into_iter().flat_map(BTreeMap::values);
        let is_there = |entry: &&Entry| entry.value.is_some() && !self.is_over(table, entry);
        let entries = entries.filter(is_there).cloned().collect();
        let revision = state.revision;
        drop(state);
        let next = move |bus: &Self, after| Ok(bus.change_after(table, after)?.map(|entry| (entry.revision, entry)));
        Ok(Watch { entries, changes: self.stream(revision, next) })
    }

    async fn append(&self, guest: &GuestName, id: &str, payload: Bytes) -> Result<(), BusError> {
        let now = self.inner.clock.now();
        let mut state = self.reach()?;
        if state.ids.get(id).is_some_and(|at| now.duration_since(*at).unsigned_abs() < super::DUPLICATE_WINDOW) {
            return Ok(());
        }
        state.ids.insert(id.to_owned(), now);
        let sequence = state.records.last().map_or(0, |record| record.sequence) + 1;
        state.records.push(Record { guest: guest.clone(), sequence, at: now, payload });
        drop(state);
        self.announce();
        Ok(())
    }

    async fn follow(&self, start: Start) -> Result<BoxStream<'static, Result<Record, BusError>>, BusError> {
        let latest = self.reach()?.records.last().map_or(0, |record| record.sequence);
        let after = match start {
            Start::After(sequence) => sequence,
            Start::New => latest,
            Start::Latest(records) => latest.saturating_sub(records),
        };
        let next = |bus: &Self, after| Ok(bus.record_after(after)?.map(|record| (record.sequence, record)));
        Ok(self.stream(after, next))
    }
}
