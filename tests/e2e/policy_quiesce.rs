//! Extensions that freeze: whatever they do after that, the applications are thawed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agentapi_host::policy::{Grants, Limits, Policy, RunError};
use agentapi_host::quiesce::{Application, Applications, Coordinator, Parked, Quiesce, Quiescing, Settings};
use agentapi_mock::MockAgent;

use crate::support::{extension, host, target_of_mock};

const THAWED_WITHOUT_A_BACKUP: &str =
    r#"thawed by FreezeEnd::Thaw: Consistency::Crash("no backup was begun while everything stood still")"#;

/// Applications that count how often they are frozen and thawed.
#[derive(Default)]
struct CountingApplications {
    frozen: AtomicUsize,
    thawed: AtomicUsize,
}

impl Quiesce for CountingApplications {
    fn freeze(&self) -> Quiescing<'_> {
        self.frozen.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn thaw(&self) -> Quiescing<'_> {
        self.thawed.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

struct Fixture {
    applications: Arc<CountingApplications>,
    coordinator: Coordinator,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let applications = Arc::new(CountingApplications::default());
        let quiesce = Application::own("counted", Arc::clone(&applications) as Arc<dyn Quiesce>);
        let coordinator =
            Coordinator::open(dir.path().join("journal"), Applications::new([quiesce]).unwrap(), Settings::default())
                .unwrap();
        Self { applications, coordinator, _dir: dir }
    }

    fn policy(&self, limits: Limits) -> Policy {
        let grants = Grants::from_toml("functions = [\"quiesce.*\", \"disks.list\"]\nungranted = \"deny\"").unwrap();
        host()
            .load_policy(extension("misbehaving"), &grants, &limits)
            .unwrap()
            .quiesce(self.coordinator.clone(), Parked::nothing_to_park)
    }

    /// Runs an extension and waits until nothing is frozen. Returns its outcome, the freezes and the thaws.
    async fn run(&self, policy: &Policy, input: &str) -> (Result<String, RunError>, usize, usize) {
        let mock = MockAgent::start().await.unwrap();
        let agent = host().agent(target_of_mock(&mock)).unwrap();
        let outcome = policy.run(&agent, input).await;
        // A run that did not thaw leaves that to the keeper, which thaws in the background.
        self.coordinator.idle().await.unwrap();
        let count = |counter: &AtomicUsize| counter.swap(0, Ordering::SeqCst);
        (outcome, count(&self.applications.frozen), count(&self.applications.thawed))
    }
}

#[tokio::test]
async fn a_freeze_is_thawed_however_the_run_ends_and_the_next_run_works() {
    let fixture = Fixture::new();
    let policy = fixture.policy(Limits { cpu: Duration::from_millis(300), ..Limits::default() });
    for (input, outcome) in [
        ("freeze", "frozen"),
        ("freeze and trap", "the extension trapped (its last call was quiesce.freeze)"),
        ("freeze and compute without end", "the extension was stopped (its last call was quiesce.freeze)"),
        ("freeze and thaw", THAWED_WITHOUT_A_BACKUP),
        // A start that is not granted begins no backup.
        ("freeze, start and thaw", THAWED_WITHOUT_A_BACKUP),
        ("freeze twice", "the extension failed: already-frozen"),
        ("thaw", "the extension failed: not-frozen"),
    ] {
        let (ended, frozen, thawed) = fixture.run(&policy, input).await;
        let ended = ended.unwrap_or_else(|error| error.to_string());
        let times = usize::from(input != "thaw");
        assert_eq!((ended.as_str(), frozen, thawed), (outcome, times, times), "{input}");
    }
}

#[tokio::test]
async fn a_run_that_lasts_too_long_in_all_is_thawed() {
    let fixture = Fixture::new();
    let wall = Duration::from_millis(500);
    let policy = fixture.policy(Limits { wall, ..Limits::default() });
    let (ended, frozen, thawed) = fixture.run(&policy, "freeze and compute without end").await;
    assert!(matches!(ended, Err(RunError::Stopped { .. })), "{ended:?}");
    assert_eq!((frozen, thawed), (1, 1));
}

#[tokio::test]
async fn while_another_run_holds_the_freeze_there_is_no_second_one() {
    let fixture = Fixture::new();
    let policy = fixture.policy(Limits::default());
    let mut lease = fixture.coordinator.freeze("nightly", &Parked::nothing_to_park()).await.unwrap();
    let mock = MockAgent::start().await.unwrap();
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let error = policy.run(&agent, "freeze").await.unwrap_err().to_string();
    assert_eq!(error, "the extension failed: busy: nightly");
    lease.thaw().await.unwrap();
    assert_eq!(policy.run(&agent, "freeze").await.unwrap(), "frozen");
}
