//! The clock of a run: the system's, or one of a test in which a pause takes no time.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::yield_now;
use tokio::time::sleep;

use crate::policy::limits::Breach;

/// What tells an extension the time, and lets it wait.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> SystemTime;

    /// The time since some moment before the first run. It never goes back.
    fn monotonic(&self) -> Duration;

    /// Is ready when [`monotonic`](Self::monotonic) is later by this much.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clock of the operating system. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(sleep(duration))
    }
}

/// A clock that only moves when somebody waits for it, and then at once: an extension that looks every minute for four
/// hours is through in a moment. For tests; one clock is for one run at a time, because whoever waits moves it for all.
#[derive(Clone)]
pub struct VirtualClock(Arc<Virtual>);

struct Virtual {
    start: SystemTime,
    elapsed: Mutex<Duration>,
}

impl VirtualClock {
    /// A clock that begins at this time of day.
    pub fn starting_at(start: SystemTime) -> Self {
        Self(Arc::new(Virtual { start, elapsed: Mutex::default() }))
    }

    /// Moves it on.
    pub fn advance(&self, duration: Duration) {
        let mut elapsed = self.0.elapsed.lock().unwrap_or_else(PoisonError::into_inner);
        *elapsed = elapsed.saturating_add(duration);
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VirtualClock").field(&self.monotonic()).finish()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        // Beyond what the system can show, time stands still.
        self.0.start.checked_add(self.monotonic()).unwrap_or(self.0.start)
    }

    fn monotonic(&self) -> Duration {
        *self.0.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = self.clone();
        Box::pin(async move {
            // A loop that does nothing but wait must not keep the runtime from its other tasks.
            yield_now().await;
            clock.advance(duration);
        })
    }
}

/// The clock of one run, which knows when the run has to end.
#[derive(Clone)]
pub(super) struct RunClock {
    clock: Arc<dyn Clock>,
    started: Duration,
    wall: Duration,
    is_over: Arc<AtomicBool>,
}

impl RunClock {
    pub(super) fn start(clock: Arc<dyn Clock>, wall: Duration) -> Self {
        let started = clock.monotonic();
        Self { clock, started, wall, is_over: Arc::default() }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The time since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.monotonic().saturating_sub(self.started)
    }

    /// Waits for so long, or until the run has to end: [`check`](Self::check) says then that it has. It cannot return an
    /// error itself, because a pollable of WASI has none.
    pub(super) async fn sleep(&self, duration: Duration) {
        let left = self.wall.saturating_sub(self.elapsed());
        self.clock.sleep(duration.min(left)).await;
        if duration > left {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the run may go on, by this clock. A run that waits for an agent is ended by a timer besides.
    pub(super) fn check(&self) -> Result<(), Breach> {
        if self.is_over.load(Ordering::Relaxed) { Err(Breach::Wall(self.wall)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_virtual_clock_moves_by_what_is_waited_for_and_stops_the_run_at_its_wall() {
        let virtual_clock = VirtualClock::starting_at(SystemTime::UNIX_EPOCH);
        let clock = RunClock::start(Arc::new(virtual_clock.clone()), 3 * HOUR);
        clock.sleep(2 * HOUR).await;
        assert_eq!((clock.elapsed(), clock.check()), (2 * HOUR, Ok(())));
        assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + 2 * HOUR);
        clock.sleep(HOUR).await;
        assert_eq!((clock.elapsed(), clock.check()), (3 * HOUR, Ok(())));
        clock.sleep(Duration::from_millis(1)).await;
        assert_eq!((clock.elapsed(), clock.check()), (3 * HOUR, Err(Breach::Wall(3 * HOUR))));

        let next = RunClock::start(Arc::new(virtual_clock), HOUR);
        assert_eq!((next.elapsed(), next.check()), (Duration::ZERO, Ok(())), "the next run begins anew");
    }
}
