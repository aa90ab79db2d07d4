//! Extensions that misbehave: what the controller sees of each, and that the next run works.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_host::policy::{AllowOnce, Breach, Grants, Level, Limits, LoadError, Log, Policy, RunError, Ungranted};
use agentapi_host::{Agent, Host, Route, embedded_component};
use agentapi_mock::{Fault, MockAgent, Repeat};

use crate::support::{extension, host, target_of_mock};

const ALL: &str = r#"functions = ["backup.due", "backup.start", "disks.list", "disks.format"]
    ungranted = "deny""#;

/// Low limits, so that each is soon exceeded.
fn tight() -> Limits {
    let cpu = Duration::from_millis(300);
    Limits { cpu, agent_calls: 20, memory_bytes: 16 * 1024 * 1024, ..Limits::default() }
}

fn load(host: &Host, limits: Limits) -> Policy {
    host.load_policy(extension("misbehaving"), &Grants::from_toml(ALL).unwrap(), &limits).unwrap()
}

async fn agent() -> (Agent, MockAgent) {
    let mock = MockAgent::start().await.unwrap();
    (host().agent(target_of_mock(&mock)).unwrap(), mock)
}

async fn breach(input: &str) -> Breach {
    let (agent, _mock) = agent().await;
    let policy = load(&host(), tight());
    let breach = match policy.run(&agent, input).await.unwrap_err() {
        RunError::Stopped { breach, .. } => breach,
        other => panic!("{input}: {other:?}"),
    };
    assert_eq!(policy.run(&agent, "list").await.unwrap(), "4", "the next run works after {input}");
    breach
}

#[tokio::test]
async fn what_goes_beyond_a_limit_is_stopped_by_its_name_and_the_next_run_works() {
    assert_eq!(breach("compute without end").await, Breach::Cpu(tight().cpu));
    assert_eq!(breach("take all memory").await, Breach::Memory(tight().memory_bytes));
    assert_eq!(breach("call without end").await, Breach::AgentCalls(20));
    assert_eq!(breach("flood the log").await, Breach::Log(tight().log_bytes));
    assert_eq!(breach("return too much").await, Breach::Output(tight().output_bytes));
    assert_eq!(breach(&"x".repeat(1024 * 1024 + 1)).await, Breach::Input(tight().input_bytes));
}

#[tokio::test]
async fn what_the_host_does_and_holds_for_it_counts_too() {
    const MIB: usize = 1024 * 1024;
    assert_eq!(breach("take many random bytes at once").await, Breach::Random(65_536));
    assert_eq!(breach("pass an argument that is too large").await, Breach::Argument(MIB));
    assert_eq!(breach("fill the memory and pass the rest").await, Breach::Memory(tight().memory_bytes));
    assert_eq!(breach("take streams without end").await, Breach::Resources(10_000));
    assert_eq!(breach("make resources without end").await, Breach::Resources(10_000));
}

/// Processor time of this thread, which is the only one of these tests' runtimes.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[tokio::test]
async fn an_extension_that_only_keeps_the_host_busy_is_stopped_by_the_processor_time_of_both() {
    let (agent, _mock) = agent().await;
    let policy = load(&host(), Limits { agent_calls: u64::MAX, ..tight() });
    for input in ["take random bytes without end", "pass large arguments without end"] {
        let begun = thread_time();
        let error = policy.run(&agent, input).await.unwrap_err();
        let used = thread_time() - begun;
        assert!(matches!(error, RunError::Stopped { breach: Breach::Cpu(_), .. }), "{input}: {error:?}");
        // One call of the host is the most that comes on top; it was ten times the limit when only wasm was counted.
        assert!(used < 2 * tight().cpu, "{input}: {used:?}");
    }
}

#[tokio::test]
async fn waiting_counts_for_the_time_in_all_and_not_as_computing() {
    let (agent, mock) = agent().await;
    mock.inject(Route::BackupDue, Fault::Latency(Duration::from_millis(700)), Repeat::Times(1));
    let due = load(&host(), tight()).run(&agent, "due").await;
    assert!(due.is_ok(), "{due:?}");

    mock.inject(Route::BackupDue, Fault::Latency(Duration::from_secs(60)), Repeat::Times(1));
    let wall = Duration::from_millis(300);
    let limits = Limits { wall, ..tight() };
    let error = load(&host(), limits).run(&agent, "due").await.unwrap_err();
    assert!(matches!(error, RunError::Stopped { breach: Breach::Wall(limit), .. } if limit == wall), "{error:?}");
}

#[tokio::test]
async fn a_trap_or_a_failure_is_told_and_the_next_run_works() {
    let (agent, _mock) = agent().await;
    let policy = load(&host(), tight());
    for input in ["trap", "recurse"] {
        let error = policy.run(&agent, input).await.unwrap_err();
        assert!(matches!(error, RunError::Trapped { .. }), "{input}: {error:?}");
    }
    let error = policy.run(&agent, "fail").await.unwrap_err();
    assert_eq!(error.to_string(), "the extension failed: as asked");
    assert_eq!(policy.run(&agent, "list").await.unwrap(), "4");
}

#[tokio::test]
async fn an_extension_that_computes_does_not_hold_the_others_up() {
    let (agent, _mock) = agent().await;
    // On the one thread of this test's runtime, so that the other run needs the first one to make way.
    let policy = load(&host(), Limits { cpu: Duration::from_secs(2), ..tight() });
    let computing = policy.clone();
    let other = agent.clone();
    let running = tokio::spawn(async move { computing.run(&other, "compute without end").await });
    assert_eq!(policy.run(&agent, "list").await.unwrap(), "4");
    assert!(!running.is_finished(), "the other one was let run meanwhile");
    assert!(running.await.unwrap().is_err());
}

#[tokio::test]
async fn what_is_imported_and_not_granted_is_refused_at_load_with_what_is_missing() {
    let grants = Grants::from_toml(r#"functions = ["backup.*"]"#).unwrap();
    let error = host().load_policy(extension("misbehaving"), &grants, &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it imports backup.due, backup.start, disks.format, disks.list, quiesce.freeze, quiesce.thaw; granted are backup.due, \
         backup.start; missing are disks.format, disks.list, quiesce.freeze, quiesce.thaw: grant them, or set `ungranted = \"deny\"` \
         to load it all the same and answer these with `denied`",
    );
}

#[tokio::test]
async fn a_component_that_is_no_extension_or_wants_the_network_is_refused() {
    let refusal = |name: &str| host().load_policy(extension(name), &Grants::default(), &Limits::default()).unwrap_err();
    assert!(matches!(refusal("hostile"), LoadError::NoPolicy));
    let imports = host().imports_of_policy(embedded_component()).unwrap();
    assert!(imports.forbidden.iter().any(|name| name.starts_with("wasi:http/outgoing-handler")), "{imports:?}");
    assert!(imports.forbidden.iter().any(|name| name.contains("pinning")), "{imports:?}");
    let error = host().load_policy_bytes("x", b"\0asm", &Grants::default(), &Limits::default()).unwrap_err();
    assert!(matches!(error, LoadError::Component(_)));
}

#[tokio::test]
async fn what_is_loaded_without_its_grant_is_denied_at_each_call() {
    let (agent, mock) = agent().await;
    let grants = Grants::from_toml(r#"functions = ["backup.due"]"#).unwrap().ungranted(Ungranted::Deny);
    let policy = host().load_policy(extension("misbehaving"), &grants, &tight()).unwrap();
    assert!(policy.run(&agent, "due").await.is_ok());
    for (input, function) in [("start", "backup.start"), ("list", "disks.list"), ("/dev/sdc1=x", "disks.format")] {
        let error = policy.run(&agent, input).await.unwrap_err().to_string();
        assert_eq!(error, format!("the extension failed: denied: the grant {function} is missing"));
    }
    let error = policy.run(&agent, "freeze").await.unwrap_err().to_string();
    assert!(error.contains("the grant quiesce.freeze is missing"), "{error}");
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test]
async fn a_forged_confirmation_reaches_the_agent_only_if_a_person_approves_that_very_disk() {
    const DEVICE: &str = "/dev/sdc1";
    const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
    let (agent, mock) = agent().await;
    let policy = load(&host(), tight());
    let input = format!("{DEVICE}={ID}");
    let denied = "the extension failed: denied: no person has approved that this disk is wiped";
    assert_eq!(policy.run(&agent, &input).await.unwrap_err().to_string(), denied);

    let other = policy.clone().approver(Arc::new(AllowOnce::new("/dev/sdd1", ID)));
    assert_eq!(other.run(&agent, &input).await.unwrap_err().to_string(), denied);
    assert_eq!(mock.requests().len(), 0);

    let approved = policy.approver(Arc::new(AllowOnce::new(DEVICE, ID)));
    assert_eq!(approved.run(&agent, &input).await.unwrap(), "formatted: true");
    assert_eq!(approved.run(&agent, &input).await.unwrap_err().to_string(), denied, "once");
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test]
async fn a_wildcard_ends_at_its_interface() {
    let (agent, mock) = agent().await;
    let grants = Grants::from_toml(r#"functions = ["disks.*"]"#).unwrap().ungranted(Ungranted::Deny);
    let policy = host().load_policy(extension("misbehaving"), &grants, &tight()).unwrap();
    assert_eq!(policy.run(&agent, "list").await.unwrap(), "4");
    let denied = policy.run(&agent, "due").await.unwrap_err().to_string();
    assert_eq!(denied, "the extension failed: denied: the grant backup.due is missing");
    // The format is granted, but nobody approves the wipe.
    let denied = policy.run(&agent, "/dev/sdc1=uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10").await.unwrap_err();
    assert_eq!(denied.to_string(), "the extension failed: denied: no person has approved that this disk is wiped");
    assert_eq!(mock.requests().len(), 1);
}

/// Keeps the lines that extensions print.
#[derive(Default)]
struct LineCollector(Mutex<Vec<String>>);

impl Log for LineCollector {
    fn line(&self, extension: &str, level: Level, line: &str) {
        self.0.lock().unwrap().push(format!("{extension} {level}: {line}"));
    }
}

#[tokio::test]
async fn the_standard_library_finds_nothing_but_its_log() {
    let (agent, _mock) = agent().await;
    let lines = Arc::new(LineCollector::default());
    let policy = host().load_policy(extension("curious"), &Grants::default(), &tight()).unwrap();
    let policy = policy.log(Arc::clone(&lines) as Arc<dyn Log>);
    let found = policy.run(&agent, "").await.unwrap();
    let places: Vec<_> = found.lines().map(|line| line.split_once(": ").unwrap()).collect();
    assert_eq!(places.len(), 7, "{found}");
    for (place, found) in places {
        let nothing = match place {
            "variables" | "arguments" => "0",
            "input" => r#""0""#,
            _ => "none",
        };
        assert_eq!(found, nothing, "{place}");
    }
    assert_eq!(*lines.0.lock().unwrap(), ["curious info: looking", "curious warn: around"]);

    let error = policy.run(&agent, "exit").await.unwrap_err();
    assert!(matches!(error, RunError::Trapped { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_keeps_its_kind_and_loses_the_address() {
    let (agent, mock) = agent().await;
    let endpoint = mock.endpoint();
    mock.stop().await;
    let error = load(&host(), tight()).run(&agent, "due").await.unwrap_err().to_string();
    assert!(error.contains("Unreachable"), "{error}");
    assert!(!error.contains(&endpoint) && !error.contains("127.0.0.1"), "{error}");
}
