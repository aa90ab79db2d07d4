//! A guest of a fleet: a real controller, and its part in the fleet beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use agentapi_controller::action::Action;
use agentapi_controller::actor::Actor;
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::link::Link;
use agentapi_fleet::bus::{Bus, Start};
use agentapi_fleet::guest::{Member, ToldEvent};
use agentapi_fleet::heartbeat::Life;
use agentapi_fleet::nats::{Access, NatsBus};
use agentapi_fleet::overview::{GuestView, Overview};
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::controller::{Machine, Running};
use crate::server::dial;

pub(crate) struct Joined {
    pub(crate) name: String,
    running: Running,
    guest: JoinHandle<()>,
    machine: Machine,
}

impl Joined {
    pub(crate) async fn start(access: Access) -> Self {
        let machine = Machine::new().await;
        let running = machine.start().await;
        let name = access.user.clone();
        let guest = running.join(Member::new(name.parse().unwrap(), "pve1".parse().unwrap()), dial(access));
        Self { name, running, guest, machine }
    }

    /// Makes a backup, bus or no bus.
    pub(crate) async fn back_up(&self) {
        let before = self.machine.agent.change(|state| state.backup.started());
        let run = Action::RunNow { subject: "backup".into() };
        self.running.companion.actions.ask(run, Actor::Controller).await.unwrap();
        self.running.be_idle().await;
        assert_eq!(self.machine.agent.change(|state| state.backup.started()), before + 1, "{}", self.name);
    }

    pub(crate) fn link(&self) -> Link {
        self.running.companion.link.borrow().clone()
    }

    pub(crate) async fn life(&self, bus: &NatsBus) -> Option<Life> {
        Some(self.view(bus).await?.life(SystemClock.now()))
    }

    /// What the overview shows of it.
    async fn view(&self, bus: &NatsBus) -> Option<GuestView> {
        // Each look makes consumers on the server, which it forgets only some seconds later, and takes so many at most.
        tokio::time::sleep(BETWEEN_LOOKS).await;
        Overview::read(bus).await.ok()?.guest(&self.name.parse().unwrap()).cloned()
    }

    /// Whether the overview shows it alive, and as it is now.
    pub(crate) async fn is_right(&self, bus: &NatsBus) -> bool {
        let status = self.running.companion.status.get();
        let last_backup = status.subjects.iter().find(|subject| subject.name == "backup").unwrap().last_success;
        self.view(bus).await.is_some_and(|view| {
            view.life(SystemClock.now()) == Life::Alive && view.inventory.is_some() && view.last_backup() == last_backup
        })
    }

    /// Whether the bus has each of its events after this one, once.
    pub(crate) async fn is_told_once_after(&self, number: i64, bus: &NatsBus) -> bool {
        let Ok(mut records) = bus.follow(Start::After(0)).await else { return false };
        let mut told = Vec::new();
        while let Ok(Some(record)) = timeout(QUIET, records.next()).await {
            let record = record.unwrap();
            if record.guest.as_str() == self.name {
                told.push(serde_json::from_slice::<ToldEvent>(&record.payload).unwrap().number);
            }
        }
        let once: BTreeSet<_> = told.iter().copied().collect();
        assert_eq!(once.len(), told.len(), "{} has told some twice: {told:?}", self.name);
        let events = self.running.companion.store.reader().events_after(number, 1000).await.unwrap();
        events.iter().all(|event| once.contains(&event.number))
    }

    pub(crate) async fn newest_event(&self) -> i64 {
        self.running.companion.store.reader().event_numbers().await.unwrap().map_or(0, |(_, newest)| newest)
    }

    pub(crate) async fn end(self) {
        self.guest.abort();
        self.running.end().await;
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// What is in the log comes without a pause of this.
const QUIET: Duration = Duration::from_secs(2);
