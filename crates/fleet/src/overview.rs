//! What is seen of all guests, from what they have told the bus.

mod row;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::bus::{Bus, BusError, Entry, Table};
use crate::heartbeat::{Heartbeat, Life};
use crate::inventory::{Inventory, PlaceView};
use crate::name::GuestName;
use crate::vote::{RequestError, WipeRequest};
use crate::want::Whose;

/// All guests that the bus knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    guests: BTreeMap<GuestName, GuestView>,
}

/// One guest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GuestView {
    /// When the bus took its latest heartbeat.
    pub heard: Option<Timestamp>,
    /// The latest heartbeat.
    pub heartbeat: Option<Heartbeat>,
    /// What it said of itself, and when the bus took that.
    pub inventory: Option<Inventory>,
    /// When the bus took the inventory.
    pub inventory_at: Option<Timestamp>,
}

impl Overview {
    /// As the bus has it now.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub async fn read(bus: &dyn Bus) -> Result<Self, BusError> {
        let mut overview = Self::default();
        for table in [Table::Heartbeat, Table::Inventory] {
            for entry in bus.all(table).await? {
                overview.apply(table, &entry);
            }
        }
        Ok(overview)
    }

    /// Takes up a change. What is no guest's, or cannot be read, is left out.
    pub fn apply(&mut self, table: Table, entry: &Entry) {
        let Ok(name) = entry.key.parse::<GuestName>() else { return };
        let view = self.guests.entry(name).or_default();
        let value = entry.value.as_deref().unwrap_or_default();
        match table {
            Table::Heartbeat => {
                (view.heard, view.heartbeat) = (Some(entry.at), serde_json::from_slice(value).ok());
            }
            Table::Inventory => {
                (view.inventory_at, view.inventory) = (Some(entry.at), serde_json::from_slice(value).ok());
            }
            _ => {}
        }
    }

    /// The guests in the order of their names.
    pub fn guests(&self) -> impl Iterator<Item = (&GuestName, &GuestView)> {
        self.guests.iter()
    }

    /// The wipes that wait for a person, with the guest that asks. One whose digest is not that of what it shows is not to be
    /// signed: somebody has changed it.
    pub fn requests(&self) -> impl Iterator<Item = (&GuestName, Result<WipeRequest, RequestError>)> {
        self.guests.iter().flat_map(|(name, view)| {
            let waiting = view.inventory.iter().flat_map(|inventory| &inventory.approvals);
            waiting.map(move |value| (name, WipeRequest::read(name.clone(), value)))
        })
    }

    /// The guests that a wish is for.
    pub fn of_whom<'a>(&'a self, whose: &'a Whose) -> impl Iterator<Item = &'a PlaceView> {
        let places = self.guests.iter().filter_map(|(name, view)| Some((name, &view.inventory.as_ref()?.place)));
        let is_meant = move |(name, place): &(&GuestName, &PlaceView)| match whose {
            Whose::Guest(guest) => guest == *name,
            Whose::Ring(ring) => *ring == place.ring,
        };
        places.filter(is_meant).map(|(_, place)| place)
    }

    /// The greatest number of a wish that a guest has in force.
    pub fn seen(&self, whose: &Whose) -> u64 {
        self.of_whom(whose).map(|place| place.seen_of(whose)).max().unwrap_or_default()
    }

    /// One guest.
    pub fn guest(&self, name: &GuestName) -> Option<&GuestView> {
        self.guests.get(name)
    }
}

impl GuestView {
    /// Whether it lives.
    pub fn life(&self, now: Timestamp) -> Life {
        Life::from_heartbeat(self.heard, now)
    }

    /// How far its clock is ahead of the bus's, to some seconds. A window and an expiry on a guest are by its own clock.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        Some(self.heartbeat.as_ref()?.sent.duration_since(self.heard?))
    }

    /// The same, where it is further than two machines are apart that ask the time of the same servers.
    pub fn clock_error(&self) -> Option<SignedDuration> {
        self.clock_ahead().filter(|ahead| ahead.abs() > MAX_CLOCK_ERROR)
    }

    /// When its latest good backup ended; none where it makes none, or never did.
    pub fn last_backup(&self) -> Option<Timestamp> {
        self.inventory.as_ref()?.subject("backup")?.last_success
    }
}

const MAX_CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(30);
