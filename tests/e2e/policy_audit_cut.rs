//! The audit of a run that is cut off at every await: whatever had been done by then, the audit is true.
//!
//! A run is a future that makes progress each time it is polled. Each test runs an extension again and again, and drops
//! the run after one poll, after two, after three, until it comes to its end.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use agentapi_host::policy::{
    Approver, AuditApproval, AuditEvent, AuditOutcome, BackupLoop, Decision, Grants, Limits, Policy, Wipe,
};
use agentapi_host::quiesce::{
    Application, Applications, Coordinator, Parked, Quiesce, QuiesceFailure, Quiescing, Settings,
};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use crate::audit::{Collector, Seen, assert_true};
use crate::support::{extension, happens_within, host, target_of_mock};

const WIPE: &str = "/dev/sdc1=uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
/// Far more awaits than any of these runs has.
const MAX_POLLS: usize = 5000;

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

/// How the runs of a scenario were cut.
#[derive(Default)]
struct Tally {
    cuts: usize,
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

    /// Cuts at every await, and checks the audit after each cut. How many awaits there are depends a little on the time
    /// that things take, so it ends where all of a batch came to their end.
    async fn cut_everywhere(self, batch: usize) -> Tally {
        let (this, mut tally) = (Arc::new(self), Tally::default());
        for first in (1..MAX_POLLS).step_by(batch) {
            let mut runs = JoinSet::new();
            for polls in first..first + batch {
                let scenario = Arc::clone(&this);
                runs.spawn(async move { scenario.run(polls).await });
            }
            let runs = runs.join_all().await;
            for (outcome, seen, acts) in runs.iter().filter(|run| run.0 != AuditOutcome::Ok) {
                assert_eq!(*outcome, AuditOutcome::Abandoned);
                tally.count(seen, *acts, this.acting);
            }
            if runs.iter().all(|run| run.0 == AuditOutcome::Ok) {
                return tally;
            }
        }
        panic!("not at its end after {MAX_POLLS} polls");
    }

    /// Runs it on a mock agent of its own, for so many polls.
    async fn run(&self, polls: usize) -> (AuditOutcome, Vec<Seen>, usize) {
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
        let result = poll_times(policy.run(&agent, &self.input), NonZeroUsize::new(polls).unwrap()).await;
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
async fn poll_times<F: Future>(future: F, polls: NonZeroUsize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls.get();
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
    println!("disks.format: cut at {} awaits, {} of them with the request received", tally.cuts, tally.after);
    assert_eq!(tally.unanswered, 3);
    assert!(tally.before > tally.unanswered && tally.after > 0, "{} before, {} after", tally.before, tally.after);
}

#[tokio::test]
async fn a_start_that_is_cut_off_at_every_await_is_told_as_it_was() {
    let tally = Scenario::new(misbehaving(), "start", &["backup.start"]).cut_everywhere(16).await;
    println!("backup.start: cut at {} awaits, {} of them with the request received", tally.cuts, tally.after);
    assert!(tally.before > 0 && tally.after > 0, "{} before, {} after", tally.before, tally.after);
}

#[tokio::test]
async fn a_freeze_and_a_thaw_that_are_cut_off_at_every_await_are_told_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let acting = &["quiesce.freeze", "quiesce.thaw"];
    let tally = Scenario::new(misbehaving(), "freeze and thaw", acting).freezing(&dir).cut_everywhere(1).await;
    println!("quiesce: cut at {} awaits", tally.cuts);
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
    println!("backup loop: cut at {} awaits, {} of them in what acts", tally.cuts, tally.before + tally.after);
    assert!(tally.before + tally.after >= 3, "in the freeze, the start and the thaw");
}
