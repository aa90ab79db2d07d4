//! The audit of a run that is cut off at every await: whatever had been done by then, the audit is true.
//!
//! A run is a future that makes progress each time it is polled. Each test runs an extension again and again, and drops
//! the run after one poll, after two, after three, until it comes to its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use agentapi_host::policy::{
    Approver, AuditApproval, AuditEvent, AuditOutcome, BackupLoop, Decision, Grants, Limits, Policy, Wipe,
};
use agentapi_host::quiesce::{
    Application, Applications, Coordinator, Parked, Quiesce, QuiesceFailure, Quiescing, Settings,
};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use crate::audit::{Collector, Seen, assert_true};
use crate::support::{extension, happens_within, host, target_of_mock};

const WIPE: &str = "/dev/sdc1=uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
/// Far more awaits than any of these runs has.
const MAX_POLLS: usize = 5000;
/// How many moments runs are cut at, from their begin to their end.
const MOMENTS: u32 = 48;

/// What an extension does, and what it is given for that.
struct Scenario {
    policy: Policy,
    input: String,
    /// The functions by which it acts, in its order.
    acting: &'static [&'static str],
    /// How the agent answers: slowly, so that there are awaits between a request and its answer.
    fault: Fault,
    coordinator: Option<Coordinator>,
    applications: Arc<CountingApplications>,
}

/// Where a run is cut off.
enum Cut {
    /// At its await of this number, from 1.
    AfterPolls(usize),
    /// Wherever it is after this time: its connection has tasks of its own, which go on between two awaits of the run.
    AfterTime(Duration),
}

/// How the runs of a scenario were cut.
#[derive(Default)]
struct Tally {
    cuts: usize,
    /// How many of the cuts were made at an await each.
    awaits: usize,
    /// Runs that were cut in an operation that acts: before anything was done, and after.
    before: usize,
    after: usize,
    /// Runs that were cut while the approver was asked.
    unanswered: usize,
}

impl Scenario {
    /// With answers that come a byte at a time: an await for each.
    fn new(policy: Policy, input: &str, acting: &'static [&'static str]) -> Self {
        let fault = Fault::Drip(Duration::from_millis(1));
        Self { policy, input: input.into(), acting, fault, coordinator: None, applications: Arc::default() }
    }

    /// With applications to freeze, which count.
    fn freezing(mut self, dir: &tempfile::TempDir) -> Self {
        let own = Application::own("counted", Arc::clone(&self.applications) as Arc<dyn Quiesce>);
        let applications = Applications::new([own]).unwrap();
        let coordinator = Coordinator::open(dir.path().join("journal"), applications, Settings::default()).unwrap();
        self.policy = self.policy.quiesce(coordinator.clone(), Parked::nothing_to_park);
        self.coordinator = Some(coordinator);
        self
    }

    /// Cuts at every await, then at many moments in between, and checks the audit after each cut.
    async fn cut_everywhere(self, at_once: usize) -> Tally {
        let (this, mut tally) = (Arc::new(self), Tally::default());
        let mut polls = 1;
        loop {
            let ended = this.cut(&mut tally, (polls..polls + at_once).map(Cut::AfterPolls)).await;
            // How many awaits there are depends a little on the time that things take.
            if ended == at_once {
                break;
            }
            polls += at_once;
            assert!(polls < MAX_POLLS, "not at its end");
        }
        tally.awaits = tally.cuts;
        let started = Instant::now();
        this.run(Cut::AfterPolls(MAX_POLLS)).await;
        let whole = started.elapsed();
        for first in (0..MOMENTS).step_by(at_once) {
            let moments = first..MOMENTS.min(first + at_once as u32);
            this.cut(&mut tally, moments.map(|moment| Cut::AfterTime(whole * moment / MOMENTS))).await;
        }
        tally
    }

    /// Makes these cuts at once. Returns how many runs came to their end before.
    async fn cut(self: &Arc<Self>, tally: &mut Tally, cuts: impl Iterator<Item = Cut>) -> usize {
        let mut runs = JoinSet::new();
        for cut in cuts {
            let scenario = Arc::clone(self);
            runs.spawn(async move { scenario.run(cut).await });
        }
        let runs = runs.join_all().await;
        for (outcome, seen, acts) in runs.iter().filter(|run| run.0 != AuditOutcome::Ok) {
            assert_eq!(*outcome, AuditOutcome::Abandoned);
            tally.count(seen, *acts, self.acting);
        }
        runs.iter().filter(|run| run.0 == AuditOutcome::Ok).count()
    }

    /// Runs it on a mock agent of its own, until it is cut.
    async fn run(&self, cut: Cut) -> (AuditOutcome, Vec<Seen>, usize) {
        let mock = Arc::new(MockAgent::start().await.unwrap());
        mock.change(|state| state.backup.set_duration(Duration::from_millis(5)));
        mock.inject(RouteSelector::Any, self.fault, Repeat::Always);
        let acts = {
            let (mock, applications) = (Arc::clone(&mock), Arc::clone(&self.applications));
            applications.0.store(0, Ordering::SeqCst);
            move || posts(&mock) + applications.0.load(Ordering::SeqCst)
        };
        let collector = Collector::new(acts);
        let agent = host().agent(target_of_mock(&mock)).unwrap();
        let policy = self.policy.clone().audit(collector.shared());
        let result = match cut {
            Cut::AfterPolls(polls) => poll_times(policy.run(&agent, &self.input), polls).await,
            Cut::AfterTime(time) => timeout(time, policy.run(&agent, &self.input)).await.ok(),
        };
        drop((policy, agent));
        // With its last connection an agent has read all that it will.
        assert!(happens_within(Duration::from_secs(30), || mock.open_connections() == 0).await);
        if let Some(coordinator) = &self.coordinator {
            coordinator.idle().await.unwrap();
        }
        let seen = collector.seen();
        let outcome = assert_true(&seen, &mock.requests(), self.acting);
        assert_eq!(result.is_some(), outcome != AuditOutcome::Abandoned, "{result:?}");
        assert!(result.is_none_or(|result| result.is_ok()));
        (outcome, seen, posts(&mock) + self.applications.0.load(Ordering::SeqCst))
    }
}

impl Tally {
    /// For whoever wants to know: `cargo test audit_cut -- --nocapture`.
    fn print(&self, what: &str) {
        let Self { cuts, awaits, before, after, unanswered } = self;
        let acting =
            format!("before anything was done {before}, after it {after}, while the approver was asked {unanswered}");
        println!("{what}: {cuts} cuts, {awaits} of them at each await in turn; in what acts: {acting}");
    }

    fn count(&mut self, seen: &[Seen], acts: usize, acting: &[&str]) {
        self.cuts += 1;
        let cut = seen.iter().map(|seen| &seen.entry).find_map(|entry| match &entry.event {
            AuditEvent::End(end) if entry.id != 0 && end.outcome == AuditOutcome::Abandoned => Some((entry, end)),
            _ => None,
        });
        let Some((entry, end)) = cut else { return };
        let Some(number) = acting.iter().position(|function| *function == entry.operation) else { return };
        if end.approval == Some(AuditApproval::Unanswered) {
            self.unanswered += 1;
            assert_eq!(acts, number, "nothing is sent before there is an answer");
        }
        *(if acts > number { &mut self.after } else { &mut self.before }) += 1;
    }
}

fn posts(mock: &MockAgent) -> usize {
    mock.requests().iter().filter(|request| request.method == "POST").count()
}

/// Polls a future so many times and drops it there. None if it had not come to its end.
async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Counts freezes and thaws together.
#[derive(Default)]
struct CountingApplications(AtomicUsize);

impl Quiesce for CountingApplications {
    fn freeze(&self) -> Quiescing<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(a_moment())
    }

    fn thaw(&self) -> Quiescing<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(a_moment())
    }
}

/// Long enough for whoever waits to wait.
async fn a_moment() -> Result<(), QuiesceFailure> {
    sleep(Duration::from_millis(5)).await;
    Ok(())
}

/// Says yes, after a while.
struct SlowApprover;

impl Approver for SlowApprover {
    fn approves<'a>(&'a self, _: &'a Wipe) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        Box::pin(async {
            for _ in 0..3 {
                yield_now().await;
            }
            Decision::approved().made_by("a slow person")
        })
    }
}

fn misbehaving() -> Policy {
    let grants = Grants::from_toml("functions = [\"backup.*\", \"disks.*\", \"quiesce.*\"]").unwrap();
    host().load_policy(extension("misbehaving"), &grants, &Limits::default()).unwrap()
}

#[tokio::test]
async fn a_format_that_is_cut_off_at_every_await_is_told_as_it_was() {
    let policy = misbehaving().approver(Arc::new(SlowApprover));
    let tally = Scenario::new(policy, WIPE, &["disks.format"]).cut_everywhere(16).await;
    tally.print("disks.format");
    assert!(tally.unanswered >= 3, "{}", tally.unanswered);
    assert!(tally.before > tally.unanswered && tally.after > 0, "{} before, {} after", tally.before, tally.after);
}

#[tokio::test]
async fn a_start_that_is_cut_off_at_every_await_is_told_as_it_was() {
    let tally = Scenario::new(misbehaving(), "start", &["backup.start"]).cut_everywhere(16).await;
    tally.print("backup.start");
    assert!(tally.before > 0 && tally.after > 0, "{} before, {} after", tally.before, tally.after);
}

#[tokio::test]
async fn a_freeze_and_a_thaw_that_are_cut_off_at_every_await_are_told_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let acting = &["quiesce.freeze", "quiesce.thaw"];
    let tally = Scenario::new(misbehaving(), "freeze and thaw", acting).freezing(&dir).cut_everywhere(1).await;
    tally.print("quiesce.freeze and quiesce.thaw");
    assert!(tally.before + tally.after >= 2, "in the freeze and in the thaw");
}

#[tokio::test]
async fn a_whole_backup_that_is_cut_off_at_every_await_is_told_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = BackupLoop::default();
    settings.poll_ms = 2;
    let acting = &["quiesce.freeze", "backup.start", "quiesce.thaw"];
    let policy = host().backup_loop().unwrap();
    let mut scenario = Scenario::new(policy, &settings.input().unwrap(), acting).freezing(&dir);
    scenario.fault = Fault::Latency(Duration::from_millis(2));
    let tally = scenario.cut_everywhere(1).await;
    tally.print("backup loop");
    assert!(tally.before + tally.after >= 3, "in the freeze, the start and the thaw");
}
