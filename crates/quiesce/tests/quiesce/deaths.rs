//! Kills a process that freezes, at a random moment, in a random way, again and again. After each death the next start
//! leaves nothing frozen and a journal that says so.
//!
//! Twenty deaths by default, a hundred in `.ci/run`. `AGENTAPI_QUIESCE_DEATHS=1000` sets how many,
//! `AGENTAPI_QUIESCE_SEED` repeats a run whose seed was printed: the same ways and moments, as far as the scheduler
//! allows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agentapi_loop_disk::Disk;
use agentapi_quiesce::{Applications, thaw_left_frozen};
use fastrand::Rng;
use rustix::process::Signal;

use crate::held::Held;
use crate::support::{Fixture, settings};

/// What is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    FileSystem,
    Holder,
    Programs,
    All,
}

/// How its process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Death {
    Kill,
    Terminate,
    Quit,
    StopThenKill,
    /// The reader of its output is gone first.
    ClosedPipe,
    /// One of its threads waits in the kernel for what it froze.
    WaitingInTheKernel,
    /// There is no process to be had for the thaw when the lease ends.
    Starving,
    /// Whoever recovers is killed as well.
    KillTwice,
}

#[test]
fn after_any_death_the_next_start_leaves_nothing_frozen_and_a_true_journal() {
    let Some(disk) = Disk::new() else { return };
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let deaths = number("AGENTAPI_QUIESCE_DEATHS").unwrap_or(20);
    let seed = number("AGENTAPI_QUIESCE_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("AGENTAPI_QUIESCE_SEED={seed}");
    let (mut rng, mut tally) = (Rng::with_seed(seed), BTreeMap::<_, u32>::new());
    let mut slowest = Duration::ZERO;
    for index in 0..deaths {
        let kind = [Kind::FileSystem, Kind::Holder, Kind::Programs, Kind::All][rng.usize(..4)];
        let death = DEATHS[rng.usize(..DEATHS.len())];
        let victim = Victim { disk: &disk, fixture: Fixture::new(), kind, death };
        let found = victim.die(&mut rng);
        let begun = Instant::now();
        victim.recover();
        slowest = slowest.max(begun.elapsed());
        victim.check(&format!("death {index}, {kind:?}, {death:?}, seed {seed}"));
        *tally.entry((kind, found)).or_default() += 1;
    }
    println!("{deaths} deaths, slowest recovery {} ms; as the next start found them: {tally:?}", slowest.as_millis());
}

struct Victim<'a> {
    disk: &'a Disk,
    fixture: Fixture,
    kind: Kind,
    death: Death,
}

impl Victim<'_> {
    /// What the journal says afterwards.
    fn die(&self, rng: &mut Rng) -> &'static str {
        let lease = rng.u64(5..150).to_string();
        let mut arguments = vec!["--timeout-ms".to_owned(), "400".into(), "--lease-ms".into(), lease];
        if self.death == Death::WaitingInTheKernel {
            arguments.extend(["--write".into(), format!("{}/log", self.disk.text())]);
        }
        if self.death == Death::Starving {
            arguments.extend(["--no-process-ms".into(), "60000".into()]);
        }
        arguments.extend(self.kinds());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut held = self.begin(&arguments);
        // Half of them die while they freeze, the others some time after.
        if rng.bool() {
            let _ = held.line();
        }
        std::thread::sleep(Duration::from_millis(rng.u64(..200)));
        match self.death {
            Death::Terminate => held.signal(Signal::TERM),
            Death::Quit => held.signal(Signal::QUIT),
            Death::StopThenKill => {
                held.signal(Signal::STOP);
                std::thread::sleep(Duration::from_millis(rng.u64(..50)));
            }
            Death::ClosedPipe => held.close_output(),
            _ => {}
        }
        // Not waited for: it may be dying for as long as the disk is frozen.
        held.abandon();
        if self.death == Death::KillTwice {
            let second = self.begin(&arguments);
            std::thread::sleep(Duration::from_millis(rng.u64(..100)));
            second.abandon();
        }
        let journal = std::fs::read_to_string(self.fixture.path("journal.jsonl")).unwrap_or_default();
        let last = journal.lines().last().unwrap_or_default();
        let says = |event: &&str| last.contains(&format!("\"event\":\"{event}\""));
        ["frozen", "thawed", "recovered"].into_iter().find(says).unwrap_or("nothing")
    }

    fn begin(&self, arguments: &[&str]) -> Held {
        // The limit of processes counts for all but root, who alone can freeze a file system.
        let is_nobody = self.death == Death::Starving && matches!(self.kind, Kind::Holder | Kind::Programs);
        if !is_nobody {
            return Held::begin(&self.fixture, arguments);
        }
        let locks = self.fixture.path("locks");
        let mut all = vec!["--locks", locks.to_str().unwrap()];
        all.extend(arguments);
        Held::begin_as_nobody(&self.fixture, &all)
    }

    fn kinds(&self) -> Vec<String> {
        let fs = ["--fs".to_owned(), self.disk.text().to_owned()];
        // A lock, which is held as long as any of its processes lives, as that of a database's session.
        let hold = "sleep .02; exec 9>> held; flock 9; echo frozen; cat > /dev/null; sleep .02";
        let hold = ["--hold".to_owned(), self.fixture.line(hold)];
        // One of its processes leaves the group and outlives the program that is killed with its parent.
        let run = "setsid sh -c 'sleep .02; touch stopped' & sleep .03; touch stopped; wait";
        let run = ["--run".to_owned(), self.fixture.line(run), self.fixture.line("sleep .02; rm -f stopped")];
        match self.kind {
            Kind::FileSystem => fs.into(),
            Kind::Holder => hold.into(),
            Kind::Programs => run.into(),
            Kind::All => [&run[..], &hold[..], &fs[..]].concat(),
        }
    }

    fn recover(&self) {
        // Until the process that was killed last is seen to be so: a living one is rightly left alone.
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match thaw_left_frozen(self.fixture.path("journal.jsonl"), Applications::none(), &settings()) {
                Ok(_) => return,
                Err(why) => assert!(Instant::now() < until, "{why}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn check(&self, what: &str) {
        let is_frozen = || {
            let held = std::fs::File::open(self.fixture.path("held")).is_ok_and(|file| file.try_lock().is_err());
            (self.disk.is_frozen(), held, self.fixture.path("stopped").exists())
        };
        let journal = std::fs::read_to_string(self.fixture.path("journal.jsonl")).unwrap_or_default();
        assert_eq!(is_frozen(), (false, false, false), "{what}: {journal}");
        // What was on its way would have arrived by now.
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(is_frozen(), (false, false, false), "{what}, later: {journal}");
        let last = journal.lines().last().unwrap_or_default();
        assert!(!last.contains(r#""event":"frozen""#), "{what}: {journal}");
    }
}

const DEATHS: [Death; 8] = [
    Death::Kill,
    Death::Terminate,
    Death::Quit,
    Death::StopThenKill,
    Death::ClosedPipe,
    Death::WaitingInTheKernel,
    Death::Starving,
    Death::KillTwice,
];
