//! A roll-out brings an extension to the rings, one after the other: to the next ring only when its first run was done on all
//! guests of this one. Any failure stops it. What was decided about a roll-out is one key, changed by compare-and-set, so that
//! of two who decide at once one finds out; what the rings are wished follows from that key.

mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bus::{Bus, BusError, Expect, Table};
use crate::overview::Overview;
use crate::want::{Draft, ExtensionWish, Want, Whose, rewrite};

pub use step::Step;

/// A roll-out of one extension. The bus has the latest one of each extension: the next replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The extension.
    pub extension: String,
    /// SHA-256 of the bytes, in hex.
    pub digest: String,
    /// The rings through which it goes, in their order.
    pub rings: Vec<u8>,
    /// How many of these rings, from the first on, are wished the extension by now.
    pub reached: usize,
    /// What each ring was wished before.
    pub before: BTreeMap<u8, ExtensionWish>,
    /// The number of the wish by which each ring was given the extension, or was given back what it had before. A guest that
    /// has not taken a wish with this number speaks of an earlier roll-out, and what it says does not count.
    #[serde(default)]
    pub wished: BTreeMap<u8, u64>,
    /// How it is.
    pub state: RolloutState,
    /// When it began.
    pub began: Timestamp,
}

/// How a roll-out is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RolloutState {
    /// It goes on.
    Running,
    /// It was stopped, by a failure or by a person. The rings that have the extension keep it; a guest on which it failed uses what
    /// it used before.
    Stopped {
        /// Why.
        why: String,
    },
    /// All rings have it.
    Done,
    /// Somebody takes it back, and the rings are not yet wished again what they were wished before.
    RollingBack,
    /// The rings are wished again what they were wished before.
    RolledBack,
}

/// Why a roll-out cannot begin, or be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// The bus did not do it.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// One of this extension goes on.
    #[error("a roll-out of {0} goes on: `agentapi fleet rollout stop` ends it")]
    GoesOn(String),
    /// There is none.
    #[error("there is no roll-out of {0}: `agentapi fleet rollout status` lists them")]
    None(String),
    /// It goes on no more.
    #[error("the roll-out of {0} has ended: there is nothing to stop")]
    Ended(String),
    /// No guest of a ring lets the fleet change it, or has told the bus so.
    #[error("expected a guest in ring {ring} whose [fleet] extensions names {extension}, found none")]
    Nobody {
        /// The extension.
        extension: String,
        /// The ring.
        ring: u8,
    },
}

impl Rollout {
    /// Begins a roll-out of bytes that are on the bus already. This only writes it down: the coordinator does the rest.
    ///
    /// # Errors
    ///
    /// [`RolloutError`].
    pub async fn begin(
        bus: &dyn Bus,
        extension: &str,
        digest: String,
        rings: Vec<u8>,
        now: Timestamp,
    ) -> Result<Self, RolloutError> {
        let overview = Overview::read(bus).await?;
        let known = Self::rings_with(&overview, extension);
        if let Some(ring) = rings.iter().find(|ring| !known.contains(ring)) {
            return Err(RolloutError::Nobody { extension: extension.to_owned(), ring: *ring });
        }
        let found = Self::read(bus, extension).await?;
        let expect = match &found {
            Some((rollout, _)) if rollout.is_going_on() => return Err(RolloutError::GoesOn(extension.to_owned())),
            Some((_, revision)) => Expect::Revision(*revision),
            None => Expect::Nothing,
        };
        if let Some((stopped @ Self { state: RolloutState::Stopped { .. }, .. }, _)) = &found {
            stopped.fence(bus).await?;
        }
        let before = Self::before(bus, extension, &rings, found.map(|(earlier, _)| earlier)).await?;
        let (extension, reached, state) = (extension.to_owned(), 1, RolloutState::Running);
        let wished = BTreeMap::new();
        let rollout = Self { extension, digest, rings, reached, before, wished, state, began: now };
        rollout.write(bus, expect).await?;
        Ok(rollout)
    }

    /// What each ring is wished now, to go back to. Where the roll-out before this one was stopped, what it has wished has failed
    /// or was not wanted: then it is what was wished before that one.
    async fn before(
        bus: &dyn Bus,
        extension: &str,
        rings: &[u8],
        earlier: Option<Self>,
    ) -> Result<BTreeMap<u8, ExtensionWish>, BusError> {
        let mut before = BTreeMap::new();
        for ring in rings {
            let entry = bus.get(Table::Want, &Whose::Ring(*ring).key()).await?;
            let want = entry.and_then(|entry| Want::read(&entry).ok()).unwrap_or_default();
            before.insert(*ring, want.extensions.get(extension).cloned().unwrap_or_default());
        }
        if let Some(Self { state: RolloutState::Stopped { .. }, before: earlier, .. }) = earlier {
            before.extend(earlier.into_iter().filter(|(ring, _)| rings.contains(ring)));
        }
        Ok(before)
    }

    /// Writes down what a person has decided: that a roll-out stops, or is taken back.
    ///
    /// # Errors
    ///
    /// [`RolloutError`].
    pub async fn set(bus: &dyn Bus, extension: &str, state: RolloutState) -> Result<Self, RolloutError> {
        let found = Self::read(bus, extension).await?;
        let (mut rollout, revision) = found.ok_or_else(|| RolloutError::None(extension.to_owned()))?;
        if matches!(state, RolloutState::Stopped { .. }) && rollout.state != RolloutState::Running {
            return Err(RolloutError::Ended(extension.to_owned()));
        }
        rollout.state = state;
        if rollout.state == RolloutState::RollingBack {
            // All rings are wished something anew.
            rollout.wished.clear();
        }
        rollout.write(bus, Expect::Revision(revision)).await?;
        if matches!(rollout.state, RolloutState::Stopped { .. }) {
            rollout.fence(bus).await?;
        }
        Ok(rollout)
    }

    /// The latest roll-out of each extension, with the revision of its key.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub async fn all(bus: &dyn Bus) -> Result<Vec<(Self, u64)>, BusError> {
        let entries = bus.all(Table::Rollout).await?;
        let read = entries
            .into_iter()
            .filter_map(|entry| Some((serde_json::from_slice(entry.value.as_deref()?).ok()?, entry.revision)));
        Ok(read.collect())
    }

    async fn read(bus: &dyn Bus, extension: &str) -> Result<Option<(Self, u64)>, BusError> {
        let Some(entry) = bus.get(Table::Rollout, &key(extension)).await? else { return Ok(None) };
        let read = serde_json::from_slice(entry.value.as_deref().unwrap_or_default());
        let rollout = read.map_err(|why| BusError::Unusable(format!("the roll-out of {extension}: {why}")))?;
        Ok(Some((rollout, entry.revision)))
    }

    pub(crate) async fn write(&self, bus: &dyn Bus, expect: Expect) -> Result<u64, BusError> {
        let value = serde_json::to_vec(self).unwrap_or_default();
        bus.put(Table::Rollout, &key(&self.extension), value.into(), expect).await
    }

    /// Whether a coordinator has something to do for it.
    pub fn is_going_on(&self) -> bool {
        matches!(self.state, RolloutState::Running | RolloutState::RollingBack)
    }

    /// Makes the wishes of the rings what they are to be. Before one is changed, the roll-out is written once more as it is: a
    /// coordinator that has stood still since it read it, finds here that somebody has decided otherwise.
    ///
    /// # Errors
    ///
    /// [`BusError`]; [`BusError::Changed`] where it is not what is decided any more.
    pub async fn apply(&mut self, bus: &dyn Bus, overview: &Overview, revision: &mut u64) -> Result<(), BusError> {
        for ring in self.reached_rings().to_vec() {
            let wish = match self.state {
                RolloutState::RollingBack => self.before.get(&ring).cloned().unwrap_or_default(),
                _ => ExtensionWish { digest: Some(self.digest.clone()), since: Some(self.began) },
            };
            // Written in any case the first time: what other coordinators are about to write comes to nothing.
            let is_noted = self.wished.contains_key(&ring);
            let whose = Whose::Ring(ring);
            let (seen, mut draft) = (overview.seen(&whose), Draft::read(bus, &whose).await?);
            draft.want.extensions.insert(self.extension.clone(), wish);
            if is_noted && draft.is_as_before() && draft.want.number >= seen {
                continue;
            }
            // Between reading and writing: whoever decides otherwise after this writes the wish after this as well.
            *revision = self.write(bus, Expect::Revision(*revision)).await?;
            self.wished.insert(ring, draft.write(bus, seen).await?.number);
            *revision = self.write(bus, Expect::Revision(*revision)).await?;
        }
        Ok(())
    }

    /// Fences off a coordinator that stood still: writes the wish of each ring anew as it is, so that its compare-and-set, by
    /// the revision that it read before the stop, fails.
    async fn fence(&self, bus: &dyn Bus) -> Result<(), BusError> {
        let overview = Overview::read(bus).await?;
        for ring in self.reached_rings() {
            let whose = Whose::Ring(*ring);
            rewrite(bus, &whose, overview.seen(&whose)).await?;
        }
        Ok(())
    }

    /// The rings that are wished it, or were until it was taken back.
    pub fn reached_rings(&self) -> &[u8] {
        self.rings.get(..self.reached).unwrap_or(&self.rings)
    }
}

/// An extension's name may have dots, which a key of one token has not.
fn key(extension: &str) -> String {
    extension.replace('.', "=")
}

#[cfg(test)]
mod tests;
