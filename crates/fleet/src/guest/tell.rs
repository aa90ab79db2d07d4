//! Tells the bus that the guest lives, and what there is to know of it.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::controller::Companion;
use agentapi_host::error_chain;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::bus::{Bus, BusError, Expect, Table};
use crate::guest::Links;
use crate::guest::extensions::Tried;
use crate::guest::wishes::Wanted;
use crate::heartbeat::{EVERY, Heartbeat};
use crate::inventory::{Inventory, PlaceView, Seen};
use crate::name::GuestName;
use crate::slots::Slots;

/// What a guest is in its fleet.
pub(super) struct Place {
    pub(super) host: GuestName,
    pub(super) ring: u8,
    pub(super) slots: Slots,
    pub(super) may_change: Vec<String>,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) tried: watch::Receiver<Vec<Tried>>,
}

impl Place {
    fn view(&self) -> PlaceView {
        let wanted = self.wanted.borrow();
        PlaceView {
            host: self.host.to_string(),
            ring: self.ring,
            slots: self.slots.group().to_string(),
            seen: Seen { own: wanted.own.number, ring: wanted.ring.number },
            may_change: self.may_change.clone(),
            extensions: self.tried.borrow().clone(),
        }
    }
}

/// Which inventory the bus has been given.
struct Told {
    digest: String,
    at: Timestamp,
    /// The number of the connection over which it was given: after another one, the bus may have forgotten it.
    connections: u64,
}

/// Tells for ever. The inventory goes first, so that whoever sees the heartbeat finds what it speaks of.
pub(super) async fn tell(companion: Companion, bus: Arc<dyn Bus>, name: GuestName, mut place: Place, links: Links) {
    let started = companion.clock.now();
    let (mut told, mut changes) = (None, companion.clone());
    // Those that start together, after a failure of their host, do not tell together for ever.
    companion.clock.sleep(name.part_of(EVERY)).await;
    loop {
        match tell_once(&companion, bus.as_ref(), &name, &place, started, &mut told).await {
            Ok(()) => {
                links.connected();
                wait_for_news(&mut changes, &mut place).await;
            }
            Err(why) => {
                told = None;
                links.lost(error_chain(&why));
                companion.clock.sleep(RETRY + name.part_of(RETRY)).await;
            }
        }
    }
}

/// Waits until the next heartbeat is due, or a moment after something has changed: what a person sees of the fleet is not to
/// be a heartbeat behind, and a run that begins changes several things at once.
async fn wait_for_news(companion: &mut Companion, place: &mut Place) {
    let clock = Arc::clone(&companion.clock);
    let Companion { status, findings, approvals, .. } = companion;
    tokio::select! {
        () = clock.sleep(EVERY) => return,
        true = status.changed() => {}
        Ok(()) = findings.changed() => {}
        Ok(()) = approvals.changed() => {}
        Ok(()) = place.wanted.changed() => {}
        Ok(()) = place.tried.changed() => {}
    }
    clock.sleep(SETTLING).await;
    // All that has changed by now is told by the next inventory.
    status.mark_unchanged();
    findings.mark_unchanged();
    approvals.mark_unchanged();
    place.wanted.mark_unchanged();
    place.tried.mark_unchanged();
}

async fn tell_once(
    companion: &Companion,
    bus: &dyn Bus,
    name: &GuestName,
    place: &Place,
    started: Timestamp,
    told: &mut Option<Told>,
) -> Result<(), BusError> {
    let inventory = Inventory::of(companion, &place.view());
    let (digest, now, connections) = (inventory.digest(), companion.clock.now(), bus.connections());
    let is_known = told.as_ref().is_some_and(|told| {
        told.digest == digest
            && told.connections == connections
            && now.duration_since(told.at).unsigned_abs() < INVENTORY_EVERY
    });
    if !is_known {
        match place.slots.agree(bus).await {
            // A backup of this guest waits for it, and says so: the rest is told all the same.
            Err(why @ BusError::Unusable(_)) => tracing::debug!(error = error_chain(&why), "the slots are not known"),
            outcome => outcome?,
        }
        bus.put(Table::Inventory, name.as_str(), json(&inventory), Expect::Anything).await?;
        *told = Some(Told { digest: digest.clone(), at: now, connections });
    }
    let heartbeat = Heartbeat { started, sent: now, inventory: digest };
    bus.put(Table::Heartbeat, name.as_str(), json(&heartbeat), Expect::Anything).await.map(drop)
}

fn json(value: &impl serde::Serialize) -> Bytes {
    // All of ours have texts as keys, and so can be written.
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// The inventory is sent this often even where nothing has changed, for a bus that has forgotten it unnoticed.
const INVENTORY_EVERY: Duration = Duration::from_secs(10 * 60);
/// After a failure, and up to as long again. Without a connection it costs nothing; and a heartbeat later would be the minute in
/// which the overview is to be right again.
const RETRY: Duration = Duration::from_secs(5);
/// Least time between two inventories, however often something changes.
const SETTLING: Duration = Duration::from_secs(1);
