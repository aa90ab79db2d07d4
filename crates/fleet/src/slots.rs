//! Slots: at most so many guests of a group back up at once. The group is a host, or a storage that several hosts share.
//!
//! A group is one key, which its guests change by compare-and-set: who backs up, and who waits, in the order in which they
//! came. Each renews its place every [`EVERY`]; who does not for [`GONE_AFTER`] is taken out by whoever has watched that, by
//! their own monotonic clock. No two clocks are compared.
//!
//! What is too many is slow, and not wrong. So a guest never loses a backup to a slot: it waits for so long at most, and then
//! runs without one and says so; and whether it waits for a bus that is gone is its own choice.

mod gate;
mod group;
mod stay;
mod watched;

use std::time::Duration;

pub use gate::{Slots, SlotsConfig, WithoutBus};
pub use group::{Group, Place, Turn};
pub use watched::Watched;

/// Between two turns of a guest that waits or backs up.
pub const EVERY: Duration = Duration::from_secs(10);
/// A place that was not renewed for so long is free.
pub const GONE_AFTER: Duration = Duration::from_secs(60);
