//! One backup's stay in its group: it waits, is let in, renews its place, and leaves.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::clock::Monotonic;
use agentapi_controller::schedule::period_text;
use agentapi_controller::standing::Slot;
use agentapi_host::error_chain;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::bus::{Bus, BusError, Expect, Table};
use crate::slots::gate::{Shared, WithoutBus};
use crate::slots::{ATTEMPTS, EVERY, Group, Place, Turn, Watched};

pub(super) struct Stay {
    shared: Arc<Shared>,
    place: Place,
    /// Told when it is let in; none once it was.
    waits: Option<oneshot::Sender<()>>,
    began: Monotonic,
    since: Timestamp,
    turns: u32,
    /// Since when the bus has not answered.
    lost: Option<Monotonic>,
    watched: Watched,
}

/// What a turn came to.
enum Seen {
    /// Slots are not counted in this group.
    Uncounted,
    Held,
    Waits {
        before: usize,
        holders: Vec<String>,
    },
}

impl Stay {
    pub(super) fn new(shared: Arc<Shared>, priority: u8, waits: Option<oneshot::Sender<()>>) -> Self {
        let (began, since) = (shared.clock.monotonic(), shared.clock.now());
        // Not the same as that of an earlier stay, which a guest that watches may have seen.
        let beat = u64::try_from(since.as_millisecond()).unwrap_or_default();
        let place = Place { guest: shared.config.guest.clone(), since, priority, beat };
        Self { shared, place, waits, began, since, turns: 0, lost: None, watched: Watched::default() }
    }

    pub(super) async fn stay(mut self, stop: CancellationToken) {
        loop {
            let seen = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                seen = self.turn() => seen,
            };
            self.take(seen);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.shared.clock.sleep(EVERY) => {}
            }
        }
        self.shared.slot.send_replace(None);
        self.leave().await;
    }

    async fn turn(&mut self) -> Result<Seen, BusError> {
        let bus = self.shared.bus.borrow().clone();
        let bus = bus.ok_or_else(|| BusError::Unreachable("it was not reached yet".into()))?;
        self.turns += 1;
        self.place.beat += 1;
        let mut left = ATTEMPTS;
        loop {
            let (mut group, expect) = match self.read(bus.as_ref()).await? {
                Some(read) => read,
                None => return Ok(Seen::Uncounted),
            };
            self.shared.max.send_if_modified(|max| std::mem::replace(max, group.max) != group.max);
            for guest in self.watched.gone(self.shared.clock.monotonic(), group.places()) {
                group.leave(&guest);
            }
            let seen = self.change(&mut group);
            left -= 1;
            match self.write(bus.as_ref(), &group, expect).await {
                Err(BusError::Changed { .. }) if left > 0 => {}
                outcome => return outcome.map(|()| seen),
            }
        }
    }

    fn change(&mut self, group: &mut Group) -> Seen {
        if self.waits.is_none() {
            group.run(&self.place);
            return Seen::Held;
        }
        // Not at the first turn: where the bus has forgotten the group, those that back up say so within one.
        match group.ask(&self.place, self.turns > 1 || group.max.is_none()) {
            Turn::Held => Seen::Held,
            Turn::Waits { before } => {
                let holders = group.holders.iter().map(|place| place.guest.to_string()).collect();
                Seen::Waits { before, holders }
            }
        }
    }

    fn take(&mut self, seen: Result<Seen, BusError>) {
        let (now, monotonic) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let slot = match seen {
            Ok(seen) => {
                self.lost = None;
                match seen {
                    Seen::Uncounted => None,
                    Seen::Held => Some(Slot::Held { since: now }),
                    Seen::Waits { before, holders } => Some(Slot::Waiting { since: self.since, before, holders }),
                }
            }
            Err(why) => {
                self.watched = Watched::default();
                if self.shared.max.borrow().is_none() {
                    // As far as this guest has ever known, nobody counts.
                    return self.let_in(None);
                }
                let lost = *self.lost.get_or_insert(monotonic);
                let runs = self.shared.config.without_bus == WithoutBus::Run
                    && monotonic.since(lost) >= PATIENCE + self.place.guest.part_of(SPREAD);
                match runs && self.waits.is_some() {
                    true => Some(Slot::Without { since: now, why: error_chain(&why) }),
                    false => Some(Slot::Waiting { since: self.since, before: 0, holders: Vec::new() }),
                }
            }
        };
        let longest = self.shared.config.longest_wait;
        let slot = match slot {
            Some(Slot::Waiting { .. }) if monotonic.since(self.began) >= longest => {
                Some(Slot::Without { since: now, why: format!("it has waited for {}", period_text(longest)) })
            }
            slot => slot,
        };
        match slot {
            Some(slot @ Slot::Waiting { .. }) if self.waits.is_some() => {
                drop(self.shared.slot.send_replace(Some(slot)))
            }
            // It runs, and the bus is gone meanwhile.
            Some(Slot::Waiting { .. }) => {}
            slot => self.let_in(slot),
        }
    }

    fn let_in(&mut self, slot: Option<Slot>) {
        let Some(waits) = self.waits.take() else {
            // It goes on since an earlier controller.
            self.shared.slot.send_if_modified(|shown| {
                let is_new = shown.is_none() && slot.is_some();
                if is_new {
                    *shown = slot;
                }
                is_new
            });
            return;
        };
        if let Some(Slot::Without { why, .. }) = &slot {
            tracing::warn!(why, "a backup runs without a slot");
        }
        self.shared.slot.send_replace(slot);
        // Nobody waits where the run was stopped.
        let _ = waits.send(());
    }

    /// Gives the place back. One that cannot be given back is free a minute later.
    async fn leave(&mut self) {
        let Some(bus) = self.shared.bus.borrow().clone() else { return };
        for _ in 0..ATTEMPTS {
            let Ok(Some((mut group, expect))) = self.read(bus.as_ref()).await else { return };
            if group.places().all(|place| place.guest != self.place.guest) {
                return;
            }
            group.leave(&self.place.guest);
            match self.write(bus.as_ref(), &group, expect).await {
                Err(BusError::Changed { .. }) => {}
                _ => return,
            }
        }
    }

    /// The group, as it is or as the bus has forgotten it; none where nobody counts.
    async fn read(&self, bus: &dyn Bus) -> Result<Option<(Group, Expect)>, BusError> {
        let Some(entry) = bus.get(Table::Slot, self.shared.config.group.as_str()).await? else {
            let max = *self.shared.max.borrow();
            return Ok(max.map(|max| (Group { max: Some(max), ..Group::default() }, Expect::Nothing)));
        };
        let group = serde_json::from_slice(entry.value.as_deref().unwrap_or_default());
        let group = group.map_err(|why| {
            BusError::Unusable(format!("the slots of {} cannot be read: {why}", self.shared.config.group))
        })?;
        Ok(Some((group, Expect::Revision(entry.revision))))
    }

    async fn write(&self, bus: &dyn Bus, group: &Group, expect: Expect) -> Result<(), BusError> {
        let value = serde_json::to_vec(group).unwrap_or_default();
        bus.put(Table::Slot, self.shared.config.group.as_str(), value.into(), expect).await.map(drop)
    }
}

/// A bus that is gone is waited for at least so long: more than a server needs that is started again.
const PATIENCE: Duration = Duration::from_secs(60);
/// And by the guest's name up to so much longer, so that the guests of a host do not begin together.
const SPREAD: Duration = Duration::from_secs(600);
