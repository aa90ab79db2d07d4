//! The spread of due times over guests: each has its own delay, which never changes, so that three hundred guests do not
//! ask the same host at two o'clock sharp.

use std::time::Duration;

/// The delay of a guest's schedule, in whole seconds up to and including `spread`.
pub(super) fn delay(spread: Duration, guest: &str, schedule: &str) -> Duration {
    // FNV-1a, with a byte that neither name holds between them. It must be the same in every version: a delay that changes
    // with an update could let a run be made twice or not at all that night.
    let bytes = guest.bytes().chain([0xff]).chain(schedule.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    // The low bits of FNV-1a follow the last bytes closely, and names of guests differ in those.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    Duration::from_secs(mixed % spread.as_secs().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_never_changes_and_guests_are_spread_evenly() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(delay(minutes(10), "guest-1", "backup"), Duration::from_secs(GUEST_1));
        assert_eq!(delay(Duration::ZERO, "guest-1", "backup"), Duration::ZERO);
        let mut counts = [0; 10];
        for guest in 0..1000 {
            let delay = delay(minutes(10), &format!("guest-{guest}"), "backup");
            assert!(delay <= minutes(10));
            counts[usize::try_from(delay.as_secs() / 60).unwrap().min(9)] += 1;
        }
        assert!(counts.iter().all(|count| (70..=130).contains(count)), "{counts:?}");
    }

    /// As it was when this test was written.
    const GUEST_1: u64 = 203;
}
