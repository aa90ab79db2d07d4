//! Clocks that run faster than those of the system, for tests of what waits for seconds beside programs in real time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Monotonic, Sleep, SystemClock};

/// Both clocks, so many times as fast from the moment on when this was made.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    times: u32,
    began: (Timestamp, Monotonic),
}

impl FastClock {
    /// So many times as fast.
    pub fn new(times: u32) -> Self {
        Self { times, began: (SystemClock.now(), SystemClock.monotonic()) }
    }

    fn passed(&self) -> Duration {
        SystemClock.monotonic().since(self.began.1) * self.times
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.began.0 + SignedDuration::try_from(self.passed()).unwrap_or_default()
    }

    fn monotonic(&self) -> Monotonic {
        self.began.1 + self.passed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration / self.times)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, FastClock, SystemClock};

    #[tokio::test]
    async fn a_minute_takes_less_than_one() {
        let (clock, real) = (FastClock::new(1000), SystemClock.monotonic());
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        clock.sleep(Duration::from_secs(60)).await;
        assert!(clock.monotonic().since(monotonic) >= Duration::from_secs(60));
        assert!(clock.now().duration_since(wall).as_secs() >= 60);
        assert!(SystemClock.monotonic().since(real) < Duration::from_secs(60));
    }
}
