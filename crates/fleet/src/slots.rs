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

use crate::bus::{Bus, BusError, Entry, Expect, Table};
use crate::name::GuestName;

pub use gate::{Slots, SlotsConfig, WithoutBus};
pub use group::{Group, Place, Turn};
pub use watched::Watched;

/// All groups by their names, in the order of these. One that cannot be read is left out.
///
/// # Errors
///
/// [`BusError`].
pub async fn groups(bus: &dyn Bus) -> Result<Vec<(String, Group)>, BusError> {
    let read = |entry: Entry| Some((entry.key, serde_json::from_slice(entry.value.as_deref()?).ok()?));
    let mut groups: Vec<_> = bus.all(Table::Slot).await?.into_iter().filter_map(read).collect();
    groups.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(groups)
}

/// Sets how many of a group may back up at once; none: any number. Fewer take effect as slots get free.
///
/// # Errors
///
/// [`BusError`].
pub async fn set_max(bus: &dyn Bus, group: &GuestName, max: Option<u32>) -> Result<Group, BusError> {
    let mut left = ATTEMPTS;
    loop {
        let entry = bus.get(Table::Slot, group.as_str()).await?;
        let expect = entry.as_ref().map_or(Expect::Nothing, |entry| Expect::Revision(entry.revision));
        let read = entry.and_then(|entry| serde_json::from_slice::<Group>(entry.value.as_deref()?).ok());
        // One that cannot be read holds everybody up.
        let state = Group { max, ..read.unwrap_or_default() };
        left -= 1;
        match write(bus, group, &state, expect).await {
            Err(BusError::Changed { .. }) if left > 0 => {}
            outcome => return outcome.map(|()| state),
        }
    }
}

async fn write(bus: &dyn Bus, name: &GuestName, group: &Group, expect: Expect) -> Result<(), BusError> {
    let value = serde_json::to_vec(group).unwrap_or_default();
    bus.put(Table::Slot, name.as_str(), value.into(), expect).await.map(drop)
}

/// How often it is tried anew where others change the same group.
const ATTEMPTS: u32 = 10;
/// Between two turns of a guest that waits or backs up.
pub const EVERY: Duration = Duration::from_secs(10);
/// A place that was not renewed for so long is free.
pub const GONE_AFTER: Duration = Duration::from_secs(60);
