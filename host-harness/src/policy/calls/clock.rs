//! The time, and pauses.

use std::time::{Duration, SystemTime};

use agentapi_contract::wit::Function;
use serde_json::json;

use crate::policy::bindings::felhom::agentapi::clock;
use crate::policy::calls::Calls;

impl clock::Host for Calls {
    async fn now_unix_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(milliseconds(self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()))
    }

    async fn monotonic_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(milliseconds(self.clock.monotonic()))
    }

    async fn sleep_ms(&mut self, pause: u64) -> wasmtime::Result<()> {
        let call = self.observed.begin(SLEEP, json!({ "milliseconds": pause }));
        self.clock.sleep(Duration::from_millis(pause)).await;
        // Here rather than at the border to the extension, so that the call is told as the one in which the run ended.
        self.clock.check()?;
        call.answered(&());
        Ok(())
    }
}

/// Needs no grant, so that it is not among those which can be granted.
const SLEEP: Function = Function::new("clock", "sleep-ms");

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
