//! What the host gives an extension beside the agent's operations: a log with levels, clocks, state and messages. Each with
//! its grant and its limit; and that extensions which were built before these interfaces were there still run.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agentapi_host::policy::{
    Breach, CallObserver, Grants, Level, Limits, LoadError, Log, MemoryNotifications, MemoryState, ObservedCall,
    Policy, RunError, VirtualClock,
};
use agentapi_host::{Agent, Route};
use agentapi_mock::{BackupOutcome, MockAgent};

use crate::support::{extension, host, target_of_mock};

const ALL: &str = r#"functions = ["state.*", "notify.*", "backup.*", "quiesce.*", "disks.eject"]"#;
const NONE: &str = "functions = []\nungranted = \"deny\"";
const HOUR: Duration = Duration::from_secs(3600);

fn diligent(grants: &str, limits: Limits) -> Policy {
    host().load_policy(extension("diligent"), &Grants::from_toml(grants).unwrap(), &limits).unwrap()
}

async fn agent() -> (Agent, MockAgent) {
    let mock = MockAgent::start().await.unwrap();
    (host().agent(target_of_mock(&mock)).unwrap(), mock)
}

#[derive(Default)]
struct Lines(Mutex<Vec<(Level, String)>>);

impl Log for Lines {
    fn line(&self, _: &str, level: Level, line: &str) {
        self.0.lock().unwrap().push((level, line.into()));
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<ObservedCall>>);

impl CallObserver for Seen {
    fn call(&self, call: &ObservedCall) {
        self.0.lock().unwrap().push(call.clone());
    }
}

impl Seen {
    /// Function and outcome of each call.
    fn calls(&self) -> Vec<String> {
        let describe = |call: &ObservedCall| match &call.outcome {
            Ok(answer) => format!("{} {}", call.function, answer),
            Err(error) => format!("{} {}", call.function, error.kind),
        };
        self.0.lock().unwrap().iter().map(describe).collect()
    }
}

#[tokio::test]
async fn lines_have_the_level_that_the_extension_gave_them_and_share_one_limit() {
    let (agent, _mock) = agent().await;
    let lines = Arc::new(Lines::default());
    let policy = diligent(NONE, Limits { log_bytes: 20, ..Limits::default() }).log(Arc::clone(&lines) as _);
    assert_eq!(policy.run(&agent, "log warn low;log trace a\nb").await.unwrap(), "ok;ok");
    let expected = [(Level::Warn, "low"), (Level::Trace, "a"), (Level::Trace, "b")];
    assert_eq!(*lines.0.lock().unwrap(), expected.map(|(level, line)| (level, line.to_owned())));

    for input in ["log info 12345678901234567890", "log info ;log info ;log info 012345678901234567"] {
        let error = policy.run(&agent, input).await.unwrap_err();
        assert!(matches!(error, RunError::Stopped { breach: Breach::Log(20), .. }), "{input}: {error:?}");
    }
}

#[tokio::test]
async fn hours_of_a_virtual_clock_take_no_time_and_the_wall_is_held_by_it() {
    let (agent, _mock) = agent().await;
    let started = SystemTime::UNIX_EPOCH + 24 * HOUR;
    let policy = diligent(NONE, Limits { wall: 5 * HOUR, ..Limits::default() });
    let policy = policy.clock(Arc::new(VirtualClock::starting_at(started)));
    let sleeps = "sleep 3600000;".repeat(4) + "now";
    assert_eq!(policy.run(&agent, &sleeps).await.unwrap(), format!("ok;ok;ok;ok;{}", 28 * 3_600_000));

    let error = policy.run(&agent, "sleep 18000001").await.unwrap_err();
    assert!(matches!(error, RunError::Stopped { breach: Breach::Wall(limit), .. } if limit == 5 * HOUR), "{error:?}");
    assert_eq!(error.to_string(), "the extension was stopped (its last call was clock.sleep-ms)");
}

#[tokio::test]
async fn a_pause_counts_towards_the_wall_of_a_real_clock_too() {
    let (agent, _mock) = agent().await;
    let wall = Duration::from_millis(300);
    let policy = diligent(NONE, Limits { wall, ..Limits::default() });
    assert_eq!(policy.run(&agent, "sleep 1").await.unwrap(), "ok");
    let error = policy.run(&agent, "sleep 18446744073709551615").await.unwrap_err();
    assert!(matches!(error, RunError::Stopped { breach: Breach::Wall(limit), .. } if limit == wall), "{error:?}");
}

#[tokio::test]
async fn the_backup_loop_waits_by_the_clocks_of_wasi_which_are_the_same() {
    let (agent, mock) = agent().await;
    mock.change(|state| state.backup.set_duration(Duration::MAX));
    let grants = Grants::from_toml(ALL).unwrap();
    let limits = Limits { wall: 9 * HOUR, agent_calls: 100_000, ..Limits::default() };
    let policy = host().load_policy(extension("backup-loop"), &grants, &limits).unwrap();
    let clock = VirtualClock::starting_at(SystemTime::UNIX_EPOCH);
    let policy = policy.clock(Arc::new(clock.clone()));
    let input = r#"{"freeze": false, "even_if_not_due": true, "give_up_after_s": 14400}"#;
    let report = policy.run(&agent, input).await.unwrap();
    assert!(report.contains("still-running"), "{report}");
}

#[tokio::test]
async fn what_is_remembered_is_there_in_the_next_run_and_no_other_extension_sees_it() {
    let (agent, _mock) = agent().await;
    let state = MemoryState::default();
    let policy = diligent(ALL, Limits::default()).state(Arc::new(state.clone()));
    assert_eq!(policy.run(&agent, "set a one;set b/1 x;get a;get c").await.unwrap(), r#"();();Some("one");None"#);
    assert_eq!(
        policy.run(&agent, "get a;list b;delete a;delete a").await.unwrap(),
        r#"Some("one");["b/1"];true;false"#
    );

    let bytes = std::fs::read(extension("diligent")).unwrap();
    let other =
        host().load_policy_bytes("other", &bytes, &Grants::from_toml(ALL).unwrap(), &Limits::default()).unwrap();
    assert_eq!(other.state(Arc::new(state)).run(&agent, "list").await.unwrap(), "[]");
}

#[tokio::test]
async fn two_runs_at_the_same_time_keep_their_lines_and_calls_apart() {
    let (agent, _mock) = agent().await;
    let policy = diligent(ALL, Limits::default()).state(Arc::new(MemoryState::default()));
    let (one, two) = (Arc::new(Lines::default()), Arc::new(Lines::default()));
    let first = policy.clone().log(Arc::clone(&one) as _);
    let second = policy.clone().log(Arc::clone(&two) as _);
    let (a, b) = tokio::join!(
        first.run(&agent, "log info one;sleep 50;set a 1;log info one"),
        second.run(&agent, "log info two;sleep 20;set b 2;log info two"),
    );
    assert_eq!((a.unwrap(), b.unwrap()), ("ok;ok;();ok".into(), "ok;ok;();ok".into()));
    for (lines, text) in [(one, "one"), (two, "two")] {
        assert_eq!(*lines.0.lock().unwrap(), [(Level::Info, text.to_owned()), (Level::Info, text.to_owned())]);
    }
    assert_eq!(policy.run(&agent, "list").await.unwrap(), r#"["a", "b"]"#);
}

#[tokio::test]
async fn the_bounds_of_the_state_are_told_by_name_and_nothing_is_changed() {
    let (agent, _mock) = agent().await;
    let policy = diligent(ALL, Limits::default()).state(Arc::new(MemoryState::default()));
    let fill: String = (0..15).map(|key| format!("fill {key:02} 65536;")).collect();
    assert_eq!(policy.run(&agent, &fill).await.unwrap().matches("()").count(), 15);
    for (input, expected) in [
        ("fill x 65537", r#"StateError::TooLarge("a value of 65537 bytes; at most 65536")"#),
        ("fill x 65536", r#"StateError::TooLarge("1048607 bytes of keys and values; at most 1048576")"#),
        (
            "set",
            "StateError::InvalidKey(\"expected a key of 1 to 256 bytes without control characters, found an empty one\")",
        ),
    ] {
        assert_eq!(policy.run(&agent, input).await.unwrap(), expected);
    }
    assert_eq!(policy.run(&agent, "list x;get").await.unwrap().split(';').next().unwrap(), "[]");
}

#[tokio::test]
async fn a_message_is_passed_on_checked_and_counted_and_is_in_the_observed_calls() {
    let (agent, _mock) = agent().await;
    let (raised, seen) = (MemoryNotifications::default(), Arc::new(Seen::default()));
    let policy = diligent(ALL, Limits { agent_calls: 4, ..Limits::default() });
    let policy = policy.notifications(Arc::new(raised.clone())).observer(Arc::clone(&seen) as _);
    let result = policy.run(&agent, "send stale warning No backup;send stale warning No backup;clear none").await;
    assert_eq!(result.unwrap(), "();();false");
    assert_eq!(raised.raised().len(), 1);
    assert_eq!(raised.raised()[0].title, "No backup");
    assert_eq!(seen.calls(), ["notify.send null", "notify.send null", "notify.clear false"]);

    let wrong = policy.run(&agent, "send k info").await.unwrap();
    assert!(wrong.starts_with("NotifyError::InvalidArgument(\"expected a title of 1 to 256 bytes"), "{wrong}");
    let error = policy.run(&agent, &"send k info t;".repeat(5)).await.unwrap_err();
    assert!(matches!(error, RunError::Stopped { breach: Breach::AgentCalls(4), .. }), "{error:?}");
}

#[tokio::test]
async fn state_and_messages_need_their_grants_and_somebody_who_keeps_or_passes_them_on() {
    let (agent, _mock) = agent().await;
    let error = host().load_policy(extension("diligent"), &Grants::default(), &Limits::default()).unwrap_err();
    let LoadError::Ungranted { missing, .. } = error else { panic!("{error:?}") };
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    for function in ["state.get", "state.set", "state.delete", "state.list", "notify.send", "notify.clear"] {
        assert!(missing.iter().any(|missing| missing == function), "{function} is not in {missing:?}");
    }
    assert!(!missing.iter().any(|missing| missing.starts_with("log.") || missing.starts_with("clock.")), "{missing:?}");

    let policy = diligent(NONE, Limits::default());
    let policy = policy.state(Arc::new(MemoryState::default())).notifications(Arc::new(MemoryNotifications::default()));
    for (command, function) in [
        ("get a", "state.get"),
        ("set a 1", "state.set"),
        ("delete a", "state.delete"),
        ("list", "state.list"),
        ("send a info t", "notify.send"),
        ("clear a", "notify.clear"),
    ] {
        let result = policy.run(&agent, command).await.unwrap();
        assert!(result.ends_with(&format!("Denied(\"the grant {function} is missing\")")), "{command}: {result}");
    }
    let nobody = diligent(ALL, Limits::default()).run(&agent, "get a;send a info t").await.unwrap();
    let expected = "StateError::Denied(\"the controller keeps no state for extensions\");\
                    NotifyError::Failed(\"the controller passes no messages on\")";
    assert_eq!(nobody, expected);
}

#[tokio::test]
async fn a_dry_run_reads_and_only_records_what_acts() {
    let (agent, mock) = agent().await;
    mock.change(|state| state.backup.set_outcome(BackupOutcome::Failed("not asked for".into())));
    let (state, seen) = (MemoryState::default(), Arc::new(Seen::default()));
    let policy = diligent(ALL, Limits::default()).state(Arc::new(state.clone())).observer(Arc::clone(&seen) as _);
    let policy = policy.dry_run();
    let input = "status;freeze;start;status;thaw;eject /mnt/media;set a 1;get a;send k info t";
    let result = policy.run(&agent, input).await.unwrap();
    let crash = r#"Consistency::Crash("a dry run freezes nothing")"#;
    let expected =
        format!("BackupPhase::Idle;();\"dry-run-1\";BackupPhase::Done;{crash};\"/mnt/media\";();Some(\"1\");()");
    assert_eq!(result, expected);
    assert_eq!(mock.requests().len(), 1, "the first status");
    assert!(state.of("diligent").is_empty());
    let calls = seen.calls();
    assert_eq!(calls.len(), 9, "{calls:?}");
    assert!(calls[2].contains("dry-run-1"), "{calls:?}");
}

#[tokio::test]
async fn a_call_in_which_the_run_ends_is_told_as_abandoned_and_a_trap_names_the_last_call() {
    let (agent, _mock) = agent().await;
    let seen = Arc::new(Seen::default());
    let policy = diligent(ALL, Limits { wall: Duration::from_millis(200), ..Limits::default() });
    let policy = policy.observer(Arc::clone(&seen) as _);
    policy.run(&agent, "status;sleep 100000").await.unwrap_err();
    assert_eq!(seen.calls().last().unwrap(), "clock.sleep-ms abandoned");
    let error = policy.run(&agent, "status;trap").await.unwrap_err();
    assert_eq!(error.to_string(), "the extension trapped (its last call was backup.status)");
    // What a language does with an error that nobody catches: the words are those of the error.
    let error = policy.run(&agent, "get a;trap").await.unwrap_err().to_string();
    let why = "denied: the controller keeps no state for extensions";
    assert_eq!(error, format!("the extension trapped (its last call was state.get, which failed: {why})"));
}

/// Two components that were built when the package was 0.2.0 and had none of this: one without a standard library of its
/// own making, in Rust, and one in JavaScript, which imports every interface of the world whole.
#[tokio::test]
async fn extensions_that_were_built_against_0_2_0_run_without_being_built_again() {
    let (agent, mock) = agent().await;
    let grants = Grants::from_toml(ALL).unwrap();
    let backup_loop = include_bytes!("kept/backup_loop.wasm");
    let policy = host().load_policy_bytes("backup-loop", backup_loop, &grants, &Limits::default()).unwrap();
    let report = policy.run(&agent, r#"{"freeze": false, "even_if_not_due": true, "poll_ms": 1}"#).await.unwrap();
    assert!(report.contains(r#""outcome":"done""#), "{report}");
    assert!(mock.requests().iter().any(|request| request.path == Route::StartBackup.path()));

    let mut storage_report = Vec::new();
    let packed = &include_bytes!("kept/storage_report.wasm.gz")[..];
    flate2::read::GzDecoder::new(packed).read_to_end(&mut storage_report).unwrap();
    assert!(contains(&storage_report, b"felhom:agentapi/policy@0.2.0"));
    let grants = r#"functions = ["storage.mounts", "disks.list", "host-metrics.collect"]
        ungranted = "deny""#;
    let grants = Grants::from_toml(grants).unwrap();
    let policy = host().load_policy_bytes("storage-report", &storage_report, &grants, &Limits::default()).unwrap();
    let report = policy.run(&agent, "{}").await.unwrap();
    assert!(report.contains(r#""threshold":0.8"#), "{report}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
