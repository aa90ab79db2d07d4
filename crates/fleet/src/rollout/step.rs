//! What comes next for a roll-out, by what the guests have told.

use agentapi_controller::config::fleet::LAST_RING;

use crate::guest::{Tried, TriedState};
use crate::name::GuestName;
use crate::overview::{GuestView, Overview};
use crate::rollout::{Rollout, RolloutState};

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To wait for these guests, which have not run it yet.
    Wait(Vec<GuestName>),
    /// To go on with the next ring.
    Next,
    /// Nothing: all guests of the last ring have run it.
    Done,
    /// To stop it, for this reason: it failed on some guest.
    Stop(String),
}

impl Rollout {
    /// The rings in which a guest lets the fleet change this extension.
    pub fn rings_with(overview: &Overview, extension: &str) -> Vec<u8> {
        (1..=LAST_RING).filter(|ring| in_ring(overview, *ring, extension).next().is_some()).collect()
    }

    /// What comes next, by what the guests have told.
    pub fn step(&self, overview: &Overview) -> Step {
        let reached = self.reached_rings();
        for (name, view) in reached.iter().flat_map(|ring| in_ring(overview, *ring, &self.extension)) {
            let Some(tried) = self.tried(view) else { continue };
            if let (TriedState::Failed | TriedState::Refused, why) = (tried.state, tried.why.as_deref()) {
                return Step::Stop(format!("{name}: {}", why.unwrap_or("it failed")));
            }
        }
        let Some(ring) = reached.last() else { return Step::Done };
        let is_good = |view: &GuestView| self.tried(view).is_some_and(|tried| tried.state == TriedState::Good);
        let waiting = in_ring(overview, *ring, &self.extension).filter(|(_, view)| !is_good(view));
        let waiting: Vec<_> = waiting.map(|(name, _)| name.clone()).collect();
        // It had guests when this began. Where it has none now, they have not told of themselves yet.
        let is_empty = in_ring(overview, *ring, &self.extension).next().is_none();
        match waiting.is_empty() && !is_empty {
            false => Step::Wait(waiting),
            true if self.reached < self.rings.len() => Step::Next,
            true => Step::Done,
        }
    }

    /// The guests of the latest ring that have not run it yet; none where it does not go on.
    pub fn waits_for(&self, overview: &Overview) -> Vec<GuestName> {
        match (&self.state, self.step(overview)) {
            (RolloutState::Running, Step::Wait(guests)) => guests,
            // What comes next, the coordinator that plans does in a moment.
            _ => Vec::new(),
        }
    }

    fn tried<'a>(&self, view: &'a GuestView) -> Option<&'a Tried> {
        let place = &view.inventory.as_ref()?.place;
        if self.wished.get(&place.ring).is_none_or(|number| place.seen.ring < *number) {
            return None;
        }
        let mut tried = place.extensions.iter();
        tried.find(|tried| {
            tried.name == self.extension
                && tried.digest.as_ref() == Some(&self.digest)
                && tried.since == Some(self.began)
        })
    }
}

/// The guests of a ring that have the extension and let the fleet change it.
fn in_ring<'a>(
    overview: &'a Overview,
    ring: u8,
    extension: &'a str,
) -> impl Iterator<Item = (&'a GuestName, &'a GuestView)> {
    overview.guests().filter(move |(_, view)| {
        let place = view.inventory.as_ref().map(|inventory| &inventory.place);
        place.is_some_and(|place| place.ring == ring && place.may_change.iter().any(|name| name == extension))
    })
}
