//! The clock that interrupts what engines run: one thread, which increments their epochs while something runs on them, and
//! sleeps while nothing does.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How often the epoch is incremented, and so how long an instance computes before other tasks get their turn: 10 ms
/// are not noticed by anybody's I/O.
const TICK: Duration = Duration::from_millis(10);

/// The clock of some engines. Clones share it; the thread ends with the last one.
#[derive(Clone)]
pub(crate) struct EpochClock(Arc<Handle>);

/// What runs on the engines must be interrupted while this lives.
#[must_use = "nothing is interrupted without it"]
pub(crate) struct Running(EpochClock);

/// The share of those who use the clock: dropped with the last of them.
struct Handle(Arc<Ticker>);

#[derive(Default)]
struct Ticker {
    state: Mutex<State>,
    changed: Condvar,
    /// How many run. Read by the thread without the lock, once for each tick.
    running: AtomicUsize,
}

#[derive(Default)]
struct State {
    engines: Vec<EngineWeak>,
    /// The thread waits for something to run.
    is_waiting: bool,
    is_closed: bool,
}

impl EpochClock {
    /// Starts the thread.
    pub(crate) fn start(first: &Engine) -> io::Result<Self> {
        let ticker = Arc::new(Ticker::default());
        let clock = Self(Arc::new(Handle(Arc::clone(&ticker))));
        clock.add(first);
        // A thread and not a task: an instance that computes may keep every thread of the runtime busy.
        thread::Builder::new().name("agentapi-epochs".into()).spawn(move || ticker.work())?;
        Ok(clock)
    }

    /// Another engine.
    pub(crate) fn add(&self, engine: &Engine) {
        self.0.0.lock().engines.push(engine.weak());
    }

    /// To be called before anything runs on an engine of this clock, and kept until it has ended.
    pub(crate) fn run(&self) -> Running {
        let ticker = &self.0.0;
        if ticker.running.fetch_add(1, Ordering::AcqRel) == 0 {
            // Under the lock under which the thread decides to wait, so that it is not missed. Most often it has not got as
            // far as to wait since the call before, and nobody is woken.
            let state = ticker.lock();
            if state.is_waiting {
                ticker.changed.notify_one();
            }
        }
        Running(self.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Ticker {
    fn work(&self) {
        while self.wait_for_something() {
            thread::sleep(TICK);
            self.tick();
        }
    }

    /// Returns once something runs; false when nothing ever will.
    fn wait_for_something(&self) -> bool {
        let mut state = self.lock();
        while self.running.load(Ordering::Acquire) == 0 {
            if state.is_closed {
                return false;
            }
            state.is_waiting = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.is_waiting = false;
        }
        true
    }

    /// Increments every epoch.
    fn tick(&self) {
        // Weak references, so that this thread does not keep an engine alive that nobody else uses.
        self.lock().engines.retain(|engine| engine.upgrade().inspect(Engine::increment_epoch).is_some());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use wasmtime::{Config, Engine, Module, Store, Trap};

    use super::EpochClock;

    fn engine() -> Engine {
        Engine::new(Config::new().epoch_interruption(true)).unwrap()
    }

    /// A module with a function `run`, which counts a local variable up to two thousand millions: without an interruption it
    /// ends by itself.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x07\x01\x03run\0\0\x0a\x19\x01\x17\
        \x01\x01\x7e\x03\x40\x20\0\x42\x01\x7c\x22\0\x42\x80\xa8\xd6\xb9\x07\x54\x0d\0\x0b\x0b";

    /// Whether a computation on this engine is interrupted.
    fn is_interrupted(engine: &Engine) -> bool {
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(1);
        let instance = wasmtime::Instance::new(&mut store, &Module::new(engine, MODULE).unwrap(), &[]).unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        let outcome = run.call(&mut store, ());
        outcome.is_err_and(|why| why.downcast_ref::<Trap>() == Some(&Trap::Interrupt))
    }

    #[test]
    fn all_engines_are_interrupted_while_something_runs_and_again_after_a_pause() {
        let (first, second) = (engine(), engine());
        let clock = EpochClock::start(&first).unwrap();
        clock.add(&second);
        for _ in 0..3 {
            let running = clock.run();
            let also = clock.run();
            assert!(is_interrupted(&first));
            drop(also);
            assert!(is_interrupted(&second), "one of two still runs");
            drop(running);
            let until = Instant::now() + Duration::from_secs(60);
            while !clock.0.0.lock().is_waiting {
                assert!(Instant::now() < until, "it goes on although nothing runs");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn the_thread_ends_with_the_last_that_uses_it() {
        let engine = engine();
        let clock = EpochClock::start(&engine).unwrap();
        let ticker = std::sync::Arc::downgrade(&clock.0.0);
        let running = clock.run();
        drop(clock);
        assert!(is_interrupted(&engine), "what runs is interrupted to its end");
        drop(running);
        let until = Instant::now() + Duration::from_secs(60);
        while ticker.strong_count() > 0 {
            assert!(Instant::now() < until, "the thread goes on although nobody is left");
            std::thread::yield_now();
        }
    }
}
