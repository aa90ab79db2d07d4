//! Guests of some groups, each with some backups, and what fails meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_controller::clock::{Clock, Monotonic, Sleep, VirtualClock};
use agentapi_controller::gate::{Entering, Gate, Pass};
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::slots::{Group, Slots, SlotsConfig, WithoutBus};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::flaky::{Faults, Flaky, World};
use crate::seeds::{happens, within};
use crate::slots::MINUTE;
use crate::slots::ledger::Ledger;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Requests of guests go wrong.
    pub(crate) is_flaky: bool,
    /// Guests die, and are cut off.
    pub(crate) guests_fail: bool,
    /// The bus forgets everything.
    pub(crate) forgets: bool,
    /// The bus answers nobody.
    pub(crate) goes_down: bool,
}

impl Weather {
    pub(crate) const CALM: Self = Self { is_flaky: false, guests_fail: false, forgets: false, goes_down: false };
}

pub(crate) struct Night {
    world: Arc<World>,
    weather: Weather,
    random: Rng,
    guests: Vec<Guest>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
}

struct Guest {
    name: String,
    group: String,
    max: usize,
    without_bus: WithoutBus,
    clock: Arc<dyn Clock>,
    way: Arc<Flaky>,
    slots: Slots,
    /// None once all its backups are made, and while it is dead.
    work: Option<JoinHandle<()>>,
    /// How long each backup is, and the pause before it; the first one is that which runs or waits.
    plan: Arc<Mutex<Vec<(Duration, Duration)>>>,
    running_since: Arc<Mutex<Option<Monotonic>>>,
}

impl Night {
    pub(crate) async fn begin(mut random: Rng, weather: Weather) -> Self {
        let world = World::new();
        let ledger = Arc::new(Mutex::new(Ledger::new(weather == Weather::CALM)));
        let (renewed, clock) = (Arc::clone(&ledger), world.clock.clone());
        world.watch_by(move |user, table, _, _| {
            if table == Table::Slot {
                renewed.lock().unwrap().renews(user, clock.monotonic());
            }
        });
        let mut night = Self { world, weather, random: random.fork(), guests: Vec::new(), ledger };
        for group in 0..random.usize(1..=2) {
            let (max, group) = (random.usize(1..=3), format!("h{group}"));
            let limited = serde_json::to_vec(&Group { max: Some(max as u32), ..Group::default() }).unwrap();
            night.world.bus.put(Table::Slot, &group, limited.into(), Expect::Nothing).await.unwrap();
            for number in 0..random.usize(2..=7) {
                night.add(format!("{group}-g{number}"), group.clone(), max);
            }
        }
        night
    }

    fn add(&mut self, name: String, group: String, max: usize) {
        let random = &mut self.random;
        let faults = if self.weather.is_flaky { Faults::some(random) } else { Faults::default() };
        let way = Flaky::new(&self.world, &name, faults, random.fork());
        let clock = Shifted { clock: self.world.clock.clone(), by: SignedDuration::from_secs(random.i64(-600..=600)) };
        let without_bus = if random.bool() { WithoutBus::Run } else { WithoutBus::Wait };
        let mut plan: Vec<_> = Vec::new();
        for _ in 0..random.usize(1..=3) {
            // Some follow each other at once, as those that people order do.
            let pause = if happens(random, 40) { Duration::ZERO } else { within(random, 10 * MINUTE) };
            plan.push((pause, Duration::from_secs(1) + within(random, 10 * MINUTE)));
        }
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let slots = slots(&name, &group, without_bus, &clock);
        let mut guest = Guest {
            name,
            group,
            max,
            without_bus,
            clock,
            way,
            slots,
            work: None,
            plan: Arc::new(Mutex::new(plan)),
            running_since: Arc::default(),
        };
        // Who has not been told by the bus how many may knows nothing that a bus which has forgotten it could be told.
        guest.start(&self.ledger, self.weather.forgets || happens(&mut self.random, 50));
        self.guests.push(guest);
    }

    /// Ends when all backups have been made.
    pub(crate) async fn run_to_the_end(&mut self) {
        let end = self.world.clock.monotonic() + 48 * 60 * MINUTE;
        loop {
            let left: Vec<_> =
                self.guests.iter().filter(|guest| guest.work.is_some()).map(|guest| &guest.name).collect();
            if left.is_empty() {
                return;
            }
            assert!(self.world.clock.monotonic() < end, "{left:?} were starved");
            let time = within(&mut self.random, 3 * MINUTE);
            self.pass(time).await;
            self.fail().await;
        }
    }

    /// Lets the time pass. What panics in a guest's task fails the test.
    async fn pass(&mut self, time: Duration) {
        self.world.clock.run_for(time).await;
        for guest in &mut self.guests {
            if let Some(ended) = guest.work.take_if(|work| work.is_finished()) {
                ended.await.unwrap();
            }
        }
        assert_eq!(self.ledger.lock().unwrap().wrong, None);
    }

    async fn fail(&mut self) {
        let now = self.world.clock.monotonic();
        if self.weather.forgets && happens(&mut self.random, 15) {
            self.world.forget();
            self.ledger.lock().unwrap().forgets(now);
        }
        if self.weather.goes_down && happens(&mut self.random, 10) {
            self.world.bus.set_down(true);
            let mut left = within(&mut self.random, 15 * MINUTE);
            while !left.is_zero() {
                let step = left.min(Duration::from_secs(20));
                self.ledger.lock().unwrap().is_down(self.world.clock.monotonic());
                self.pass(step).await;
                left -= step;
            }
            self.world.bus.set_down(false);
            self.ledger.lock().unwrap().is_down(self.world.clock.monotonic());
        }
        if self.weather.guests_fail && happens(&mut self.random, 20) {
            let (some, time) = (self.random.usize(0..self.guests.len()), within(&mut self.random, 3 * MINUTE));
            match self.random.bool() {
                true => {
                    self.guests[some].way.set_cut(true);
                    self.pass(time).await;
                    self.guests[some].way.set_cut(false);
                }
                false => {
                    let was_running = self.guests[some].die(&self.ledger);
                    self.pass(time).await;
                    self.guests[some].come_back(&self.ledger, was_running);
                }
            }
        }
    }
}

impl Guest {
    fn start(&mut self, ledger: &Arc<Mutex<Ledger>>, remembers: bool) {
        if remembers {
            self.slots.remember(Some(self.max as u32));
        }
        self.slots.connect(Arc::clone(&self.way) as Arc<dyn Bus>);
        self.work = Some(tokio::spawn(self.all_backups(Arc::clone(ledger), None)));
    }

    /// All that are left of the plan. The first one may be one that is let in already.
    fn all_backups(
        &self,
        ledger: Arc<Mutex<Ledger>>,
        mut resumed: Option<(Pass, Duration)>,
    ) -> impl Future<Output = ()> + use<> {
        let (name, group, max) = (self.name.clone(), self.group.clone(), self.max);
        let (clock, slots) = (Arc::clone(&self.clock), self.slots.clone());
        let (plan, running_since) = (Arc::clone(&self.plan), Arc::clone(&self.running_since));
        async move {
            loop {
                let Some((pause, time)) = plan.lock().unwrap().first().copied() else { return };
                let (pass, left) = match resumed.take() {
                    Some(resumed) => resumed,
                    None => {
                        clock.sleep(pause).await;
                        ledger.lock().unwrap().enters(&name, &group, clock.monotonic());
                        let pass = slots.enter(Entering { subject: "backup".into(), by_person: false }).await;
                        ledger.lock().unwrap().begins(&name, max, clock.monotonic());
                        (pass, time)
                    }
                };
                *running_since.lock().unwrap() = Some(clock.monotonic());
                clock.sleep(left).await;
                *running_since.lock().unwrap() = None;
                ledger.lock().unwrap().ends(&name);
                plan.lock().unwrap().remove(0);
                drop(pass);
            }
        }
    }

    /// As a machine does that loses power: nobody gives its place back. Says what is left of a backup that runs on its agent.
    fn die(&mut self, ledger: &Arc<Mutex<Ledger>>) -> Option<Duration> {
        let gone = MemoryBus::new(Arc::clone(&self.clock));
        gone.set_down(true);
        self.slots.connect(Arc::new(gone));
        if let Some(work) = self.work.take() {
            work.abort();
        }
        let since = self.running_since.lock().unwrap().take();
        let Some(since) = since else {
            ledger.lock().unwrap().gives_up(&self.name);
            return None;
        };
        let time = self.plan.lock().unwrap()[0].1;
        Some(time.saturating_sub(self.clock.monotonic().since(since)))
    }

    fn come_back(&mut self, ledger: &Arc<Mutex<Ledger>>, left: Option<Duration>) {
        self.slots = slots(&self.name, &self.group, self.without_bus, &self.clock);
        self.slots.remember(Some(self.max as u32));
        self.slots.connect(Arc::clone(&self.way) as Arc<dyn Bus>);
        let resumed = left.map(|left| (self.slots.resume("backup"), left));
        self.work = Some(tokio::spawn(self.all_backups(Arc::clone(ledger), resumed)));
    }
}

fn slots(guest: &str, group: &str, without_bus: WithoutBus, clock: &Arc<dyn Clock>) -> Slots {
    let (guest, group) = (guest.parse().unwrap(), group.parse().unwrap());
    Slots::new(SlotsConfig { without_bus, ..SlotsConfig::new(guest, group) }, Arc::clone(clock))
}

/// The clock of a guest whose wall clock is wrong.
#[derive(Debug)]
struct Shifted {
    clock: VirtualClock,
    by: SignedDuration,
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.by
    }

    fn monotonic(&self) -> Monotonic {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}
