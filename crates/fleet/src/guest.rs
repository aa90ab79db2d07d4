//! What runs beside a guest's controller: it dials the bus, tells what there is to tell, and tells the controller how it is
//! with the bus. Nothing of the controller waits for it.

mod events;
mod inbox;
mod journal;
pub mod orders;
mod refusals;
mod tell;
pub mod votes;

use std::fmt::Display;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::controller::Companion;
use agentapi_controller::link::Link;
use agentapi_host::error_chain;
use tokio::task::JoinSet;

use crate::bus::{Bus, BusError};
use crate::guest::events::Uplink;
use crate::guest::orders::Orders;
use crate::guest::tell::tell;
use crate::guest::votes::Votes;
use crate::name::GuestName;

pub use crate::guest::events::{LEFT_OUT, MAX_BEHIND, ToldEvent};
pub use crate::guest::inbox::{LookError, Source};

/// Dials the bus. Called again after a failure; one that was reached is found again by the connection itself.
pub type Dial = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arc<dyn Bus>, BusError>> + Send>> + Send + Sync>;

/// A guest's part in a fleet.
pub struct Guest {
    /// Its controller.
    pub companion: Companion,
    /// Its name.
    pub name: GuestName,
    /// The host that it is on.
    pub host: GuestName,
    /// The file that says whose orders and votes are taken; none: nobody's are.
    pub allowed_signers: Option<PathBuf>,
    /// How the bus is dialled.
    pub dial: Dial,
}

impl Guest {
    /// Works for ever: to be aborted at the end of the process, which loses nothing.
    pub async fn work(self) {
        let Self { companion, name, host, allowed_signers, dial } = self;
        let links = Links(companion.clone());
        let mut pause = FIRST_PAUSE;
        let bus = loop {
            match dial().await {
                Ok(bus) => break bus,
                Err(why) => links.lost(error_chain(&why)),
            }
            companion.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        links.connected();
        let mut tasks = JoinSet::new();
        tasks.spawn(tell(companion.clone(), Arc::clone(&bus), name.clone(), host, links.clone()));
        let source = || Source {
            companion: companion.clone(),
            bus: Arc::clone(&bus),
            name: name.clone(),
            allowed_signers: allowed_signers.clone(),
        };
        tasks.spawn(Orders::new(source()).work());
        tasks.spawn(Votes::new(source()).work());
        tasks.spawn(Uplink::new(companion, bus, name).work());
        while tasks.join_next().await.is_some() {}
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
/// A bus that comes back after a night is found within this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
