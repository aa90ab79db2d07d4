//! Guests, coordinators and a person on one bus.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_controller::clock::{Clock, VirtualClock};
use agentapi_fleet::bus::{Bus, BusError, Expect, Table};
use agentapi_fleet::coordinator::Coordinator;
use agentapi_fleet::guest::TriedState;
use agentapi_fleet::rollout::{Rollout, RolloutError, RolloutState};
use agentapi_fleet::want::{ExtensionWish, Want, Whose};
use fastrand::Rng;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::flaky::{Faults, Flaky, World};
use crate::rollouts::MINUTE;
use crate::rollouts::truth::{EXTENSION, GuestTruth, Truth};
use crate::seeds::{happens, within};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Each coordinator has a lease, whoever else has it.
    pub(crate) all_lead: bool,
    pub(crate) forgets: bool,
}

impl Weather {
    pub(crate) const FLAKY: Self = Self { all_lead: false, forgets: false };
}

pub(crate) struct Fleet {
    world: Arc<World>,
    weather: Weather,
    random: Rng,
    truth: Arc<Mutex<Truth>>,
    coordinators: Vec<Arc<Flaky>>,
    person: Arc<Flaky>,
    /// Of guests and coordinators, none of which ever ends.
    tasks: Vec<JoinHandle<()>>,
}

impl Fleet {
    pub(crate) async fn begin(random: &mut Rng, weather: Weather) -> Self {
        let world = World::new();
        let truth = Arc::new(Mutex::new(Truth::default()));
        let (sees, clock) = (Arc::clone(&truth), world.clock.clone());
        world.watch_by(move |who, table, key, value| {
            sees.lock().unwrap().sees(who, table, key, value, clock.monotonic());
        });
        let mut tasks = Vec::new();
        for number in 0..random.usize(3..=8) {
            let name = format!("g{number}");
            let faults = Faults::some(random);
            let way = Flaky::new(&world, &name, faults, random.fork());
            let ring = random.u8(1..=3);
            truth.lock().unwrap().guests.insert(name.clone(), GuestTruth::new(ring));
            let guest =
                Guest { name, ring, way, clock: world.clock.clone(), random: random.fork(), truth: Arc::clone(&truth) };
            tasks.push(tokio::spawn(guest.live()));
        }
        let mut coordinators = Vec::new();
        for number in 0..random.usize(2..=3) {
            let name = format!("c{number}");
            let faults = Faults { stalls: 20, ..Faults::some(random) };
            let way = Flaky::new(&world, &name, faults, random.fork());
            if weather.all_lead {
                way.always_lead();
            }
            let coordinator = Coordinator::new(Arc::clone(&way) as Arc<dyn Bus>, Arc::new(world.clock.clone()), name);
            tasks.push(tokio::spawn(coordinator.work()));
            coordinators.push(way);
        }
        // A person sees that something went wrong, and does it again.
        let person = Flaky::new(&world, "person", Faults::default(), random.fork());
        let mut fleet = Self { world, weather, random: random.fork(), truth, coordinators, person, tasks };
        fleet.run_for(10 * MINUTE).await;
        fleet
    }

    /// Through all rings that have guests.
    pub(crate) async fn begin_rollout(&mut self, digest: usize, random: &mut Rng) {
        let mut rings: Vec<u8> = self.truth.lock().unwrap().guests.values().map(|guest| guest.ring).collect();
        rings.sort_unstable();
        rings.dedup();
        random.shuffle(&mut rings);
        let digest = format!("{digest:02x}").repeat(32);
        loop {
            let now = self.world.clock.now();
            match Rollout::begin(self.person.as_ref(), EXTENSION, digest.clone(), rings.clone(), now).await {
                Ok(_) => return,
                // Guests that have not told of themselves since the bus forgot everything; a coordinator was quicker.
                Err(RolloutError::Nobody { .. } | RolloutError::Bus(BusError::Changed { .. })) => {}
                Err(why) => panic!("{why:?}"),
            }
            self.pass(MINUTE).await;
        }
    }

    /// A person decides, until the bus has taken it.
    pub(crate) async fn set(&mut self, state: RolloutState) {
        loop {
            let rollout = self.truth.lock().unwrap().rollout.clone();
            let Some(rollout) = rollout else { return };
            // What has ended is not stopped.
            if matches!(state, RolloutState::Stopped { .. }) && rollout.state != RolloutState::Running {
                return;
            }
            match Rollout::set(self.person.as_ref(), EXTENSION, state.clone()).await {
                Ok(_) => break,
                Err(RolloutError::Bus(BusError::Changed { .. })) => {}
                Err(RolloutError::None(_)) => return,
                Err(why) => panic!("{why:?}"),
            }
        }
        self.truth.lock().unwrap().is_surely_stopped = matches!(state, RolloutState::Stopped { .. });
    }

    /// Says how it ended.
    pub(crate) async fn run_to_the_end(&mut self) -> &'static str {
        let end = self.world.clock.monotonic() + 180 * MINUTE;
        loop {
            match self.truth.lock().unwrap().rollout.as_ref().map(|rollout| &rollout.state) {
                None => return "forgotten",
                Some(RolloutState::Stopped { .. }) => return "stopped",
                Some(RolloutState::Done) => return "done",
                Some(RolloutState::RolledBack) => return "taken back",
                Some(RolloutState::Running | RolloutState::RollingBack) => {}
            }
            assert!(self.world.clock.monotonic() < end, "it does not end: {:?}", self.truth.lock().unwrap().rollout);
            let time = within(&mut self.random, 2 * MINUTE);
            self.run_for(time).await;
        }
    }

    /// Lets the time pass, in which coordinators stand still and the bus forgets.
    pub(crate) async fn run_for(&mut self, time: Duration) {
        let end = self.world.clock.monotonic() + time;
        loop {
            let left = end.since(self.world.clock.monotonic());
            if left.is_zero() {
                return;
            }
            let step = within(&mut self.random, MINUTE) + Duration::from_secs(1);
            self.pass(step.min(left)).await;
            if happens(&mut self.random, 20) {
                let paused = self.random.usize(0..self.coordinators.len());
                self.coordinators[paused].pause(within(&mut self.random, 3 * MINUTE));
            }
            if self.weather.forgets && happens(&mut self.random, 3) {
                self.world.forget();
                self.truth.lock().unwrap().forgets(self.world.clock.monotonic());
            }
        }
    }

    /// Until a person decides something: at any time, or just when a coordinator is about to wish something.
    pub(crate) async fn run_to_a_decision(&mut self) {
        let left = within(&mut self.random, 10 * MINUTE);
        if self.random.bool() {
            return self.run_for(left).await;
        }
        let end = self.world.clock.monotonic() + left;
        loop {
            self.pass(Duration::from_millis(200)).await;
            if self.world.clock.monotonic() >= end || self.truth.lock().unwrap().is_about_to_wish {
                return;
            }
        }
    }

    /// Lets the time pass. What panics in a task fails the test.
    async fn pass(&mut self, time: Duration) {
        self.world.clock.run_for(time).await;
        if let Some(ended) = self.tasks.iter_mut().find(|task| task.is_finished()) {
            ended.await.unwrap();
        }
        assert_eq!(self.truth.lock().unwrap().wrong, None);
    }
}

/// A guest, as far as roll-outs see one.
struct Guest {
    name: String,
    ring: u8,
    way: Arc<Flaky>,
    clock: VirtualClock,
    random: Rng,
    truth: Arc<Mutex<Truth>>,
}

impl Guest {
    /// For ever.
    async fn live(mut self) {
        let mut in_force = Want::default();
        loop {
            self.follow(&mut in_force).await;
            let _ = self.tell(&in_force).await;
            self.clock.sleep(Duration::from_secs(20)).await;
        }
    }

    async fn follow(&mut self, in_force: &mut Want) {
        let Ok(Some(entry)) = self.way.get(Table::Want, &Whose::Ring(self.ring).key()).await else { return };
        if let Ok(Some(newer)) = in_force.newer(&entry) {
            assert!(newer.number > in_force.number);
            *in_force = newer;
        }
        let Some(wish) = in_force.extensions.get(EXTENSION) else { return };
        let wish = wish.clone();
        if self.tried().is_some_and(|(tried, state)| tried == wish && state != TriedState::Trying) {
            return;
        }
        self.set_tried(&wish, TriedState::Trying);
        let _ = self.tell(in_force).await;
        self.clock.sleep(within(&mut self.random, 3 * MINUTE)).await;
        // Some bytes fail on one guest in three, and any may.
        let fails = wish.digest.as_ref().is_some_and(|digest| digest.starts_with("03"))
            && happens(&mut self.random, 33)
            || happens(&mut self.random, 1);
        self.set_tried(&wish, if fails { TriedState::Failed } else { TriedState::Good });
    }

    fn tried(&self) -> Option<(ExtensionWish, TriedState)> {
        self.truth.lock().unwrap().guests[&self.name].tried.clone()
    }

    fn set_tried(&self, wish: &ExtensionWish, state: TriedState) {
        self.truth.lock().unwrap().guests.get_mut(&self.name).unwrap().tried = Some((wish.clone(), state));
    }

    async fn tell(&self, in_force: &Want) -> Result<u64, BusError> {
        let tried = self.tried().map(|(ExtensionWish { digest, since }, state)| {
            json!({ "name": EXTENSION, "digest": digest, "since": since, "state": state })
        });
        let inventory = json!({
            "version": "0", "host": "pve1", "ring": self.ring, "may_change": [EXTENSION], "extensions": Vec::from_iter(tried),
            "seen": { "own": 0, "ring": in_force.number },
            "subjects": [], "findings": [], "approvals": [], "samples": [],
        });
        self.way.put(Table::Inventory, &self.name, inventory.to_string().into(), Expect::Anything).await
    }
}
