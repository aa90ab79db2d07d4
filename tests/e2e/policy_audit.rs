//! The audit of an extension: what it did, what came of it, and nothing that is secret.

use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{
    AllowOnce, AuditBackup, AuditConsistency, AuditEvent, AuditOutcome, BackupLoop, Captured, Grants, Limits, Policy,
    Ungranted,
};
use agentapi_host::quiesce::{Application, Applications, Coordinator, Parked, Quiesce, Quiescing, Settings};
use agentapi_host::{Agent, Route};
use agentapi_mock::{BackupOutcome, Fault, MockAgent, Repeat};
use agentapi_scripted_agent::Answer;

use crate::audit::{Collector, assert_true};
use crate::support::{TOKEN, client_of, extension, happens_within, host, target_of_mock};

const DEVICE: &str = "/dev/sdc1";
const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";

/// Enough polls for a row of equal answers.
const POLLS: usize = 6;

fn collector() -> Collector {
    Collector::new(|| 0)
}

fn load(collector: &Collector, limits: Limits) -> Policy {
    let grants = Grants::from_toml(r#"functions = ["backup.due", "backup.start", "disks.list", "disks.format"]"#);
    let grants = grants.unwrap().ungranted(Ungranted::Deny);
    host().load_policy(extension("misbehaving"), &grants, &limits).unwrap().audit(collector.shared())
}

async fn agent() -> (Agent, MockAgent) {
    let mock = MockAgent::start().await.unwrap();
    (host().agent(target_of_mock(&mock)).unwrap(), mock)
}

#[tokio::test]
async fn every_operation_and_run_is_audited_without_a_secret() {
    let (agent, mock) = agent().await;
    let collector = collector();
    let policy = load(&collector, Limits::default());
    policy.run(&agent, "due").await.unwrap();
    policy.run(&agent, "/dev/sdc1=x").await.unwrap_err();
    policy.run(&agent, "freeze").await.unwrap_err();
    policy.run(&agent, "trap").await.unwrap_err();
    let run = |lines: &[&str], outcome: &str| {
        let lines = lines.iter().map(ToString::to_string);
        [vec!["run begin".into()], lines.collect(), vec![format!("run {outcome}")]].concat()
    };
    let expected = [
        run(&["backup.due begin", "backup.due ok"], "ok"),
        run(&["disks.format begin", "disks.format refused", "disks.format denied"], "failed"),
        run(&["quiesce.freeze begin", "quiesce.freeze denied"], "failed"),
        run(&[], "trapped"),
    ];
    assert_eq!(collector.words(), expected.concat());
    let entries = collector.entries();
    assert!(entries.iter().all(|entry| entry.extension == "misbehaving" && entry.extension_sha256.len() == 64));
    let mut runs: Vec<_> = entries.iter().map(|entry| &entry.run).collect();
    runs.dedup();
    assert_eq!(runs.len(), 4);
    let text = format!("{entries:?}");
    assert!(!text.contains(mock.token()) && !text.contains(&mock.endpoint()));
}

#[tokio::test]
async fn a_wipe_is_told_with_its_disk_and_who_decided() {
    let (agent, _mock) = agent().await;
    let collector = collector();
    let policy = load(&collector, Limits::default()).approver(Arc::new(AllowOnce::new(DEVICE, ID)));
    policy.run(&agent, &format!("{DEVICE}={ID}")).await.unwrap();
    let words = ["run begin", "disks.format begin", "disks.format approved", "disks.format ok", "run ok"];
    assert_eq!(collector.words(), words);
    let text = collector.text();
    let target = format!(r#""target":{{"device":"{DEVICE}","durable_id":"{ID}","fstype":"ext4"}}"#);
    assert_eq!(text.matches(&target).count(), 3, "{text}");
    assert!(text.contains(r#""event":"end","outcome":"ok","approval":"approved","guest":101,"#), "{text}");
    assert_eq!(collector.end_of_run().guest, Some(101));
}

#[tokio::test]
async fn what_a_limit_or_a_trap_cuts_off_is_abandoned_and_the_run_names_the_limit() {
    let (agent, mock) = agent().await;
    mock.inject(Route::BackupDue, Fault::Latency(Duration::from_secs(60)), Repeat::Times(1));
    let collector = collector();
    let limits = Limits { wall: Duration::from_millis(300), ..Limits::default() };
    load(&collector, limits).run(&agent, "due").await.unwrap_err();
    assert_eq!(collector.words(), ["run begin", "backup.due begin", "backup.due abandoned", "run stopped"]);
    assert_eq!(collector.end_of_run().reason.as_deref(), Some("more than 300ms in all"));

    let collector = self::collector();
    load(&collector, Limits { agent_calls: 20, ..Limits::default() })
        .run(&agent, "call without end")
        .await
        .unwrap_err();
    let words = ["run begin", "backup.due begin", "backup.due ok", "backup.due repeated 19", "run stopped"];
    assert_eq!(collector.words(), words);
    assert_eq!(collector.end_of_run().reason.as_deref(), Some("more than 20 agent calls"));
}

#[tokio::test]
async fn no_line_holds_the_token_whoever_writes_it() {
    // Only whoever decodes the JSON sees this one.
    let escaped: String = TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let refusal = format!(r#"{{"ok":false,"error":"no such token: {escaped}\u001b[2J"}}"#);
    let job = format!(r#"{{"ok":true,"data":{{"vmid":101,"job_id":"{escaped}","phase":"{escaped}"}}}}"#);
    let (agent, _peer) = client_of([Answer::new(200, refusal), Answer::new(200, job)]).await;
    let collector = collector();
    let policy = load(&collector, Limits::default());
    policy.run(&agent, "due").await.unwrap_err();
    policy.run(&agent, "start").await.unwrap();
    policy.run(&agent, &format!("{TOKEN}={TOKEN}\u{1b}[2J{}", "x".repeat(300))).await.unwrap_err();
    policy.run(&agent, TOKEN).await.unwrap_err();
    let text = collector.text();
    assert!(!text.contains(TOKEN) && !text.contains(&agent.endpoint().to_string()), "{text}");
    assert!(text.contains(r#""reason":"no such token: [masked]\\u{1b}[2J""#), "{text}");
    assert_eq!(text.matches(r#""backup":{"job_id":"[masked]","phase":"[masked]"}"#).count(), 2, "{text}");
    assert!(text.contains(r#"{"device":"[masked]","durable_id":"[masked]\\u{1b}[2Jxxx"#) && text.contains("x…"));
}

/// Applications that nobody hears of.
struct StillApplications;

impl Quiesce for StillApplications {
    fn freeze(&self) -> Quiescing<'_> {
        Box::pin(async { Ok(()) })
    }

    fn thaw(&self) -> Quiescing<'_> {
        Box::pin(async { Ok(()) })
    }
}

fn backup_loop(dir: &tempfile::TempDir, collector: &Collector) -> Policy {
    let own = Application::own("still", Arc::new(StillApplications) as Arc<dyn Quiesce>);
    let applications = Applications::new([own]).unwrap();
    let coordinator = Coordinator::open(dir.path().join("journal"), applications, Settings::default()).unwrap();
    let policy = host().backup_loop().unwrap().audit(collector.shared());
    policy.quiesce(coordinator, Parked::nothing_to_park)
}

fn input() -> String {
    let mut settings = BackupLoop::default();
    settings.poll_ms = 1;
    settings.input().unwrap()
}

fn statuses(mock: &MockAgent) -> usize {
    mock.requests().iter().filter(|request| request.path == "/backup/status").count()
}

/// Runs the loop on a backup that is asked about many times, and ends it like this.
async fn back_up(policy: &Policy, outcome: BackupOutcome) -> Arc<MockAgent> {
    let mock = Arc::new(MockAgent::start().await.unwrap());
    mock.change(|state| state.backup.set_duration(Duration::MAX));
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let ending = async {
        assert!(happens_within(Duration::from_secs(60), || statuses(&mock) >= POLLS).await);
        mock.change(|state| state.backup.finish(outcome));
    };
    let input = input();
    let (result, ()) = tokio::join!(policy.run(&agent, &input), ending);
    result.unwrap();
    mock
}

#[tokio::test]
async fn a_backup_that_failed_is_told_in_a_few_lines_with_the_agents_reason() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector();
    let policy = backup_loop(&dir, &collector);
    let mock = back_up(&policy, BackupOutcome::Failed("no space left on usb-backup".into())).await;
    let polls = statuses(&mock);
    // One before the start; after it one that is written, those that are counted, and the last, which says failed.
    let repeated = format!("backup.status repeated {}", polls - 3);
    let expected = [
        "run begin",
        "backup.status begin",
        "backup.status ok",
        "backup.due begin",
        "backup.due ok",
        "quiesce.freeze begin",
        "quiesce.freeze ok",
        "backup.start begin",
        "backup.start ok",
        "backup.status begin",
        "backup.status ok",
        &repeated,
        "backup.status begin",
        "backup.status ok",
        "quiesce.thaw begin",
        "quiesce.thaw ok",
        "run ok",
    ];
    assert_eq!(collector.words(), expected);
    let end = collector.end_of_run();
    let AuditBackup { job_id, phase, reason, .. } = end.backup.unwrap();
    assert_eq!((job_id.as_deref(), phase.as_deref()), (Some("bk-101-1"), Some("failed")));
    assert_eq!((reason.as_deref(), end.guest), (Some("no space left on usb-backup"), Some(101)));
    assert!(matches!(end.consistency, Some(AuditConsistency::Crash { .. })), "{:?}", end.consistency);
    assert_eq!(collector.text().matches(r#""reason":"no space left on usb-backup""#).count(), 2, "status and run");
    let repeated = collector.entries().into_iter().find_map(|entry| match entry.event {
        AuditEvent::Repeated { last_unix_ms, .. } => Some((entry.at_unix_ms, last_unix_ms)),
        _ => None,
    });
    assert!(repeated.is_some_and(|(written, last)| last > 0 && last <= written));
}

#[tokio::test]
async fn what_a_backup_is_worth_is_the_hosts_word() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector();
    let policy = backup_loop(&dir, &collector);
    back_up(&policy, BackupOutcome::Done).await;
    let end = collector.end_of_run();
    assert_eq!(end.backup.and_then(|backup| backup.phase).as_deref(), Some("done"));
    assert_eq!(end.consistency, Some(AuditConsistency::Application));
    assert!(
        collector
            .text()
            .contains(r#""operation":"quiesce.thaw","event":"end","outcome":"ok","consistency":"application""#)
    );
}

#[tokio::test]
async fn of_a_run_that_is_dropped_the_backup_is_told_as_it_was_last_seen() {
    for (captured, expected) in [
        (Captured::WhenDone, r#""consistency":"crash","consistency_reason":"the run ended before the agent said"#),
        (Captured::WhenRunning, r#""consistency":"unknown","consistency_reason":"the run ended before the thaw did""#),
    ] {
        let (agent, mock) = agent().await;
        mock.change(|state| state.backup.set_duration(Duration::MAX));
        let dir = tempfile::tempdir().unwrap();
        let collector = collector();
        let policy = backup_loop(&dir, &collector).captured(captured);
        let input = input();
        tokio::select! {
            result = policy.run(&agent, &input) => panic!("{result:?}"),
            is_polled = happens_within(Duration::from_secs(60), || statuses(&mock) >= POLLS) => assert!(is_polled),
        }
        assert_eq!(assert_true(&collector.seen(), &mock.requests(), &[]), AuditOutcome::Abandoned);
        let end = serde_json::to_string(&collector.end_of_run()).unwrap();
        assert!(end.contains(r#""backup":{"job_id":"bk-101-1","phase":"running"}"#) && end.contains(expected), "{end}");
    }
}

#[tokio::test]
async fn after_a_start_whose_answer_is_lost_the_status_names_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    let mock = MockAgent::start().await.unwrap();
    mock.change(|state| state.backup.set_duration(Duration::from_millis(50)));
    mock.inject(Route::StartBackup, Fault::ResetAt(0), Repeat::Times(1));
    let collector = collector();
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    backup_loop(&dir, &collector).run(&agent, &input()).await.unwrap();
    assert!(collector.words().contains(&"backup.start interrupted".to_owned()), "{:?}", collector.words());
    let AuditBackup { job_id, phase, .. } = collector.end_of_run().backup.unwrap();
    assert_eq!((job_id.as_deref(), phase.as_deref()), (Some("bk-101-1"), Some("done")));

    mock.inject(Route::StartBackup, Fault::Status(503.try_into().unwrap()), Repeat::Times(1));
    let (lost, refused) = (self::collector(), self::collector());
    load(&lost, Limits::default()).run(&agent, "start").await.unwrap_err();
    assert_eq!(lost.end_of_run().backup, Some(AuditBackup::default()), "nobody saw whether one was started");
    mock.inject(Route::StartBackup, Fault::Status(409.try_into().unwrap()), Repeat::Times(1));
    load(&refused, Limits::default()).run(&agent, "start").await.unwrap_err();
    assert_eq!(refused.end_of_run().backup, None);
}
