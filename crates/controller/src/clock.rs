//! The clocks, and sleeping by them. Nothing else in this crate asks for the time, so that a test can run a year in a
//! minute.
//!
//! | clock | for | changes |
//! | --- | --- | --- |
//! | wall clock, [`Clock::now`] | calendars, what people read, what is kept over a restart | may jump either way |
//! | monotonic clock, [`Clock::monotonic`] | durations and time-outs | never goes back; a suspended machine's time counts |

use std::fmt;
use std::future::Future;
use std::ops::Add;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

#[cfg(any(test, feature = "simulation"))]
mod fast;
#[cfg(any(test, feature = "simulation"))]
mod simulated;

#[cfg(any(test, feature = "simulation"))]
pub use fast::FastClock;
#[cfg(any(test, feature = "simulation"))]
pub use simulated::VirtualClock;

/// What [`Clock::sleep`] returns: ready once the time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The longest that anybody sleeps towards an instant of the wall clock: a minute. The wall clock may be set meanwhile,
/// and nothing tells us.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Both clocks, and sleeping. Passed as `Arc<dyn Clock>`.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// The monotonic clock.
    fn monotonic(&self) -> Monotonic;

    /// Sleeps for a duration of the monotonic clock.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Sleeps until an instant of the wall clock, or for [`LONGEST_SLEEP`] if that is sooner: the caller looks at the wall
    /// clock again, which may have been set.
    fn sleep_towards(&self, instant: Timestamp) -> Sleep {
        let left = Duration::try_from(instant.duration_since(self.now())).unwrap_or(Duration::ZERO);
        self.sleep(left.min(LONGEST_SLEEP))
    }
}

/// An instant of the monotonic clock: the time since the machine was started. It means nothing to another machine, or
/// after a restart of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The time from an earlier instant to this one; zero if the other one is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// CLOCK_BOOTTIME: `std`'s `Instant` stands still while the machine is suspended, and a guest may be for days.
    fn monotonic(&self) -> Monotonic {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
        Monotonic(Duration::new(seconds, nanoseconds))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = *self;
        let end = clock.monotonic() + duration;
        Box::pin(async move {
            // In slices: tokio's timer stands still while the machine is suspended, so one sleep of ten hours would end
            // late by all of that time, and slices end late by a minute at most.
            loop {
                let left = end.since(clock.monotonic());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_sleep_of_the_system_takes_at_least_its_time() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let before = clock.monotonic();
        clock.sleep(Duration::from_millis(20)).await;
        assert!(clock.monotonic().since(before) >= Duration::from_millis(20));
        clock.sleep(Duration::ZERO).await;
        clock.sleep_towards(clock.now() - jiff::SignedDuration::from_hours(1)).await;
    }

    #[tokio::test]
    async fn nobody_sleeps_longer_than_a_minute_towards_an_instant() {
        let clock = VirtualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let day = jiff::SignedDuration::from_hours(24);
        let sleep = tokio::spawn(clock.sleep_towards(clock.now() + day));
        clock.run_for(LONGEST_SLEEP - Duration::from_millis(1)).await;
        assert!(!sleep.is_finished());
        clock.run_for(Duration::from_millis(1)).await;
        assert!(sleep.is_finished());
        // Sooner than a minute: to the millisecond.
        let soon = clock.now() + jiff::SignedDuration::from_millis(1500);
        let sleep = tokio::spawn(clock.sleep_towards(soon));
        clock.run_for(Duration::from_millis(1500)).await;
        assert!(sleep.is_finished());
        assert_eq!(clock.now(), soon);
    }
}
