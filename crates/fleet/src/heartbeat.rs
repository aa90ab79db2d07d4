//! The heartbeat of a guest: a small message, sent every [`EVERY`]. [`Life::from_heartbeat`] is the one rule by which a guest counts as
//! alive, late or gone.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use agentapi_controller::board::Life;

/// Often enough that a guest which is gone shows within a minute.
pub const EVERY: Duration = Duration::from_secs(20);
/// A heartbeat has so many bytes at most: those of a thousand guests are 13 kB a second.
pub const MAX_BYTES: usize = 256;

/// A heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When this controller started, by its own clock: another one is another start.
    pub started: Timestamp,
    /// When it was sent, by its own clock. Compared with the bus's, it shows a clock that is wrong.
    pub sent: Timestamp,
    /// Digest of the inventory that the guest has told: it changes when the inventory does.
    pub inventory: String,
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Heartbeat, MAX_BYTES};

    #[test]
    fn a_heartbeat_is_small() {
        let at = Timestamp::MAX;
        let heartbeat = Heartbeat { started: at, sent: at, inventory: "f".repeat(16) };
        assert!(serde_json::to_vec(&heartbeat).unwrap().len() <= MAX_BYTES);
    }
}
