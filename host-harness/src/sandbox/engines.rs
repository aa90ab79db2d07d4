//! The engines that run the client, which of them makes an instance, and the clock that interrupts them.
//!
//! The *on-demand* engine allocates an instance's memory and stack when it is made. The *pooled* engine has slots for
//! many instances, which are reset and used again: that takes less than half the time, but reserves 4 GiB of address
//! space for each slot. The pool is created with the second instance, so that a process that only ever needs one does
//! not pay the 3 ms for it. Where the pool is full, or the address space is too short for it, the on-demand engine makes
//! the instance.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak, PoolConcurrencyLimitError, PoolingAllocationConfig};

use crate::sandbox::cache::on_engine;
use crate::sandbox::component::{BuildError, Source, from_engine, load};
use crate::sandbox::instance::{Instance, Prepared};
use crate::sandbox::store::State;

/// How often instances that compute are interrupted: a hundredth of a second is not noticed by anybody's I/O.
const TICK: Duration = Duration::from_millis(10);
/// Slots of the pool. Each takes 4 GiB of address space, and memory only once it was used.
const POOL_SLOTS: u32 = 256;
/// Core instances and tables of the client, and some more, because an extension may be plugged onto it.
const CORE_INSTANCES: u32 = 4;
/// How much of a slot's memory, and of each table, stays resident when the slot is reset: more than a small call needs.
/// The kernel takes back what lies beyond, which costs a page fault each when it is used again.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// The client component on both engines.
pub(crate) struct Engines {
    on_demand: Prepared,
    /// None where the pool cannot be made.
    pooled: OnceLock<Option<Prepared>>,
    /// Whether an instance was made before.
    is_used: AtomicBool,
    ticker: Ticker,
}

impl Engines {
    /// Loads the component on the on-demand engine.
    pub(crate) fn new(source: &Source, cache_dir: Option<&Path>) -> Result<Self, BuildError> {
        let engine = Engine::new(&config()).map_err(from_engine)?;
        let component = load(&engine, source, cache_dir)?;
        let on_demand = Prepared::new(&component).map_err(from_engine)?;
        let ticker = Ticker::default();
        ticker.start(&engine).map_err(BuildError::Thread)?;
        Ok(Self { on_demand, pooled: OnceLock::new(), is_used: AtomicBool::new(false), ticker })
    }

    /// The engine for extensions. They are of any shape, which no pool is configured for.
    pub(crate) fn engine(&self) -> &Engine {
        self.on_demand.engine()
    }

    /// A new instance, from the pool if there is a free slot.
    pub(super) async fn instantiate(&self, state: impl Fn() -> State) -> wasmtime::Result<Instance> {
        if let Some(pooled) = self.pool_unless_first() {
            match pooled.instantiate(state()).await {
                Err(why) if why.is::<PoolConcurrencyLimitError>() => {}
                outcome => return outcome,
            }
        }
        self.on_demand.instantiate(state()).await
    }

    fn pool_unless_first(&self) -> Option<&Prepared> {
        if !self.is_used.swap(true, Ordering::Relaxed) {
            return None;
        }
        let pooled = self.pooled.get_or_init(|| {
            let pooled = self.make_pool();
            pooled.inspect_err(|why| tracing::debug!(error = %why, "there is no pool of instances")).ok()
        });
        pooled.as_ref()
    }

    fn make_pool(&self) -> wasmtime::Result<Prepared> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(POOL_SLOTS).total_core_instances(POOL_SLOTS * CORE_INSTANCES);
        pool.total_memories(POOL_SLOTS).total_tables(POOL_SLOTS * CORE_INSTANCES).total_stacks(POOL_SLOTS);
        pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES).table_keep_resident(KEEP_RESIDENT_BYTES);
        let mut config = config();
        config.allocation_strategy(pool);
        let engine = Engine::new(&config)?;
        let pooled = Prepared::new(&on_engine(self.on_demand.component(), &engine)?)?;
        self.ticker.add(&engine);
        Ok(pooled)
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config
}

/// The engines whose epoch one thread increments.
#[derive(Clone, Default)]
struct Ticker(Arc<Mutex<Vec<EngineWeak>>>);

impl Ticker {
    /// Starts the thread; it ends when the last engine is gone.
    fn start(&self, first: &Engine) -> std::io::Result<()> {
        self.add(first);
        let ticker = self.clone();
        let thread = thread::Builder::new().name("agentapi-epochs".into());
        let ticking = thread.spawn(move || {
            while ticker.tick() {
                thread::sleep(TICK);
            }
        });
        ticking.map(drop)
    }

    fn add(&self, engine: &Engine) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(engine.weak());
    }

    /// Increments every epoch. Whether there is an engine left.
    fn tick(&self) -> bool {
        let mut engines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A weak reference, so that this thread does not keep an engine alive that nobody else uses.
        engines.retain(|engine| engine.upgrade().inspect(Engine::increment_epoch).is_some());
        !engines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, Target};

    #[test]
    fn every_instance_but_the_first_may_come_from_the_pool() {
        let engines = Engines::new(&Source::Embedded, None).unwrap();
        assert!(engines.pool_unless_first().is_none());
        assert!(engines.pool_unless_first().is_some());
        assert!(engines.pool_unless_first().is_some());
    }

    #[tokio::test]
    async fn where_the_pool_is_full_instances_are_made_without_it() {
        let host = Host::builder().build().unwrap();
        let target = Target::parse("agent", "guest-token", ["ab".repeat(32)]).unwrap();
        let mut agents = Vec::new();
        for _ in 0..POOL_SLOTS + 2 {
            let agent = host.agent(target.clone()).unwrap();
            assert_eq!(agent.fs_uuid("uuid:6c1e").await.unwrap().as_deref(), Some("6c1e"));
            agents.push(agent);
        }
        assert!(host.engines.pool_unless_first().is_some());
        assert_eq!(host.instances(), agents.len());
        for agent in &agents {
            assert_eq!(agent.fs_uuid("uuid:6c1e").await.unwrap().as_deref(), Some("6c1e"));
        }
        drop(agents);
        assert_eq!(host.instances(), 0);
    }

    #[test]
    fn the_ticker_moves_all_engines_and_ends_with_the_last() {
        let ticker = Ticker::default();
        assert!(!ticker.tick());
        let (first, second) = (Engine::default(), Engine::default());
        ticker.add(&first);
        ticker.add(&second);
        assert!(ticker.tick());
        drop(first);
        assert!(ticker.tick());
        drop(second);
        assert!(!ticker.tick());
    }
}
