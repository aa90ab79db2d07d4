//! The clocks of WASI, which show an extension the same time as `clock` of the contract, and end its pauses at the same
//! limit.

use std::time::{Duration, SystemTime};

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Host};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiView};

use crate::policy::clock::RunClock;
use crate::policy::state::RunState;

/// Replaces the functions of wasmtime-wasi, whose pauses know no other clock than tokio's.
pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<RunState, HasClock>(linker, |state| {
        let clock = state.calls.clock.clone();
        MonotonicClock { clock, table: state.ctx().table }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

struct HasClock;

impl HasData for HasClock {
    type Data<'a> = MonotonicClock<'a>;
}

struct MonotonicClock<'a> {
    clock: RunClock,
    table: &'a mut ResourceTable,
}

impl Host for MonotonicClock<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(nanoseconds(self.clock.monotonic()))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let pause = Pause { clock: self.clock.clone(), until: Duration::from_nanos(when) };
        let pause = self.table.push(pause)?;
        subscribe(self.table, pause)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_instant(nanoseconds(self.clock.monotonic()).saturating_add(duration))
    }
}

/// A pause that somebody may wait for.
struct Pause {
    clock: RunClock,
    until: Duration,
}

#[async_trait::async_trait]
impl Pollable for Pause {
    async fn ready(&mut self) {
        // One that is over yields all the same, so that a loop of such pauses lets others run.
        self.clock.sleep(self.until.saturating_sub(self.clock.monotonic())).await;
    }
}

impl HostWallClock for RunClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

impl HostMonotonicClock for RunClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        nanoseconds(self.monotonic())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
