//! The real coordinator, its threads run in an order that a scheduler chooses: see `src/races.rs`.
//!
//! `AGENTAPI_QUIESCE_SCHEDULES=3000` sets how many orders of each scenario are tried with each of two schedulers.

use std::process::Command;

use crate::held::example;

#[test]
fn whatever_the_order_every_freeze_is_thawed_and_nobody_waits_for_ever() {
    let schedules = std::env::var("AGENTAPI_QUIESCE_SCHEDULES").ok();
    let ran = Command::new(example("races")).args(schedules).output().unwrap();
    let (told, why) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    println!("{told}");
    assert!(ran.status.success(), "{why}");
    assert_eq!(told.lines().filter(|line| line.contains(" schedules in ")).count(), SCENARIOS, "{told}");
}

const SCENARIOS: usize = 6;
