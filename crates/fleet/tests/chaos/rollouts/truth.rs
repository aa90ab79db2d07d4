//! What guests really have, what is on the bus, and what must never be there.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_controller::clock::Monotonic;
use agentapi_fleet::bus::Table;
use agentapi_fleet::guest::TriedState;
use agentapi_fleet::rollout::{Rollout, RolloutState};
use agentapi_fleet::want::{ExtensionWish, Want};

pub(crate) const EXTENSION: &str = "watch";

#[derive(Default)]
pub(crate) struct Truth {
    /// By the guest's name.
    pub(crate) guests: BTreeMap<String, GuestTruth>,
    pub(crate) rollout: Option<Rollout>,
    /// By the ring: the digest that it is wished, by the latest wish.
    wished: BTreeMap<u8, Option<String>>,
    /// A coordinator has made sure that it may wish something, and has not done so yet.
    pub(crate) is_about_to_wish: bool,
    /// A person has stopped it, and was told that it is stopped.
    pub(crate) is_surely_stopped: bool,
    forgot: Option<Monotonic>,
    /// What is against a promise.
    pub(crate) wrong: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct GuestTruth {
    pub(crate) ring: u8,
    pub(crate) tried: Option<(ExtensionWish, TriedState)>,
    /// Since when the bus knows of it. Nobody waits for a guest that has not told of itself since the bus has forgotten all.
    known_since: Option<Monotonic>,
}

impl GuestTruth {
    pub(crate) fn new(ring: u8) -> Self {
        Self { ring, ..Self::default() }
    }
}

impl Truth {
    pub(crate) fn forgets(&mut self, now: Monotonic) {
        self.forgot = Some(now);
        self.rollout = None;
        self.guests.values_mut().for_each(|guest| guest.known_since = None);
        self.wished.clear();
    }

    /// The bus has taken a change.
    pub(crate) fn sees(&mut self, who: &str, table: Table, key: &str, value: &[u8], now: Monotonic) {
        let outcome = match table {
            Table::Rollout => self.sees_rollout(who, serde_json::from_slice(value).unwrap(), now),
            Table::Want => {
                let ring = key.strip_prefix("ring.").unwrap().parse().unwrap();
                self.sees_wish(ring, &serde_json::from_slice(value).unwrap(), now)
            }
            Table::Inventory => {
                self.guests.get_mut(key).unwrap().known_since.get_or_insert(now);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(what) = outcome {
            self.wrong.get_or_insert(format!("{what}, by {who} at {now:?}"));
        }
    }

    fn sees_rollout(&mut self, who: &str, new: Rollout, now: Monotonic) -> Result<(), String> {
        use RolloutState::{Done, RolledBack, RollingBack, Running, Stopped};

        let Some(old) = self.rollout.replace(new.clone()) else { return Ok(()) };
        if old.began != new.began {
            (self.is_surely_stopped, self.is_about_to_wish) = (false, false);
            return (!old.is_going_on())
                .then_some(())
                .ok_or_else(|| "a second one begins while one goes on".to_owned());
        }
        if (&old.state, old.reached) == (&new.state, new.reached) {
            // A coordinator makes sure that it is the one to wish something, and notes what it has wished.
            self.is_about_to_wish = old.wished == new.wished;
            return Ok(());
        }
        let is_person = who == "person";
        let is_allowed = match (&old.state, &new.state) {
            (_, RollingBack) | (Running, Stopped { .. }) if is_person => true,
            (Running, Running) => new.reached == old.reached + 1,
            (Running, Stopped { .. } | Done) | (RollingBack, RolledBack) => true,
            _ => false,
        };
        if !is_allowed {
            return Err(format!("{:?} becomes {:?} with {} rings reached", old.state, new.state, new.reached));
        }
        let has_to_be_good = match new.state {
            Running => &new.rings[..old.reached],
            Done => &new.rings[..],
            RolledBack => return self.is_as_before(&new, now),
            _ => &[],
        };
        let bad = self.guests.iter().find(|(_, guest)| {
            let is_good = guest.tried.as_ref().is_some_and(|(wish, state)| {
                wish.digest.as_ref() == Some(&new.digest) && wish.since == Some(new.began) && *state == TriedState::Good
            });
            let is_known = guest.known_since.is_some_and(|since| now.since(since) > ON_ITS_WAY);
            is_known && has_to_be_good.contains(&guest.ring) && !is_good
        });
        bad.map_or(Ok(()), |(name, guest)| Err(format!("it moves on although {name} has {:?}", guest.tried)))
    }

    fn is_as_before(&self, rollout: &Rollout, now: Monotonic) -> Result<(), String> {
        for ring in &rollout.rings[..rollout.reached] {
            let (wished, before) = (self.wished.get(ring).cloned().flatten(), rollout.before[ring].digest.clone());
            if wished != before && !self.has_just_forgotten(now) {
                return Err(format!("ring {ring} is wished {wished:?} after it was taken back, and not {before:?}"));
            }
        }
        Ok(())
    }

    fn has_just_forgotten(&self, now: Monotonic) -> bool {
        self.forgot.is_some_and(|forgot| now.since(forgot) < ON_ITS_WAY)
    }

    fn sees_wish(&mut self, ring: u8, want: &Want, now: Monotonic) -> Result<(), String> {
        let digest = want.extensions.get(EXTENSION).and_then(|wish| wish.digest.clone());
        self.is_about_to_wish = false;
        let before = self.wished.insert(ring, digest.clone()).flatten();
        if digest == before {
            return Ok(());
        }
        if self.has_just_forgotten(now) {
            // The bus has forgotten what would have told this one that it is late.
            return Ok(());
        }
        let Some(rollout) = &self.rollout else {
            return Err(format!("ring {ring} is wished something by no roll-out"));
        };
        let is_reached = rollout.rings[..rollout.reached].contains(&ring);
        let is_right = match rollout.state {
            RolloutState::Running | RolloutState::Done => digest.as_ref() == Some(&rollout.digest),
            // It may be on its way until the person has the answer.
            RolloutState::Stopped { .. } => digest.as_ref() == Some(&rollout.digest) && !self.is_surely_stopped,
            // What is on its way when a person takes it back is taken back as well.
            RolloutState::RollingBack => {
                digest == rollout.before[&ring].digest || digest.as_ref() == Some(&rollout.digest)
            }
            RolloutState::RolledBack => false,
        };
        let state = &rollout.state;
        (is_reached && is_right)
            .then_some(())
            .ok_or_else(|| format!("ring {ring} is wished {digest:?} while it is {state:?}"))
    }
}

/// What was read or sent before the bus has forgotten may come to something after that: a user stands still for three minutes.
const ON_ITS_WAY: Duration = Duration::from_secs(300);
