//! What goes wrong in a year, and when.

use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;

use super::{DAY, HOUR, YEAR};
use crate::clock::Monotonic;

/// Something that happens in the world.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The agent answers nothing any more; whether it does what it is asked nevertheless.
    Away { acts: bool },
    /// It answers again.
    Back,
    /// It presents another certificate.
    OtherCertificate,
    /// Somebody has compared the fingerprints, and starts the controller with the new one.
    Trusted,
    /// The wall clock is set.
    Jump(SignedDuration),
    /// The disk is full.
    Full,
    /// There is space again.
    Space,
}

/// What is wrong now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InForce {
    pub(super) is_away: bool,
    pub(super) is_stranger: bool,
    pub(super) is_full: bool,
}

impl InForce {
    pub(super) fn is_any(self) -> bool {
        self.is_away || self.is_stranger || self.is_full
    }

    pub(super) fn take(&mut self, fault: Fault) {
        match fault {
            Fault::Away { .. } => self.is_away = true,
            Fault::Back => self.is_away = false,
            Fault::OtherCertificate => self.is_stranger = true,
            Fault::Trusted => self.is_stranger = false,
            Fault::Full => self.is_full = true,
            Fault::Space => self.is_full = false,
            Fault::Jump(_) => {}
        }
    }
}

/// All of them, in their order.
pub(super) fn faults(random: &mut Rng) -> Vec<(Monotonic, Fault)> {
    let mut faults = Vec::new();
    let mut add = |at: Duration, fault| faults.push((Monotonic::default() + at, fault));
    for _ in 0..14 {
        let (at, lasts) = (within(random, YEAR), within(random, 60 * HOUR));
        add(at, Fault::Away { acts: random.bool() });
        add(at + lasts, Fault::Back);
    }
    // One after the other: whom nobody trusts yet does not change again.
    for number in 0..3 {
        let at = YEAR / 3 * number + within(random, YEAR / 3 - 10 * DAY);
        add(at, Fault::OtherCertificate);
        add(at + within(random, 5 * DAY), Fault::Trusted);
    }
    for _ in 0..10 {
        let minutes = random.i64(-180..180);
        add(within(random, YEAR), Fault::Jump(SignedDuration::from_mins(minutes)));
    }
    for _ in 0..6 {
        let (at, lasts) = (within(random, YEAR), within(random, 40 * HOUR));
        add(at, Fault::Full);
        add(at + lasts, Fault::Space);
    }
    faults.sort_by_key(|(at, _)| *at);
    faults
}

/// To the minute.
pub(super) fn within(random: &mut Rng, length: Duration) -> Duration {
    Duration::from_secs(60 * random.u64(0..=length.as_secs() / 60))
}
