//! What runs beside a guest's controller: it dials the bus, tells what there is to tell, and tells the controller how it is
//! with the bus. Nothing of the controller waits for it.

mod events;
mod extensions;
mod inbox;
mod journal;
mod kept;
pub mod orders;
mod refusals;
mod shelf;
mod tell;
pub mod votes;
mod wishes;

use std::fmt::Display;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::config::fleet::LAST_RING;
use agentapi_controller::controller::Companion;
use agentapi_controller::link::Link;
use agentapi_host::error_chain;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::bus::{Bus, BusError};
use crate::guest::events::Uplink;
use crate::guest::extensions::Extensions;
use crate::guest::kept::Kept;
use crate::guest::orders::Orders;
use crate::guest::tell::{Place, tell};
use crate::guest::votes::Votes;
use crate::guest::wishes::Wishes;
use crate::name::GuestName;
use crate::slots::Slots;

pub use crate::guest::events::{LEFT_OUT, MAX_BEHIND, ToldEvent};
pub use crate::guest::extensions::{Tried, TriedState};
pub use crate::guest::inbox::{LookError, Source};

/// Dials the bus. Called again after a failure; one that was reached is found again by the connection itself.
pub type Dial = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arc<dyn Bus>, BusError>> + Send>> + Send + Sync>;

/// A guest's part in a fleet.
pub struct Guest {
    /// Its controller.
    pub companion: Companion,
    /// What it is by its own configuration.
    pub member: Member,
    /// The slots that the controller's backups wait for.
    pub slots: Slots,
    /// How the bus is dialled.
    pub dial: Dial,
}

/// What a guest is in its fleet, by its own configuration.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: GuestName,
    /// The host that it is on.
    pub host: GuestName,
    /// Its ring.
    pub ring: u8,
    /// The extensions that the fleet may change.
    pub extensions: Vec<String>,
    /// The file that says whose orders and votes are taken; none: nobody's are.
    pub allowed_signers: Option<PathBuf>,
}

impl Member {
    /// In the last ring, where the fleet changes no extension, and nobody gives orders.
    pub fn new(name: GuestName, host: GuestName) -> Self {
        Self { name, host, ring: LAST_RING, extensions: Vec::new(), allowed_signers: None }
    }
}

impl Guest {
    /// Works for ever: to be aborted at the end of the process, which loses nothing.
    pub async fn work(self) {
        let Self { companion, member, slots, dial } = self;
        let Member { name, host, ring, extensions, allowed_signers } = member;
        let wishes = Wishes::new(companion.clone(), name.clone(), ring, slots.clone());
        let wanted = wishes.wanted();
        let may_change = extensions.clone();
        let extensions = Extensions::new(companion.clone(), extensions, slots.bus(), wanted.clone());
        let place = Place { host, ring, slots: slots.clone(), may_change, wanted, tried: extensions.told() };
        // These go on without the bus, by what they remember.
        let mut tasks = JoinSet::new();
        tasks.spawn(wishes.work());
        tasks.spawn(extensions.work());
        tasks.spawn(follow_slots(companion.clone(), slots.clone()));
        let links = Links(companion.clone());
        let bus = reach(&companion, &name, &links, &dial).await;
        slots.connect(Arc::clone(&bus));
        tasks.spawn(tell(companion.clone(), Arc::clone(&bus), name.clone(), place, links));
        let source = || Source {
            companion: companion.clone(),
            bus: Arc::clone(&bus),
            name: name.clone(),
            allowed_signers: allowed_signers.clone(),
        };
        tasks.spawn(Orders::new(source()).work());
        tasks.spawn(Votes::new(source()).work());
        tasks.spawn(Uplink::new(companion, bus, name).work());
        while let Some(ended) = tasks.join_next().await {
            // The others go on: a guest that is seen less is better than one that does not back up.
            if let Err(why) = ended {
                tracing::error!(error = %why, "a part of the guest's work for its fleet has failed, until the next start");
            }
        }
    }
}

/// Dials until the bus is reached.
async fn reach(companion: &Companion, name: &GuestName, links: &Links, dial: &Dial) -> Arc<dyn Bus> {
    let mut pause = FIRST_PAUSE;
    loop {
        match dial().await {
            Ok(bus) => {
                links.connected();
                return bus;
            }
            Err(why) => links.lost(error_chain(&why)),
        }
        // Not with all the others that found it gone: their handshakes together take longer than the server waits.
        companion.clock.sleep(pause + name.part_of(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// How many slots a group has, as the guest has known it last.
#[derive(Default, Deserialize, Serialize)]
struct KnownSlots {
    group: String,
    max: Option<u32>,
}

/// Shows the slot of the backup, and remembers how many there are.
async fn follow_slots(companion: Companion, slots: Slots) {
    let kept = Kept::<KnownSlots>::new(companion.store.clone(), "slot-group");
    match kept.read().await {
        // Another group has a number of its own.
        Ok(known) => slots.remember(known.max.filter(|_| known.group == slots.group().as_str())),
        Err(why) => tracing::warn!(error = error_chain(&why), "how many slots there are is not known"),
    }
    let (mut slot, mut max) = (slots.slot(), slots.max());
    loop {
        tokio::select! {
            Ok(()) = slot.changed() => {
                let slot = slot.borrow_and_update().clone();
                companion.standing.send_modify(|standing| standing.slot = slot);
            }
            Ok(()) = max.changed() => {
                let known = KnownSlots { group: slots.group().to_string(), max: *max.borrow_and_update() };
                if let Err(why) = kept.change(move |kept| *kept = known, None).await {
                    tracing::warn!(error = error_chain(&why), "how many slots there are is not remembered");
                }
            }
        }
    }
}

/// Tells the controller how it is with the bus.
#[derive(Clone)]
struct Links(Companion);

impl Links {
    fn connected(&self) {
        let since = self.0.clock.now();
        self.0.link.send_if_modified(|link| {
            let is_new = !matches!(link, Link::Connected { .. });
            if is_new {
                *link = Link::Connected { since };
            }
            is_new
        });
    }

    /// The cause may change while it is lost; since when does not.
    fn lost(&self, why: impl Display) {
        let now = self.0.clock.now();
        self.0.link.send_modify(|link| {
            let since = if let Link::Lost { since, .. } = link { *since } else { now };
            *link = Link::Lost { since, why: why.to_string() };
        });
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A bus that comes back after a night is found within twice this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
