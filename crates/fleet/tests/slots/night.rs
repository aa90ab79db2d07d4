//! Guests that all want to back up at once, for ten minutes each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_controller::clock::{Clock, VirtualClock};
use agentapi_controller::gate::{Entering, Gate};
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::slots::{Group, Slots, SlotsConfig, WithoutBus};
use jiff::Timestamp;
use tokio::task::AbortHandle;

/// Guests are on these in turn.
pub(crate) const HOSTS: usize = 25;
/// Of each host at once.
pub(crate) const MAX: usize = 4;
const BACKUP: Duration = Duration::from_secs(600);
const BEGIN: &str = "2026-11-27T02:00:00Z";

pub(crate) struct Night {
    pub(crate) bus: MemoryBus,
    clock: VirtualClock,
    log: Arc<Mutex<Vec<Line>>>,
    guests: BTreeMap<String, Guest>,
}

struct Guest {
    host: String,
    slots: Slots,
    task: AbortHandle,
}

/// A guest has begun, or is done.
struct Line {
    guest: String,
    host: String,
    at: Timestamp,
    begins: bool,
}

/// What was seen of a night.
pub(crate) struct Seen {
    pub(crate) done: usize,
    pub(crate) most_at_once: usize,
    pub(crate) longest_wait: Duration,
    pub(crate) in_their_order: bool,
}

impl Night {
    /// All guests come within two minutes, in the order of their numbers.
    pub(crate) async fn begin(guests: usize, without_bus: WithoutBus) -> Self {
        let clock = VirtualClock::new(BEGIN.parse().unwrap());
        let bus = MemoryBus::new(Arc::new(clock.clone()));
        let limited = serde_json::to_vec(&Group { max: Some(MAX as u32), ..Group::default() }).unwrap();
        for host in 0..HOSTS {
            bus.put(Table::Slot, &format!("h{host}"), limited.clone().into(), Expect::Nothing).await.unwrap();
        }
        let mut night = Self { bus, clock, log: Arc::default(), guests: BTreeMap::new() };
        for number in 0..guests {
            night.spawn(number, without_bus);
        }
        night
    }

    fn spawn(&mut self, number: usize, without_bus: WithoutBus) {
        let (guest, host) = (format!("g{number}"), format!("h{}", number % HOSTS));
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let config = SlotsConfig {
            guest: guest.parse().unwrap(),
            group: host.parse().unwrap(),
            without_bus,
            longest_wait: 6 * Duration::from_secs(3600),
        };
        let slots = Slots::new(config, Arc::clone(&clock));
        slots.connect(Arc::new(self.bus.clone()));
        let (log, name, its_host, gate) = (Arc::clone(&self.log), guest.clone(), host.clone(), slots.clone());
        let task = tokio::spawn(async move {
            clock.sleep(Duration::from_millis(number as u64 * 240)).await;
            let line = |begins| Line { guest: name.clone(), host: its_host.clone(), at: clock.now(), begins };
            let pass = gate.enter(Entering { subject: "backup".into(), by_person: false }).await;
            log.lock().unwrap().push(line(true));
            clock.sleep(BACKUP).await;
            log.lock().unwrap().push(line(false));
            drop(pass);
        });
        self.guests.insert(guest, Guest { host, slots, task: task.abort_handle() });
    }

    pub(crate) async fn run_for(&mut self, time: Duration) {
        self.clock.run_for(time).await;
    }

    /// Ends a guest as a machine that loses power does: nobody gives its place back.
    pub(crate) fn kill(&mut self, guest: &str) {
        let gone = MemoryBus::new(Arc::new(self.clock.clone()));
        gone.set_down(true);
        self.guests[guest].slots.connect(Arc::new(gone));
        self.guests[guest].task.abort();
    }

    /// Guests that back up now.
    pub(crate) fn running(&self) -> Vec<String> {
        let mut running = Vec::new();
        for line in self.log.lock().unwrap().iter() {
            match line.begins {
                true => running.push(line.guest.clone()),
                false => running.retain(|guest| *guest != line.guest),
            }
        }
        running.retain(|guest| !self.guests[guest].task.is_finished());
        running
    }

    /// Guests that waited for one of these: one for each host.
    pub(crate) fn waited_for(&self, guests: &[String]) -> usize {
        let hosts: std::collections::BTreeSet<_> = guests.iter().map(|guest| &self.guests[guest].host).collect();
        hosts.len()
    }

    pub(crate) fn seen(&self) -> Seen {
        let begin: Timestamp = BEGIN.parse().unwrap();
        let mut now: BTreeMap<String, usize> = BTreeMap::new();
        let mut begun: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut seen = Seen { done: 0, most_at_once: 0, longest_wait: Duration::ZERO, in_their_order: true };
        for line in self.log.lock().unwrap().iter() {
            let running = now.entry(line.host.clone()).or_default();
            match line.begins {
                true => {
                    *running += 1;
                    begun.entry(line.host.clone()).or_default().push(line.guest[1..].parse().unwrap());
                    seen.longest_wait = seen.longest_wait.max(line.at.duration_since(begin).unsigned_abs());
                }
                false => {
                    *running -= 1;
                    seen.done += 1;
                }
            }
            seen.most_at_once = seen.most_at_once.max(*running);
        }
        // Those that are let in within one turn may be in any order.
        let is_sorted = |numbers: &Vec<usize>| numbers.windows(2).all(|pair| pair[1] + MAX * HOSTS > pair[0]);
        seen.in_their_order = begun.values().all(is_sorted);
        seen
    }
}
