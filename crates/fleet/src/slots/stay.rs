//! One backup's stay in its group: it waits, is let in, renews its place at each turn, and leaves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use agentapi_controller::clock::Monotonic;
use agentapi_controller::schedule::period_text;
use agentapi_controller::standing::Slot;
use agentapi_host::error_chain;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::bus::BusError;
use crate::slots::gate::{Shared, WithoutBus};
use crate::slots::{ATTEMPTS, EVERY, Group, Place, Turn, Watched};

/// A backup that waits for a slot or has one. Its task takes a turn every [`EVERY`].
pub(super) struct Stay {
    shared: Arc<Shared>,
    place: Place,
    /// Whom to tell when the backup may begin; none once that was told, or where it goes on since an earlier controller.
    waits: Option<oneshot::Sender<()>>,
    began: Monotonic,
    since: Timestamp,
    /// Since when the bus has not answered.
    lost: Option<Monotonic>,
    watched: Watched,
}

/// What a turn on the bus has shown.
enum Seen {
    /// Slots are not counted in this group.
    Uncounted,
    /// It has a slot.
    Held,
    /// It waits, with so many guests before it, for the slots of these.
    Waits { before: usize, holders: Vec<String> },
}

impl Stay {
    pub(super) fn new(shared: Arc<Shared>, priority: u8, waits: Option<oneshot::Sender<()>>) -> Self {
        let (began, since) = (shared.clock.monotonic(), shared.clock.now());
        let place = Place::new(shared.config.guest.clone(), since, priority);
        Self { shared, place, waits, began, since, lost: None, watched: Watched::default() }
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
        self.place.beat += 1;
        let mut left = ATTEMPTS;
        loop {
            let Some((mut group, expect)) = self.shared.read(bus.as_ref()).await? else { return Ok(Seen::Uncounted) };
            for guest in self.watched.gone(self.shared.clock.monotonic(), group.places()) {
                group.remove(&guest);
            }
            let seen = self.change(&mut group);
            left -= 1;
            match self.shared.write(bus.as_ref(), &group, expect).await {
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
        // Not at the turn that gives it a place: where the bus has forgotten the group, those that back up say so within one.
        let is_known = group.has(&self.place.guest);
        match group.ask(&self.place, is_known || group.max.is_none()) {
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
                let lost = *self.lost.get_or_insert(monotonic);
                let patience = self.patience();
                match patience.is_some_and(|patience| monotonic.since(lost) >= patience) && self.waits.is_some() {
                    true if self.shared.max.borrow().is_none() => None,
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

    /// How long the bus may be gone before the backup runs without a slot; none where only `longest_wait` ends the wait.
    fn patience(&self) -> Option<Duration> {
        let shared = &self.shared;
        if shared.max.borrow().is_some() {
            let runs = shared.config.without_bus == WithoutBus::Run;
            return runs.then(|| PATIENCE + self.place.guest.part_of(SPREAD));
        }
        let is_known = shared.is_known.load(Ordering::Relaxed);
        // A guest that has never heard how many slots there are runs at once, unless it may still hear of it: one request that
        // fails does not say that slots are not counted.
        let may_learn = shared.awaits_memory.load(Ordering::Relaxed) || (!is_known && shared.bus.borrow().is_some());
        Some(if may_learn { PATIENCE } else { Duration::ZERO })
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
            let Ok(Some((mut group, expect))) = self.shared.read(bus.as_ref()).await else { return };
            let before = group.clone();
            group.leave(&self.place);
            if group == before {
                return;
            }
            match self.shared.write(bus.as_ref(), &group, expect).await {
                Err(BusError::Changed { .. }) => {}
                _ => return,
            }
        }
    }
}

/// A bus that is gone is waited for at least so long: more than a server needs that is started again.
const PATIENCE: Duration = Duration::from_secs(60);
/// And by the guest's name up to so much longer, so that the guests of a host do not begin together.
const SPREAD: Duration = Duration::from_secs(600);
