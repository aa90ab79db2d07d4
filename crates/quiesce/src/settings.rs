//! How long a freeze may last, and how often and how long things are tried.

use std::path::PathBuf;
use std::time::Duration;

/// The times that a [`Coordinator`](super::Coordinator) keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a holder may keep the applications frozen, from when all stand still. Then they are thawed without it.
    pub lease: Duration,
    /// How long the freeze of a file system, or by code of one's own, may take. Then it has failed, and what it began is
    /// followed to its end. Programs have a time of their own.
    pub freeze_timeout: Duration,
    /// How long one attempt to thaw those may take. Then it has failed, and the next one follows.
    pub thaw_timeout: Duration,
    /// How long [`Lease::thaw`](super::Lease::thaw), and a freeze that failed, wait for the thaw to work. The thaw goes on
    /// afterwards.
    pub thaw_wait: Duration,
    /// The pause after the first thaw that failed. Each pause is twice the one before; at least a millisecond.
    pub first_pause: Duration,
    /// The longest pause between two attempts to thaw.
    pub longest_pause: Duration,
    /// How long a thaw that does not work is waited for by [`Coordinator::idle`](super::Coordinator::idle) and
    /// [`thaw_left_frozen`](super::thaw_left_frozen). The journal is left at `frozen`, and the thaw is tried as long as the
    /// process lives. `None`: for ever.
    pub give_up: Option<Duration>,
    /// Where the locks lie that keep two journals from freezing the same. `None`: `/run/lock/agentapi` for root,
    /// `$XDG_RUNTIME_DIR/agentapi` for a user, or `/run/lock/agentapi-UID` where that is not set.
    pub lock_folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: LEASE,
            freeze_timeout: TIMEOUT,
            thaw_timeout: TIMEOUT,
            thaw_wait: THAW_WAIT,
            first_pause: SHORTEST_PAUSE,
            longest_pause: LONGEST_PAUSE,
            give_up: None,
            lock_folder: None,
        }
    }
}

impl Settings {
    /// The pauses between attempts to thaw, without end.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let longest = self.longest_pause.max(SHORTEST_PAUSE);
        let first = self.first_pause.clamp(SHORTEST_PAUSE, longest);
        std::iter::successors(Some(first), move |pause| Some(pause.saturating_mul(2).min(longest)))
    }
}

/// Ten minutes: as long as an extension may run.
const LEASE: Duration = Duration::from_secs(600);
/// Half a minute: an application that takes longer to stand still disturbs its users more than the backup is worth.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A minute: enough for one attempt that times out and the next.
const THAW_WAIT: Duration = Duration::from_secs(60);
/// A millisecond: what failed by chance is over soon.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Five seconds: what an operator repairs is noticed soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let ms = Duration::from_millis;
        let settings = Settings { first_pause: ms(3), longest_pause: ms(10), ..Settings::default() };
        assert_eq!(settings.pauses().take(4).collect::<Vec<_>>(), [ms(3), ms(6), ms(10), ms(10)]);
    }

    #[test]
    fn no_setting_makes_the_attempts_spin() {
        let settings = Settings { first_pause: Duration::ZERO, longest_pause: Duration::ZERO, ..Settings::default() };
        assert_eq!(settings.pauses().nth(7), Some(Duration::from_millis(1)));
    }
}
