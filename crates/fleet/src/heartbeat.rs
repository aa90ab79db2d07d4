//! That a guest lives: a small text every [`EVERY`], and the one rule by which everybody tells alive from gone.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Often enough that a guest which is gone shows within a minute.
pub const EVERY: Duration = Duration::from_secs(20);
/// A heartbeat is this long at most, so that a thousand guests are 13 kB a second.
pub const MAX_BYTES: usize = 256;
/// Two heartbeats may be lost, and the third be late.
const LATE_AFTER: Duration = Duration::from_secs(65);
/// What is late for so long is gone: a guest that was started anew would be there again.
const GONE_AFTER: Duration = Duration::from_secs(5 * 60);

/// A heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When this controller started, by its own clock: another one is another start.
    pub started: Timestamp,
    /// When it was sent, by its own clock. Compared with the bus's, it shows a clock that is wrong.
    pub sent: Timestamp,
    /// Changes with the inventory.
    pub inventory: String,
}

/// How it is with a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It sends heartbeats.
    Alive,
    /// Some are missing.
    Late,
    /// It sends none any more.
    Gone,
}

impl Life {
    /// By when the bus took the latest heartbeat; none where it has none. By the bus's clock alone, on which all agree: a
    /// guest whose clock is wrong is alive all the same.
    pub fn of(latest: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(latest) = latest else { return Self::Gone };
        match now.duration_since(latest).unsigned_abs() {
            age if age <= LATE_AFTER => Self::Alive,
            // What the reader's clock is behind is no age.
            _ if latest > now => Self::Alive,
            age if age <= GONE_AFTER => Self::Late,
            _ => Self::Gone,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Heartbeat, Life, MAX_BYTES};

    #[test]
    fn a_guest_is_alive_by_the_clock_of_the_bus() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let ago = |seconds| Some(now - SignedDuration::from_secs(seconds));
        assert_eq!(Life::of(None, now), Life::Gone);
        for (seconds, life) in [
            (0, Life::Alive),
            (65, Life::Alive),
            (66, Life::Late),
            (300, Life::Late),
            (301, Life::Gone),
            (-900, Life::Alive),
        ] {
            assert_eq!(Life::of(ago(seconds), now), life, "{seconds} s ago");
        }
    }

    #[test]
    fn a_heartbeat_is_small() {
        let at = Timestamp::MAX;
        let heartbeat = Heartbeat { started: at, sent: at, inventory: "f".repeat(16) };
        assert!(serde_json::to_vec(&heartbeat).unwrap().len() <= MAX_BYTES);
    }
}
