//! The pauses between two requests of the status.

use std::time::Duration;

use agentapi_extension::clock::monotonic;

/// Grow with the time that has been waited: a backup of a minute is not held up, and one of two hours is asked for some 300
/// times and not 7200.
pub(crate) struct Pauses {
    begun: Duration,
    shortest: Duration,
}

impl Pauses {
    /// Pauses from now on, none of them shorter than this.
    pub(crate) fn new(shortest: Duration) -> Self {
        Self { begun: monotonic(), shortest }
    }

    /// Since they began.
    pub(crate) fn elapsed(&self) -> Duration {
        monotonic().saturating_sub(self.begun)
    }

    /// The pause that follows.
    pub(crate) fn next(&self) -> Duration {
        pause_after(self.elapsed(), self.shortest)
    }
}

/// The end of a backup is seen one pause late at most, and the applications stand still for so much longer: hence no more
/// than a share of the time that they have stood still already.
fn pause_after(elapsed: Duration, shortest: Duration) -> Duration {
    (elapsed / SHARE).min(LONGEST).max(shortest)
}

/// A pause is a twentieth of what has passed: 5 %.
const SHARE: u32 = 20;
/// Half a minute: what an operator who looks at the progress would wait for.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::{Duration, pause_after};

    #[test]
    fn pauses_grow_with_the_time_up_to_half_a_minute() {
        let pauses =
            [0, 20, 60, 600, 7200].map(|elapsed| pause_after(Duration::from_secs(elapsed), Duration::from_secs(1)));
        assert_eq!(pauses.map(|pause| pause.as_secs()), [1, 1, 3, 30, 30]);
        let hour = Duration::from_secs(3600);
        assert_eq!(pause_after(Duration::from_secs(60), hour), hour, "never shorter than was asked for");
    }

    #[test]
    fn a_backup_of_two_hours_is_asked_for_some_300_times() {
        let (mut elapsed, mut requests) = (Duration::ZERO, 0);
        while elapsed < Duration::from_secs(7200) {
            elapsed += pause_after(elapsed, Duration::from_secs(1));
            requests += 1;
        }
        assert!((280..320).contains(&requests), "{requests}");
    }
}
