//! Kills a process that freezes, at a random moment, in a random way, again and again. After each death the next start
//! leaves nothing frozen and a journal that says so.
//!
//! Twenty deaths by default, a hundred in `.ci/run`. `AGENTAPI_QUIESCE_DEATHS=1000` sets how many,
//! `AGENTAPI_QUIESCE_SEED` repeats a run whose seed was printed: the same ways and moments, as far as the scheduler
//! allows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agentapi_loop_disk::{Disk, PAGE_BYTES, SmallDisk};
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
    /// The disk of the journal fills up, before the freeze or at any moment of it.
    FullDisk,
}

#[test]
fn after_any_death_the_next_start_leaves_nothing_frozen_and_a_true_journal() {
    let Some(disk) = Disk::new() else { return };
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let deaths = number("AGENTAPI_QUIESCE_DEATHS").unwrap_or(20);
    let seed = number("AGENTAPI_QUIESCE_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("AGENTAPI_QUIESCE_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut ways, mut journals) = (BTreeMap::<_, u32>::new(), BTreeMap::<_, u32>::new());
    let (first, mut slowest) = (Instant::now(), Duration::ZERO);
    for index in 0..deaths {
        let kind = [Kind::FileSystem, Kind::Holder, Kind::Programs, Kind::All][rng.usize(..4)];
        let death = DEATHS[rng.usize(..DEATHS.len())];
        let (fixture, small) = Victim::fixture(death, &mut rng);
        let victim = Victim { disk: &disk, small, fixture, kind, death };
        let found = victim.die(&mut rng);
        let begun = Instant::now();
        let what = format!("death {index}, {kind:?}, {death:?}, seed {seed}");
        victim.recover(&what);
        slowest = slowest.max(begun.elapsed());
        victim.check(&what);
        *ways.entry(death).or_default() += 1;
        *journals.entry((kind, found)).or_default() += 1;
    }
    let (all, slowest) = (first.elapsed().as_secs(), slowest.as_millis());
    println!("{deaths} deaths in {all} s, slowest recovery {slowest} ms: {ways:?}");
    println!("what the journal said to the next start: {journals:?}");
}

struct Victim<'a> {
    disk: &'a Disk,
    /// Where the journal lies that runs out of space.
    small: Option<SmallDisk>,
    fixture: Fixture,
    kind: Kind,
    death: Death,
}

impl Victim<'_> {
    fn fixture(death: Death, rng: &mut Rng) -> (Fixture, Option<SmallDisk>) {
        let fixture = Fixture::new();
        if death != Death::FullDisk {
            return (fixture, None);
        }
        let small = SmallDisk::new(&fixture.path("small"));
        let journal = fixture.path("small/quiesce.jsonl");
        // The last page of a file can still be written to when the disk is full. So the lines of this freeze begin at any
        // place in it, and one of them meets its end: a write that is cut off, at the freeze or at the thaw.
        let line = "{\"at_unix_s\":1790000007,\"event\":\"thawed\",\"holder\":\"an earlier freeze\",\"frozen_ms\":1}\n";
        std::fs::write(&journal, line.repeat(rng.usize(..=PAGE_BYTES / line.len()))).unwrap();
        std::os::unix::fs::symlink(journal, fixture.path("journal.jsonl")).unwrap();
        (fixture, Some(small))
    }

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
        let is_full_before = rng.u8(..4) == 0;
        if is_full_before {
            self.small.iter().for_each(SmallDisk::fill);
        }
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
            Death::FullDisk => {
                self.small.iter().for_each(SmallDisk::fill);
                // In half of the cases its lease ends before it dies.
                std::thread::sleep(Duration::from_millis(rng.u64(..300)));
            }
            _ => {}
        }
        // Not waited for: it may be dying for as long as the disk is frozen.
        held.abandon();
        if self.death == Death::KillTwice {
            let second = self.begin(&arguments);
            std::thread::sleep(Duration::from_millis(rng.u64(..100)));
            second.abandon();
        }
        let journal = self.journal();
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

    /// What cannot be journalled is thawed all the same, and once more when there is space again: until then the journal
    /// says `frozen`, or half a line.
    fn recover(&self, what: &str) {
        if let Some(small) = &self.small {
            self.thaw();
            self.check_thawed(&format!("{what}, with a full disk"));
            small.empty();
        }
        self.thaw();
    }

    fn thaw(&self) {
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
        self.check_thawed(what);
        let journal = self.journal();
        let last = journal.lines().last().unwrap_or_default();
        assert!(!last.contains(r#""event":"frozen""#), "{what}: {journal}");
    }

    fn check_thawed(&self, what: &str) {
        let is_frozen = || {
            let held = std::fs::File::open(self.fixture.path("held")).is_ok_and(|file| file.try_lock().is_err());
            (self.disk.is_frozen(), held, self.fixture.path("stopped").exists())
        };
        let journal = self.journal();
        assert_eq!(is_frozen(), (false, false, false), "{what}: {journal}");
        // What was on its way would have arrived by now.
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(is_frozen(), (false, false, false), "{what}, later: {journal}");
    }

    /// Empty where there is none.
    fn journal(&self) -> String {
        std::fs::read_to_string(self.fixture.path("journal.jsonl")).unwrap_or_default()
    }
}

const DEATHS: [Death; 9] = [
    Death::Kill,
    Death::Terminate,
    Death::Quit,
    Death::StopThenKill,
    Death::ClosedPipe,
    Death::WaitingInTheKernel,
    Death::Starving,
    Death::KillTwice,
    Death::FullDisk,
];
