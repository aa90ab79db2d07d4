//! The engines that run the client, and the choice between them.
//!
//! The *on-demand* engine allocates memory and stack of an instance when it is made. The *pooled* engine uses
//! wasmtime's pooling allocator: it has slots for many instances, which are reset and used again. That takes less than
//! half the time, but reserves 4 GiB of address space for each slot.
//!
//! ```text
//!  the first instance of the process ──────────────▶ on-demand engine
//!  any other ─▶ can the pool be created? ─ no ─────▶ on-demand engine   (too little address space)
//!                        │ yes, or it is there
//!                        └▶ has it a free slot? ─ no ▶ on-demand engine
//!                                      │ yes
//!                                      └───────────▶ pooled engine
//! ```
//!
//! The pool is created with the second instance: a process that only ever needs one does not pay the 3 ms for it. Both
//! engines run the same compiled code.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::{Config, Engine, PoolConcurrencyLimitError, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::sandbox::code::for_engine;
use crate::sandbox::component::{BuildError, ComponentSource, from_engine, load};
use crate::sandbox::epochs::EpochClock;
use crate::sandbox::instance::{Instance, LinkedComponent};
use crate::sandbox::loader::Loader;
use crate::sandbox::store::State;

/// Slots of the pool. Each takes 4 GiB of address space, and memory only after it was used.
const POOL_SLOTS: u32 = 256;
/// Core instances and tables of one client. It has fewer itself; an extension may be plugged onto it.
const CORE_INSTANCES: u32 = 4;
/// How much of a slot's memory, and of each table, stays resident when the slot is reset: more than a small call needs.
/// Pages beyond are returned to the kernel, and cost a page fault each when they are used again.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// The client component on both engines.
pub(crate) struct Engines {
    on_demand: LinkedComponent,
    /// None where the pool cannot be created.
    pooled: OnceLock<Option<LinkedComponent>>,
    has_made_instance: AtomicBool,
    epoch_clock: EpochClock,
}

impl Engines {
    /// Loads the component on the on-demand engine.
    pub(crate) fn new(source: &ComponentSource, loader: &Loader) -> Result<Self, BuildError> {
        let engine = Engine::new(&config()).map_err(from_engine)?;
        let on_demand = load(&engine, source, loader)?;
        let epoch_clock = EpochClock::start(&engine).map_err(BuildError::Thread)?;
        Ok(Self { on_demand, pooled: OnceLock::new(), has_made_instance: AtomicBool::new(false), epoch_clock })
    }

    /// The engine for extensions: the pool's slots have the client's size, and extensions have any.
    pub(crate) fn engine(&self) -> &Engine {
        self.on_demand.engine()
    }

    /// The clock that interrupts what runs on these engines.
    pub(crate) fn epoch_clock(&self) -> &EpochClock {
        &self.epoch_clock
    }

    /// Makes a new instance, in the pool if it has a free slot.
    pub(super) async fn instantiate(&self, state: impl Fn() -> State) -> wasmtime::Result<Instance> {
        if let Some(pooled) = self.pool_unless_first() {
            match pooled.instantiate(state()).await {
                // Only a full pool is a reason for the other engine. Any other error would come there too.
                Err(why) if why.is::<PoolConcurrencyLimitError>() => {}
                outcome => return outcome,
            }
        }
        self.on_demand.instantiate(state()).await
    }

    /// The slots of the pool, if it was created.
    #[cfg(test)]
    pub(crate) fn pool_slots(&self) -> Option<usize> {
        let pooled = self.pooled.get()?.as_ref();
        pooled.map(|_| POOL_SLOTS as usize)
    }

    fn pool_unless_first(&self) -> Option<&LinkedComponent> {
        // One swap, so that of two calls at the same time only one counts as the first.
        if !self.has_made_instance.swap(true, Ordering::Relaxed) {
            return None;
        }
        // Tried once for the process: address space that is limited does not grow.
        let pooled = self.pooled.get_or_init(|| {
            let pooled = self.create_pool();
            pooled.inspect_err(|why| tracing::debug!(error = %why, "there is no pool of instances")).ok()
        });
        pooled.as_ref()
    }

    fn create_pool(&self) -> wasmtime::Result<LinkedComponent> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(POOL_SLOTS).total_core_instances(POOL_SLOTS * CORE_INSTANCES);
        pool.total_memories(POOL_SLOTS).total_tables(POOL_SLOTS * CORE_INSTANCES).total_stacks(POOL_SLOTS);
        pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES).table_keep_resident(KEEP_RESIDENT_BYTES);
        let mut config = config();
        config.allocation_strategy(pool);
        let engine = Engine::new(&config)?;
        let pooled = LinkedComponent::new(&for_engine(self.on_demand.component(), &engine)?)?;
        self.epoch_clock.add(&engine);
        Ok(pooled)
    }
}

/// The settings of every engine, here and in a child that compiles: code is run only by an engine with the same.
pub(super) fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // A trap then names file and line of an extension that was built with debug information. One without has none to keep.
    config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

#[cfg(test)]
mod tests {
    use super::{ComponentSource, Engines, Loader};

    #[test]
    fn every_instance_but_the_first_may_come_from_the_pool() {
        let engines = Engines::new(&ComponentSource::Embedded, &Loader::default()).unwrap();
        assert!(engines.pool_unless_first().is_none());
        assert!(engines.pool_unless_first().is_some());
        assert!(engines.pool_unless_first().is_some());
    }
}
