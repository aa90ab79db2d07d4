//! What happens at once, and what must hold whatever the order.

use std::fs;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use super::ledger::Ledger;
use super::sync::{NEVER, step, thread};
use crate::coordinator::Coordinator;
use crate::error::{JournalError, QuiesceError, Step};
use crate::leftover::{ThawError, thaw_left_frozen};
use crate::lease::Lease;
use crate::parked::Parked;
use crate::report::EndedBy;
use crate::settings::Settings;

/// Each with a name that says what must hold, and how many times as many orders as usual it takes to find what is wrong.
const SCENARIOS: [(&str, fn(), usize); 6] = [
    ("callers that come, thaw, let go and are dropped never overlap and leave nothing", callers_without_limits, 1),
    ("the same, while leases end and freezes and thaws take too long", callers_within_limits, 6),
    ("one caller finds it free as soon as its thaw is reported", one_after_the_other, 1),
    ("a signal thaws whatever is going on", a_signal, 6),
    ("a lease that outlives its coordinator is thawed, and the journal is free for the next", the_last_handle, 1),
    ("of two recoveries at once one thaws, and the other leaves alone what is frozen next", two_recoveries, 1),
];

pub(crate) fn run_all(schedules: usize) {
    for (name, scenario, times) in SCENARIOS {
        let (begun, each) = (Instant::now(), schedules * times);
        let orders = run(RandomScheduler::new(each), scenario) + run(PctScheduler::new(3, each), scenario);
        println!("{orders} schedules in {} ms: {name}", begun.elapsed().as_millis());
    }
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let mut config = Config::new();
    // The sources open files and format text, which takes more than the 60 KiB that shuttle gives.
    config.stack_size = 256 * 1024;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario)
}

/// One application and its journal, in memory: a schedule would otherwise wait for the disk.
struct Scene {
    ledger: Arc<Ledger>,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new(hangs: bool) -> Self {
        let dir = tempfile::Builder::new().prefix("races").tempdir_in("/dev/shm").unwrap();
        Self { ledger: Ledger::new(hangs), dir }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("quiesce.jsonl")
    }

    fn settings(&self, limit: Duration) -> Settings {
        Settings {
            lease: limit,
            freeze_timeout: limit,
            thaw_timeout: limit,
            thaw_wait: limit,
            lock_folder: Some(self.dir.path().join("locks")),
            ..Settings::default()
        }
    }

    fn open(&self, limit: Duration) -> Coordinator {
        Coordinator::open(self.journal(), Arc::clone(&self.ledger), self.settings(limit)).unwrap()
    }

    /// As soon as nobody else has the journal.
    fn open_next(&self) -> Coordinator {
        loop {
            match Coordinator::open(self.journal(), Arc::clone(&self.ledger), self.settings(NEVER)) {
                Ok(next) => return next,
                Err(JournalError::InUse { .. }) => thread::yield_now(),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    /// Nothing is frozen, and nothing says that it is.
    fn check_thawed(&self) {
        let state = self.ledger.look();
        assert!(!state.is_frozen, "left frozen: {state:?}");
        let journal = fs::read_to_string(self.journal()).unwrap();
        let last = journal.lines().last().unwrap_or_default();
        assert!(!last.contains(r#""event":"frozen""#), "{journal}");
    }
}

fn parked() -> Parked {
    Parked::nothing_to_park()
}

/// Drops the future after some polls, as a caller does that is cancelled.
async fn some_of<F: Future>(future: F) -> Option<F::Output> {
    let mut polls = thread_rng().gen_range(0..4_u32);
    let mut future = pin!(future);
    poll_fn(|cx| {
        let Some(left) = polls.checked_sub(1) else { return Poll::Ready(None) };
        polls = left;
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        // Polled again although nothing has happened, so that it is dropped in the end.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

fn callers_without_limits() {
    callers(NEVER);
}

fn callers_within_limits() {
    callers(Duration::from_secs(1));
}

/// Two at once, who freeze twice each, and somebody who waits until nothing is frozen.
fn callers(limit: Duration) {
    let is_limited = limit < NEVER;
    let scene = Scene::new(is_limited);
    let coordinator = scene.open(limit);
    let threads = ["first", "second"].map(|name| {
        let (coordinator, ledger) = (coordinator.clone(), Arc::clone(&scene.ledger));
        thread::spawn(move || {
            for round in 0..2 {
                block_on(call(&coordinator, &ledger, &format!("{name} {round}"), is_limited));
            }
        })
    });
    block_on(coordinator.idle()).unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    block_on(coordinator.idle()).unwrap();
    assert_eq!(coordinator.status(), None);
    scene.check_thawed();
    let state = scene.ledger.look();
    assert!(state.thaws >= state.freezes, "each freeze is followed by a thaw: {state:?}");
    assert!(coordinator.last_report().is_some() || state.freezes == 0, "each freeze is reported");
}

async fn call(coordinator: &Coordinator, ledger: &Ledger, holder: &str, is_limited: bool) {
    let parked = parked();
    let freeze = coordinator.freeze(holder, &parked);
    let frozen = match thread_rng().gen_ratio(1, 3) {
        true => match some_of(freeze).await {
            Some(frozen) => frozen,
            None => return,
        },
        false => freeze.await,
    };
    let mut lease = match frozen {
        Ok(lease) => lease,
        // Somebody else holds it, this freeze did not work, or there was no time.
        Err(QuiesceError::Busy { holder: other, .. }) => return assert_ne!(other, holder),
        Err(QuiesceError::Failed { step: Step::Freeze, .. }) => return,
        Err(QuiesceError::Failed { .. }) if is_limited => return,
        Err(other) => panic!("{other:?}"),
    };
    let number = ledger.look().freezes;
    if !is_limited {
        assert!(ledger.look().is_frozen, "who has a lease finds it frozen");
        assert!(lease.backup_begins() && lease.backup_captured(), "it stands still until its holder thaws");
    }
    match thread_rng().gen_range(0..4) {
        0 => drop(lease),
        1 => drop(some_of(lease.thaw()).await),
        _ => end(&mut lease, ledger, holder, number, is_limited).await,
    }
}

/// Thaws, and looks whether what is reported is so.
async fn end(lease: &mut Lease, ledger: &Ledger, holder: &str, number: u32, is_limited: bool) {
    match lease.thaw().await {
        Ok(report) => {
            assert_eq!(report.holder, holder, "the report of this freeze");
            assert!(report.ended_by == EndedBy::Thaw || is_limited, "{report:?}");
            let state = ledger.look();
            assert!(!state.is_frozen || state.freezes > number, "reported as thawed: {state:?}");
        }
        Err(QuiesceError::Failed { .. }) if is_limited => {}
        Err(other) => panic!("{other:?}"),
    }
}

fn one_after_the_other() {
    let scene = Scene::new(false);
    let coordinator = scene.open(NEVER);
    for round in 0..3 {
        match block_on(coordinator.freeze(&round.to_string(), &parked())) {
            Ok(mut lease) => {
                let report = block_on(lease.thaw()).unwrap();
                assert_eq!((report.holder, coordinator.status()), (round.to_string(), None));
            }
            Err(QuiesceError::Failed { step: Step::Freeze, .. }) => {}
            Err(other) => panic!("not free although the one before has ended: {other:?}"),
        }
        assert_eq!(coordinator.last_report().unwrap().holder, round.to_string());
    }
    scene.check_thawed();
}

fn a_signal() {
    let scene = Scene::new(false);
    let coordinator = scene.open(NEVER);
    let signals = thread::spawn({
        let shared = Arc::clone(coordinator.shared());
        move || shared.thaw_for(15)
    });
    match block_on(coordinator.freeze("nightly", &parked())) {
        Ok(mut lease) => match block_on(lease.thaw()) {
            Ok(report) => assert!([EndedBy::Thaw, EndedBy::Signal(15)].contains(&report.ended_by), "{report:?}"),
            Err(other) => panic!("{other:?}"),
        },
        Err(QuiesceError::Failed { step: Step::Freeze | Step::FreezeThenThaw, .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
    signals.join().unwrap();
    block_on(coordinator.idle()).unwrap();
    scene.check_thawed();
}

fn the_last_handle() {
    let scene = Scene::new(false);
    let coordinator = scene.open(NEVER);
    let other = coordinator.clone();
    let dropped = thread::spawn(move || drop(other));
    let lease = block_on(coordinator.freeze("nightly", &parked()));
    drop(coordinator);
    if let Ok(mut lease) = lease {
        match thread_rng().r#gen() {
            true => drop(block_on(lease.thaw()).unwrap()),
            false => drop(lease),
        }
    }
    dropped.join().unwrap();
    // It is thawed by a keeper that nobody holds any more: the next one has to wait for the journal, and then finds it so.
    let next = scene.open_next();
    block_on(next.idle()).unwrap();
    assert_eq!(next.last_report(), None, "it was not left to the next");
    scene.check_thawed();
}

/// One that only recovers, and one that recovers and then freezes: the slower must not thaw what the faster has frozen.
fn two_recoveries() {
    let scene = Scene::new(false);
    let left = "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"nightly\"}\n";
    fs::write(scene.journal(), left).unwrap();
    let recovers = thread::spawn({
        let (journal, ledger, settings) = (scene.journal(), Arc::clone(&scene.ledger), scene.settings(NEVER));
        move || thaw_left_frozen(journal, ledger, &settings)
    });
    let coordinator = scene.open_next();
    block_on(coordinator.idle()).unwrap();
    if let Ok(mut lease) = block_on(coordinator.freeze("hourly", &parked())) {
        (0..thread_rng().gen_range(0..16)).for_each(|_| step());
        assert!(scene.ledger.look().is_frozen && lease.backup_captured(), "it stands still until its holder thaws");
        block_on(lease.thaw()).unwrap();
    }
    drop(coordinator);
    let recovered = recovers.join().unwrap();
    assert!(matches!(recovered, Ok(_) | Err(ThawError::Journal(JournalError::InUse { .. }))), "{recovered:?}");
    let journal = fs::read_to_string(scene.journal()).unwrap();
    assert_eq!(journal.matches("recovered").count(), 1, "{journal}");
    scene.check_thawed();
}
