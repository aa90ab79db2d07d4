//! Lines with a level, for the log of the run.

use crate::policy::bindings::felhom::agentapi::log::{self, Level as WitLevel};
use crate::policy::calls::Calls;
use crate::policy::log::Level;

impl log::Host for Calls {
    async fn write(&mut self, level: WitLevel, text: String) -> wasmtime::Result<()> {
        let level = match level {
            WitLevel::Trace => Level::Trace,
            WitLevel::Debug => Level::Debug,
            WitLevel::Info => Level::Info,
            WitLevel::Warn => Level::Warn,
            WitLevel::Error => Level::Error,
        };
        Ok(self.log.write(level, &text)?)
    }
}
