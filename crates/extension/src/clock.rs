//! Time and pauses, by the clock of the run: in a test of `agentapi policy test` a pause of an hour takes no time. The clocks
//! of the standard library show the same time, and need WASI.

use core::time::Duration;

use crate::bindings::felhom::agentapi::clock as host;

/// The time of day, in milliseconds since 1970-01-01T00:00:00Z.
pub fn now_unix_ms() -> u64 {
    host::now_unix_ms()
}

/// The time since some moment before this run. It never goes back.
pub fn monotonic() -> Duration {
    Duration::from_millis(host::monotonic_ms())
}

/// Waits for so long; what is less than a millisecond counts as one. A run that would wait longer than its wall clock
/// limit leaves is stopped.
pub fn sleep(duration: Duration) {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    host::sleep_ms(u64::try_from(milliseconds).unwrap_or(u64::MAX));
}
