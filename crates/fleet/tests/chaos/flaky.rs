//! A bus in memory, and the bad ways by which its users reach it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_controller::clock::{Clock, Monotonic, VirtualClock};
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, BusError, Entry, Expect, Record, Start, Table, Watch};
use agentapi_fleet::name::GuestName;
use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream::BoxStream;

use crate::seeds::{happens, within};

/// Sees each change that the bus takes, after it has taken it, with who made it.
type Witness = Box<dyn Fn(&str, Table, &str, &[u8]) + Send + Sync>;

/// The bus itself.
pub(crate) struct World {
    pub(crate) bus: MemoryBus,
    pub(crate) clock: VirtualClock,
    /// What each key was before it is what it is: for reads of a replica that is behind.
    before: Mutex<BTreeMap<(Table, String), Option<Entry>>>,
    witness: Mutex<Option<Witness>>,
}

/// How many of a hundred requests go wrong, and how.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Nothing was done.
    pub(crate) refused: u8,
    /// It was done, and the answer is lost.
    pub(crate) lost: u8,
    /// It is done when nobody waits for it any more.
    pub(crate) late: u8,
    /// It takes long.
    pub(crate) slow: u8,
    /// A read finds what was there before.
    pub(crate) stale: u8,
    /// The user stands still after a change of a roll-out, and goes on with what it knew.
    pub(crate) stalls: u8,
}

/// How one user reaches the bus.
pub(crate) struct Flaky {
    world: Arc<World>,
    user: String,
    faults: Faults,
    state: Mutex<State>,
}

struct State {
    random: Rng,
    is_cut: bool,
    /// The user stands still until then.
    paused: Monotonic,
    /// Its lease is always granted, whoever has it.
    always_leads: bool,
}

enum Answer {
    Comes,
    Lost,
    Late(Duration),
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let clock = VirtualClock::new("2026-11-27T02:00:00Z".parse().unwrap());
        let bus = MemoryBus::new(Arc::new(clock.clone()));
        Arc::new(Self { bus, clock, before: Mutex::default(), witness: Mutex::default() })
    }

    pub(crate) fn watch_by(&self, witness: impl Fn(&str, Table, &str, &[u8]) + Send + Sync + 'static) {
        *self.witness.lock().unwrap() = Some(Box::new(witness));
    }

    pub(crate) fn forget(&self) {
        self.before.lock().unwrap().clear();
        self.bus.forget();
    }

    async fn put(&self, user: &str, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError> {
        let before = self.bus.get(table, key).await?;
        let revision = self.bus.put(table, key, value.clone(), expect).await?;
        self.before.lock().unwrap().insert((table, key.to_owned()), before);
        if let Some(witness) = &*self.witness.lock().unwrap() {
            witness(user, table, key, &value);
        }
        Ok(revision)
    }
}

impl Faults {
    /// Some of each, as much as the seed says.
    pub(crate) fn some(random: &mut Rng) -> Self {
        let mut some = |most| random.u8(0..=most);
        Self { refused: some(20), lost: some(20), late: some(10), slow: some(20), stale: some(20), stalls: 0 }
    }
}

impl Flaky {
    pub(crate) fn new(world: &Arc<World>, user: &str, faults: Faults, random: Rng) -> Arc<Self> {
        let state = State { random, is_cut: false, paused: Monotonic::default(), always_leads: false };
        Arc::new(Self { world: Arc::clone(world), user: user.to_owned(), faults, state: Mutex::new(state) })
    }

    /// Nothing goes through any more, or again.
    pub(crate) fn set_cut(&self, is_cut: bool) {
        self.state.lock().unwrap().is_cut = is_cut;
    }

    /// Its user stands still for so long, wherever it is.
    pub(crate) fn pause(&self, time: Duration) {
        self.state.lock().unwrap().paused = self.world.clock.monotonic() + time;
    }

    pub(crate) fn always_lead(&self) {
        self.state.lock().unwrap().always_leads = true;
    }

    fn happens(&self, percent: u8) -> bool {
        happens(&mut self.state.lock().unwrap().random, percent)
    }

    fn time(&self, longest: Duration) -> Duration {
        within(&mut self.state.lock().unwrap().random, longest)
    }

    async fn stand_still(&self) {
        let now = self.world.clock.monotonic();
        let left = self.state.lock().unwrap().paused.since(now);
        if !left.is_zero() {
            self.world.clock.sleep(left).await;
        }
    }

    /// On the way to the bus.
    async fn reach(&self) -> Result<(), BusError> {
        self.stand_still().await;
        if self.happens(self.faults.slow) {
            self.world.clock.sleep(self.time(SLOW)).await;
        }
        if self.state.lock().unwrap().is_cut || self.happens(self.faults.refused) {
            return Err(unreachable());
        }
        Ok(())
    }

    fn answer(&self) -> Answer {
        if self.happens(self.faults.lost) {
            return Answer::Lost;
        }
        if self.happens(self.faults.late) { Answer::Late(ANSWER_TIME + self.time(LATE)) } else { Answer::Comes }
    }

    fn before(&self, table: Table, key: &str) -> Option<Option<Entry>> {
        let is_stale = self.happens(self.faults.stale);
        is_stale.then(|| self.world.before.lock().unwrap().get(&(table, key.to_owned())).cloned()).flatten()
    }
}

fn unreachable() -> BusError {
    BusError::Unreachable("it goes wrong".into())
}

#[async_trait::async_trait]
impl Bus for Flaky {
    async fn put(&self, table: Table, key: &str, value: Bytes, expect: Expect) -> Result<u64, BusError> {
        self.reach().await?;
        if table == Table::Lease && self.state.lock().unwrap().always_leads {
            return Ok(1);
        }
        let outcome = match self.answer() {
            Answer::Comes => self.world.put(&self.user, table, key, value, expect).await,
            Answer::Lost => {
                let _ = self.world.put(&self.user, table, key, value, expect).await;
                Err(unreachable())
            }
            Answer::Late(after) => {
                let (world, user, key) = (Arc::clone(&self.world), self.user.clone(), key.to_owned());
                tokio::spawn(async move {
                    world.clock.sleep(after).await;
                    let _ = world.put(&user, table, &key, value, expect).await;
                });
                self.world.clock.sleep(ANSWER_TIME).await;
                Err(unreachable())
            }
        };
        if table == Table::Rollout && self.happens(self.faults.stalls) {
            self.pause(self.time(STALL));
        }
        self.stand_still().await;
        outcome
    }

    async fn delete(&self, table: Table, key: &str, revision: u64) -> Result<(), BusError> {
        self.reach().await?;
        self.world.bus.delete(table, key, revision).await
    }

    async fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, BusError> {
        self.reach().await?;
        let now = self.world.bus.get(table, key).await?;
        let found = self.before(table, key).unwrap_or(now);
        self.stand_still().await;
        Ok(found)
    }

    async fn all(&self, table: Table) -> Result<Vec<Entry>, BusError> {
        self.reach().await?;
        let mut entries = self.world.bus.all(table).await?;
        for entry in &mut entries {
            // A key is not missing because a replica is behind: who lists knows the keys for long.
            if let Some(Some(before)) = self.before(table, &entry.key) {
                *entry = before;
            }
        }
        self.stand_still().await;
        Ok(entries)
    }

    async fn watch(&self, table: Table) -> Result<Watch, BusError> {
        self.reach().await?;
        self.world.bus.watch(table).await
    }

    async fn append(&self, guest: &GuestName, id: &str, payload: Bytes) -> Result<(), BusError> {
        self.reach().await?;
        self.world.bus.append(guest, id, payload).await
    }

    async fn follow(&self, start: Start) -> Result<BoxStream<'static, Result<Record, BusError>>, BusError> {
        self.reach().await?;
        self.world.bus.follow(start).await
    }

    fn connections(&self) -> u64 {
        self.world.bus.connections()
    }
}

impl fmt::Debug for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flaky({})", self.user)
    }
}

/// As long as the bus on NATS waits for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
const STALL: Duration = Duration::from_secs(180);
const SLOW: Duration = Duration::from_secs(4);
/// Longer than a lease and than a slot are good for.
const LATE: Duration = Duration::from_secs(90);
