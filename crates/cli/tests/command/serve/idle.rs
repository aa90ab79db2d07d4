//! A controller that has nothing to do does nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::controller::BACKUP;
use crate::support::{Fixture, QUICK, wait_until};

/// How often each thread has given up its processor by itself, by name.
fn switches(pid: u32) -> Vec<(String, u64)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    let count = |task: std::path::PathBuf| {
        let name = fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
        let status = fs::read_to_string(task.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        Some((name, line.trim().parse().unwrap()))
    };
    tasks.filter_map(count).collect()
}

#[test]
fn with_nothing_to_do_it_hardly_ever_wakes_up() {
    const SECONDS: u64 = 6;
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    // The clock that interrupts extensions stands still again after one has run.
    let run = fixture.run_backup();
    wait_until("a backup is done", || fixture.state_of(run) == "done");
    thread::sleep(Duration::from_secs(2));
    let before = switches(controller.pid());
    thread::sleep(Duration::from_secs(SECONDS));
    let after = switches(controller.pid());
    let total = |threads: &[(String, u64)]| threads.iter().map(|(_, count)| count).sum::<u64>();
    let count = total(&after) - total(&before);
    // Once a second is what is meant, and less is seen; a clock that ticked would make a hundred a second.
    assert!(count < SECONDS * 10, "{count} in {SECONDS} s: {before:?} {after:?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}
