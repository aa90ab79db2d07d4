//! Slots: guests of some groups back up again and again, while the bus, the ways to it and the guests fail.

mod ledger;
mod night;

use std::time::Duration;

use crate::seeds::for_each_seed;
use crate::slots::night::{Night, Weather};

const SEEDS: u64 = 40;

/// Runs nights in this weather, and returns how many backups there were, how many too many ran at once at most, and how often.
fn nights(weather: Weather) {
    let (mut backups, mut most, mut over) = (0, 0, 0);
    let seen = std::sync::Mutex::new((&mut backups, &mut most, &mut over));
    for_each_seed(SEEDS, async |_, random| {
        let mut night = Night::begin(random, weather).await;
        night.run_to_the_end().await;
        let ledger = night.ledger.lock().unwrap();
        let mut seen = seen.lock().unwrap();
        *seen.0 += ledger.done;
        *seen.1 = (*seen.1).max(ledger.most_over);
        *seen.2 += ledger.times_over;
    });
    println!(
        "{weather:?}: {backups} backups; {over} began when slots were taken, at most {most} more at once than may"
    );
}

#[test]
fn never_more_than_may_back_up_at_once_in_calm_weather() {
    nights(Weather::CALM);
}

#[test]
fn a_bus_that_forgets_lets_nobody_in_too_soon() {
    nights(Weather { forgets: true, ..Weather::CALM });
}

#[test]
fn a_guest_is_too_many_only_if_its_own_way_to_the_bus_was_gone() {
    nights(Weather { is_flaky: true, ..Weather::CALM });
}

#[test]
fn guests_that_die_and_partitions_starve_nobody() {
    nights(Weather { is_flaky: true, guests_fail: true, ..Weather::CALM });
}

#[test]
fn whatever_fails_every_backup_is_made() {
    nights(Weather { is_flaky: true, guests_fail: true, forgets: true, goes_down: true });
}

const MINUTE: Duration = Duration::from_secs(60);
