//! Wishes: several persons change those of rings and guests at once, and the bus forgets. A guest never goes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::want::{BackupWish, Want, WantRefusal, Whose, change};
use fastrand::Rng;

use crate::flaky::{Faults, Flaky, World};
use crate::seeds::{for_each_seed, happens, within};

const SEEDS: u64 = 60;
const GUESTS: usize = 4;
const PERSONS: usize = 3;
const STEPS: usize = 200;

/// A guest, as far as wishes see one. What is in force is on its disk: it survives everything.
struct Guest {
    way: Arc<Flaky>,
    in_force: Want,
    /// All that ever were, in their order.
    was_in_force: Vec<Want>,
}

impl Guest {
    async fn look(&mut self, refused: &Mutex<usize>) {
        let Ok(Some(entry)) = self.way.get(Table::Want, &ring().key()).await else { return };
        match self.in_force.newer(&entry) {
            Ok(None) => {}
            Ok(Some(newer)) => {
                assert!(newer.number > self.in_force.number, "{} after {}", newer.number, self.in_force.number);
                self.was_in_force.push(newer.clone());
                self.in_force = newer;
            }
            Err(WantRefusal::Older { known, found }) => {
                assert!(known >= found && known == self.in_force.number);
                *refused.lock().unwrap() += 1;
            }
            Err(why) => panic!("{why}"),
        }
    }
}

fn ring() -> Whose {
    Whose::Ring(1)
}

/// Wishes for a backup within so many hours.
async fn wish(way: &Flaky, seen: u64, hours: u64) -> bool {
    let wish = BackupWish { newest_within: format!("{hours}h"), window: None, priority: None };
    change(way, &ring(), seen, |want| want.backup = Some(wish.clone())).await.is_ok()
}

#[test]
fn a_smaller_number_is_never_in_force_after_a_greater_one_and_the_last_wish_is_in_the_end() {
    let (refused, changes) = (Mutex::new(0), Mutex::new(0));
    for_each_seed(SEEDS, async |_, mut random| {
        let world = World::new();
        let mut way = |name: &str| {
            let faults = Faults::some(&mut random);
            Flaky::new(&world, name, faults, random.fork())
        };
        let mut guests = Vec::new();
        for number in 0..GUESTS {
            let way = way(&format!("g{number}"));
            guests.push(Guest { way, in_force: Want::default(), was_in_force: Vec::new() });
        }
        let persons: Vec<_> = (0..PERSONS).map(|number| way(&format!("p{number}"))).collect();
        let work = chaos(&world, &mut guests, &persons, &mut random, &refused);
        run(&world, work).await;
        // All is well again: one who knows what guests have seen wishes something.
        let seen = guests.iter().map(|guest| guest.in_force.number).max().unwrap();
        run(&world, async {
            let mut left = 1000;
            while !wish(&persons[0], seen, 77).await {
                left -= 1;
                assert!(left > 0, "it cannot be wished");
            }
            for guest in &mut guests {
                while guest.in_force.backup.as_ref().is_none_or(|wish| wish.newest_within != "77h") {
                    guest.look(&refused).await;
                    left -= 1;
                    assert!(left > 0, "it does not come in force: {:?}", guest.in_force);
                }
            }
        })
        .await;
        *changes.lock().unwrap() += guests.iter().map(|guest| guest.was_in_force.len()).sum::<usize>();
    });
    let (changes, refused) = (changes.into_inner().unwrap(), refused.into_inner().unwrap());
    println!("{changes} wishes came in force, {refused} looks found an older one");
    assert!(changes > 0 && refused > 0, "it shows nothing");
}

/// Lets the time pass for as long as something takes.
async fn run<T>(world: &World, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = world.clock.run_for(Duration::from_millis(100)) => {}
        }
    }
}

async fn chaos(world: &World, guests: &mut [Guest], persons: &[Arc<Flaky>], random: &mut Rng, refused: &Mutex<usize>) {
    for _ in 0..STEPS {
        match random.u8(0..100) {
            0..50 => {
                let guest = random.usize(0..guests.len());
                guests[guest].look(refused).await;
            }
            // Two at once. What guests have seen they know from what guests have told: it may be old, or forgotten.
            50..80 => {
                let told = guests.iter().map(|guest| guest.in_force.number).max().unwrap_or_default();
                let seen = [0, told.saturating_sub(2), told].map(|seen| if random.bool() { seen } else { told });
                let (a, b) = (&persons[random.usize(0..PERSONS)], &persons[random.usize(0..PERSONS)]);
                let hours = (random.u64(1..40), random.u64(1..40));
                tokio::join!(wish(a, seen[0], hours.0), wish(b, seen[1], hours.1));
            }
            // Somebody puts an older one there again.
            80..95 => {
                let guest = random.usize(0..guests.len());
                if let Some(old) = random.choice(&guests[guest].was_in_force) {
                    let value = serde_json::to_vec(old).unwrap();
                    let _ = world.bus.put(Table::Want, &ring().key(), value.into(), Expect::Anything).await;
                }
            }
            _ if happens(random, 30) => world.forget(),
            _ => {
                let time = within(random, Duration::from_secs(60));
                agentapi_controller::clock::Clock::sleep(&world.clock, time).await;
            }
        }
    }
}
