//! Roll-outs: several coordinators plan, guests try what they are wished, and a person begins, stops and takes back, while all
//! of them reach the bus badly and stand still for minutes.

mod fleet;
mod truth;

use std::time::Duration;

use agentapi_fleet::rollout::RolloutState;
use fastrand::Rng;

use crate::rollouts::fleet::{Fleet, Weather};
use crate::seeds::{for_each_seed, happens, within};

const SEEDS: u64 = 40;
const MINUTE: Duration = Duration::from_secs(60);
const ROLLOUTS: usize = 4;

fn rollouts(weather: Weather) {
    let ended = std::sync::Mutex::new(std::collections::BTreeMap::new());
    for_each_seed(SEEDS, async |_, mut random| {
        let mut fleet = Fleet::begin(&mut random, weather).await;
        for number in 0..ROLLOUTS {
            let end = one(&mut fleet, &mut random, number).await;
            *ended.lock().unwrap().entry(end).or_insert(0) += 1;
        }
    });
    println!("{weather:?}: roll-outs that ended {:?}", ended.lock().unwrap());
}

/// A roll-out with all that a person does meanwhile; says how it ended.
async fn one(fleet: &mut Fleet, random: &mut Rng, number: usize) -> &'static str {
    // Now and then bytes that were rolled out before.
    let digest = if happens(random, 30) { random.usize(0..=number) } else { number };
    fleet.begin_rollout(digest, random).await;
    match random.u8(0..4) {
        0 => {
            fleet.run_to_a_decision().await;
            fleet.set(RolloutState::Stopped { why: "a person".into() }).await;
        }
        1 => {
            fleet.run_to_a_decision().await;
            fleet.set(RolloutState::RollingBack).await;
        }
        _ => {}
    }
    let end = fleet.run_to_the_end().await;
    if happens(random, 30) && end != "forgotten" {
        fleet.set(RolloutState::RollingBack).await;
        fleet.run_to_the_end().await;
    }
    if random.bool() {
        fleet.run_for(within(random, 5 * MINUTE)).await;
    }
    end
}

#[test]
fn no_ring_is_reached_before_all_of_the_one_before_are_good_and_none_after_a_stop() {
    rollouts(Weather::FLAKY);
}

#[test]
fn nothing_is_wrong_where_two_plan_for_hours_and_each_believes_that_it_alone_does() {
    rollouts(Weather { all_lead: true, ..Weather::FLAKY });
}

#[test]
fn a_bus_that_forgets_ends_a_rollout_and_moves_none() {
    rollouts(Weather { forgets: true, ..Weather::FLAKY });
}
