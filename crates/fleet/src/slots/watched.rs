//! Who renews their place, as one guest has seen it by its own monotonic clock.

use std::collections::BTreeMap;

use agentapi_controller::clock::Monotonic;

use crate::name::GuestName;
use crate::slots::{EVERY, GONE_AFTER, Place};

/// What was seen of the places of a group.
#[derive(Debug, Default)]
pub struct Watched {
    latest: Option<Monotonic>,
    beats: BTreeMap<GuestName, (u64, Monotonic)>,
}

impl Watched {
    /// Looks, and returns those that have not renewed their place for [`GONE_AFTER`].
    ///
    /// Only time in which this was called regularly counts. Who has not looked for a while, because the bus was gone or this
    /// machine stood still, knows nothing of the others: they may have had no bus either.
    pub fn gone<'a>(&mut self, now: Monotonic, places: impl Iterator<Item = &'a Place>) -> Vec<GuestName> {
        if self.latest.is_some_and(|latest| now.since(latest) > REGULAR * EVERY) {
            self.beats.clear();
        }
        self.latest = Some(now);
        let places: Vec<_> = places.collect();
        self.beats.retain(|guest, _| places.iter().any(|place| place.guest == *guest));
        let mut gone = Vec::new();
        for place in places {
            let seen = self.beats.entry(place.guest.clone()).or_insert((place.beat, now));
            if seen.0 != place.beat {
                *seen = (place.beat, now);
            } else if now.since(seen.1) >= GONE_AFTER {
                gone.push(place.guest.clone());
            }
        }
        gone
    }
}

/// Looks may be this many times as far apart as they should be.
const REGULAR: u32 = 3;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_controller::clock::Monotonic;
    use jiff::Timestamp;

    use super::Watched;
    use crate::slots::Place;

    fn place(guest: &str, beat: u64) -> Place {
        Place { guest: guest.parse().unwrap(), since: Timestamp::UNIX_EPOCH, priority: 100, beat }
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn who_does_not_renew_for_a_minute_is_gone() {
        let mut watched = Watched::default();
        for turn in 0..6 {
            let places = [place("lives", turn), place("dead", 7)];
            assert!(watched.gone(at(turn * 10), places.iter()).is_empty(), "after {turn} turns");
        }
        let gone = watched.gone(at(60), [place("lives", 6), place("dead", 7)].iter());
        assert_eq!(gone, ["dead".parse().unwrap()]);
    }

    #[test]
    fn time_in_which_nobody_looked_is_held_against_nobody() {
        let mut watched = Watched::default();
        assert!(watched.gone(at(0), [place("a", 1)].iter()).is_empty());
        assert!(watched.gone(at(600), [place("a", 1)].iter()).is_empty(), "the bus was gone for both");
        for turn in 1..6 {
            assert!(watched.gone(at(600 + turn * 10), [place("a", 1)].iter()).is_empty());
        }
        assert_eq!(watched.gone(at(660), [place("a", 1)].iter()).len(), 1);
    }
}
