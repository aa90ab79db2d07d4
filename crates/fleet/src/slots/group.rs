//! The state of a group, and what a turn of one of its guests makes of it. Pure: a test can play any order of turns.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::GuestName;

/// A group of guests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many may back up at once; none: any number.
    pub max: Option<u32>,
    /// Those that do.
    #[serde(default)]
    pub holders: Vec<Place>,
    /// Those that wait, in the order in which they came.
    #[serde(default)]
    pub waiting: Vec<Place>,
}

/// One guest's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The guest.
    pub guest: GuestName,
    /// Since when, by the guest's clock: for people.
    pub since: Timestamp,
    /// Those with a greater one are let in sooner.
    pub priority: u8,
    /// Changes whenever the place is renewed.
    pub beat: u64,
}

/// What a guest is, after its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may back up, or goes on.
    Held,
    /// It waits.
    Waits {
        /// How many guests are before it.
        before: usize,
    },
}

impl Place {
    /// The place of a backup that asks, or goes on, from now on.
    pub fn new(guest: GuestName, since: Timestamp, priority: u8) -> Self {
        let mut place = Self { guest, since, priority, beat: 0 };
        place.beat = place.first_beat();
        place
    }

    /// Greater than each beat of an earlier backup of this guest, which had one every [`EVERY`](super::EVERY).
    fn first_beat(&self) -> u64 {
        u64::try_from(self.since.as_millisecond()).unwrap_or_default()
    }
}

impl Group {
    /// A guest that wants to back up takes its turn. Whoever `may_take` one that is free does, if nobody is before it.
    pub fn ask(&mut self, me: &Place, may_take: bool) -> Turn {
        // An earlier backup of this guest that has not left yet is over. Its slot is not inherited: others wait, and there may be
        // too many holders already.
        self.holders.retain(|place| place.guest != me.guest || place.beat >= me.first_beat());
        if let Some(held) = self.holders.iter_mut().find(|place| place.guest == me.guest) {
            held.beat = me.beat;
            return Turn::Held;
        }
        match self.waiting.iter_mut().find(|place| place.guest == me.guest) {
            Some(place) => (place.beat, place.priority) = (me.beat, me.priority),
            None => self.waiting.push(me.clone()),
        }
        let before = self.queue().iter().position(|place| place.guest == me.guest).unwrap_or_default();
        if !may_take || before >= self.free() {
            return Turn::Waits { before };
        }
        self.run(me);
        Turn::Held
    }

    /// A guest that backs up says so, whether there is a slot or not: it may have begun while the bus was gone.
    pub fn run(&mut self, me: &Place) {
        self.waiting.retain(|place| place.guest != me.guest);
        match self.holders.iter_mut().find(|place| place.guest == me.guest) {
            Some(held) => held.beat = me.beat,
            None => self.holders.push(me.clone()),
        }
    }

    /// Whether a guest has a place, as one that holds a slot or waits.
    pub fn has(&self, guest: &GuestName) -> bool {
        self.places().any(|place| place.guest == *guest)
    }

    /// A guest is gone.
    pub fn remove(&mut self, guest: &GuestName) {
        self.holders.retain(|place| place.guest != *guest);
        self.waiting.retain(|place| place.guest != *guest);
    }

    /// A guest's backup is done, or waits no more. Leaves the place of its next backup alone, which may be here already: that
    /// one began later, and so its beat is greater.
    pub fn leave(&mut self, me: &Place) {
        let stays = |place: &Place| place.guest != me.guest || place.beat > me.beat;
        self.holders.retain(stays);
        self.waiting.retain(stays);
    }

    /// All places.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.holders.iter().chain(&self.waiting)
    }

    /// Those that wait, the next one first.
    pub fn queue(&self) -> Vec<&Place> {
        let mut queue: Vec<_> = self.waiting.iter().collect();
        // Stable: of the same priority, who came first.
        queue.sort_by_key(|place| Reverse(place.priority));
        queue
    }

    fn free(&self) -> usize {
        let max = self.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        max.saturating_sub(self.holders.len())
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Group, Place, Turn};

    fn place(guest: &str, priority: u8) -> Place {
        Place { guest: guest.parse().unwrap(), since: Timestamp::UNIX_EPOCH, priority, beat: 1 }
    }

    fn of(max: u32) -> Group {
        Group { max: Some(max), ..Group::default() }
    }

    #[test]
    fn whoever_came_first_is_let_in_first_and_no_more_than_so_many_are() {
        let mut group = of(2);
        let places: Vec<_> = ["a", "b", "c", "d"].map(|guest| place(guest, 100)).into();
        for (number, place) in places.iter().enumerate() {
            assert_eq!(group.ask(place, false), Turn::Waits { before: number });
        }
        // The last one asks first, and is not let in before the others.
        let turns: Vec<_> = places.iter().rev().map(|place| group.ask(place, true)).collect();
        assert_eq!(turns, [Turn::Waits { before: 3 }, Turn::Waits { before: 2 }, Turn::Held, Turn::Held]);
        assert_eq!(group.ask(&places[2], true), Turn::Waits { before: 0 }, "both slots are taken");
        group.leave(&places[0]);
        assert_eq!(group.ask(&places[3], true), Turn::Waits { before: 1 });
        assert_eq!(group.ask(&places[2], true), Turn::Held);
        assert_eq!(group.holders.len(), 2);
    }

    #[test]
    fn a_greater_priority_is_let_in_sooner() {
        let mut group = of(1);
        for guest in [place("night", 100), place("person", 200)] {
            group.ask(&guest, false);
        }
        assert_eq!(group.ask(&place("night", 100), true), Turn::Waits { before: 1 });
        assert_eq!(group.ask(&place("person", 200), true), Turn::Held);
    }

    #[test]
    fn what_runs_is_counted_although_there_was_no_slot_and_holds_the_others_up() {
        let mut group = of(1);
        group.run(&place("a", 100));
        group.run(&place("b", 100));
        group.run(&place("b", 100));
        assert_eq!(group.holders.len(), 2);
        assert_eq!(group.ask(&place("c", 100), true), Turn::Waits { before: 0 });
        group.leave(&place("a", 100));
        assert_eq!(group.ask(&place("c", 100), true), Turn::Waits { before: 0 }, "one too many is gone, not two");
        group.leave(&place("b", 100));
        assert_eq!(group.ask(&place("c", 100), true), Turn::Held);
    }

    #[test]
    fn the_next_backup_of_a_guest_neither_inherits_a_slot_nor_loses_it_to_the_one_before() {
        let mut group = of(1);
        let first = place("a", 100);
        group.ask(&first, true);
        group.ask(&place("b", 100), true);
        let next = Place::new(first.guest.clone(), Timestamp::UNIX_EPOCH + SignedDuration::from_secs(600), 100);
        assert_eq!(group.ask(&next, true), Turn::Waits { before: 1 }, "another one waits for it");
        assert_eq!(group.ask(&place("b", 100), true), Turn::Held);
        group.leave(&place("b", 100));
        assert_eq!(group.ask(&next, true), Turn::Held);
        group.leave(&first);
        assert!(group.has(&first.guest), "the first one leaves late");
        group.leave(&next);
        assert!(!group.has(&first.guest));
    }

    #[test]
    fn a_smaller_number_takes_effect_as_slots_get_free_and_none_is_any_number() {
        let mut group = Group::default();
        for guest in ["a", "b", "c"] {
            assert_eq!(group.ask(&place(guest, 100), true), Turn::Held);
        }
        group.max = Some(1);
        assert_eq!(group.ask(&place("a", 100), true), Turn::Held, "nobody is put out");
        group.leave(&place("a", 100));
        assert_eq!(group.ask(&place("d", 100), true), Turn::Waits { before: 0 });
    }
}
