//! The engines that run the client, and their clock.
//!
//! One makes what an instance needs, memory and a stack, when it is needed. Where there is more than one instance, another
//! has places for many, which are cleared and used again: that takes less than half the time. Where its places are taken,
//! or the address space is too short for them, the first does it all.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak, PoolingAllocationConfig};

use crate::Error;
use crate::component::{self, Source};
use crate::instance::{Prepared, failed};

/// How often instances that compute are interrupted.
const TICK: Duration = Duration::from_millis(10);
/// Places for instances. Each takes 4 GiB of address space, and memory only once it was used.
const PLACES: u32 = 256;
/// Core instances and tables of the client, and some more: an extension may be plugged onto it.
const CORE_INSTANCES: u32 = 4;
/// How much of a place's memory, and of each table, stays with it when it is cleared: more than a small call needs. The
/// kernel takes the rest back.
const KEPT_BYTES: usize = 256 * 1024;

/// The client component on both engines.
pub(crate) struct Engines {
    plain: Prepared,
    /// None where there can be no places.
    pooled: OnceLock<Option<Prepared>>,
    /// Whether there was an instance before.
    is_used: AtomicBool,
    ticks: Ticks,
}

impl Engines {
    /// Loads the component. Its places are made later.
    pub(crate) fn new(source: &Source, cache_dir: Option<&Path>) -> Result<Self, Error> {
        let engine = Engine::new(&config()).map_err(failed)?;
        let component = component::load(&engine, source, cache_dir)?;
        let plain = Prepared::new(&component).map_err(failed)?;
        let ticks = Ticks::default();
        ticks.start(&engine).map_err(|why| Error::Component(why.into()))?;
        Ok(Self { plain, pooled: OnceLock::new(), is_used: AtomicBool::new(false), ticks })
    }

    /// For extensions, and where there is no place.
    pub(crate) fn plain(&self) -> &Prepared {
        &self.plain
    }

    /// For a new instance, unless it is the first: who has no other shall not pay for the places.
    pub(crate) fn pooled(&self) -> Option<&Prepared> {
        if !self.is_used.swap(true, Ordering::Relaxed) {
            return None;
        }
        let pooled = self.pooled.get_or_init(|| {
            let pooled = self.pool();
            pooled.inspect_err(|why| tracing::debug!(error = %why, "there are no places for instances")).ok()
        });
        pooled.as_ref()
    }

    fn pool(&self) -> wasmtime::Result<Prepared> {
        let mut places = PoolingAllocationConfig::new();
        places.total_component_instances(PLACES).total_core_instances(PLACES * CORE_INSTANCES);
        places.total_memories(PLACES).total_tables(PLACES * CORE_INSTANCES).total_stacks(PLACES);
        places.linear_memory_keep_resident(KEPT_BYTES).table_keep_resident(KEPT_BYTES);
        let mut config = config();
        config.allocation_strategy(places);
        let engine = Engine::new(&config)?;
        let pooled = Prepared::new(&component::moved(self.plain.component(), &engine)?)?;
        self.ticks.add(&engine);
        Ok(pooled)
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config
}

/// The engines whose clock one thread moves on.
#[derive(Clone, Default)]
struct Ticks(Arc<Mutex<Vec<EngineWeak>>>);

impl Ticks {
    /// Starts the thread; it ends when the last engine is gone.
    fn start(&self, first: &Engine) -> std::io::Result<()> {
        self.add(first);
        let ticks = self.clone();
        let ticker = thread::Builder::new().name("agentapi-ticks".into());
        let ticking = ticker.spawn(move || {
            while ticks.tick() {
                thread::sleep(TICK);
            }
        });
        ticking.map(drop)
    }

    fn add(&self, engine: &Engine) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(engine.weak());
    }

    /// Whether there is an engine left.
    fn tick(&self) -> bool {
        let mut engines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|engine| engine.upgrade().inspect(Engine::increment_epoch).is_some());
        !engines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, Host};

    #[test]
    fn every_instance_but_the_first_may_have_a_place() {
        let engines = Engines::new(&Source::Embedded, None).unwrap();
        assert!(engines.pooled().is_none());
        assert!(engines.pooled().is_some());
        assert!(engines.pooled().is_some());
    }

    #[tokio::test]
    async fn where_all_places_are_taken_instances_are_made_without() {
        let host = Host::builder().build().unwrap();
        let connection = Connection::parse("agent", "guest-token", ["ab".repeat(32)]).unwrap();
        let mut agents = Vec::new();
        for _ in 0..PLACES + 2 {
            agents.push(host.connect(&connection).await.unwrap());
        }
        assert!(host.engines.pooled().is_some());
        assert_eq!(host.instances(), agents.len());
        for agent in &agents {
            assert_eq!(agent.fs_uuid("uuid:6c1e").await.unwrap().as_deref(), Some("6c1e"));
        }
        drop(agents);
        assert_eq!(host.instances(), 0);
    }

    #[test]
    fn the_clock_moves_all_engines_and_ends_with_the_last() {
        let ticks = Ticks::default();
        assert!(!ticks.tick());
        let (first, second) = (Engine::default(), Engine::default());
        ticks.add(&first);
        ticks.add(&second);
        assert!(ticks.tick());
        drop(first);
        assert!(ticks.tick());
        drop(second);
        assert!(!ticks.tick());
    }
}
