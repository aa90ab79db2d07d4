//! Each kind of expectation, met and not met, with an extension that does as it is told; and what is printed of it.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use agentapi_host::Host;
use agentapi_policy_test::{CaseFile, CaseOutcome, Named, Suite, junit, report};

const GRANTS: &str = r#"functions = ["state.*", "notify.*", "backup.*", "quiesce.*", "disks.eject"]"#;

/// The extension of `tests/extensions/diligent`, built once.
fn diligent() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let folder = target().join("extensions");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["rustc", "--locked", "--quiet", "--lib", "--crate-type", "cdylib", "--package", "diligent"]);
        cargo.args(["--profile", "component", "--target", "wasm32-wasip2"]).env("CARGO_TARGET_DIR", &folder);
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        assert!(cargo.status().unwrap().success(), "diligent does not build");
        folder.join("wasm32-wasip2/component/diligent.wasm")
    };
    BUILT.get_or_init(build).clone()
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::builder().cache_dir(target().join("cache")).build().unwrap()).clone()
}

/// Runs the cases in a text.
async fn run(extension: PathBuf, grants: &str, cases: &str) -> Vec<CaseOutcome> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let named = Named { extension: Some(extension), grants: Some(file("grants.toml", grants)) };
    let cases = CaseFile::read(&file("cases.toml", cases)).unwrap();
    let mut outcomes = Suite::load(host(), vec![cases], &named, "").unwrap().run(4).await;
    for outcome in &mut outcomes {
        // What differs from run to run.
        outcome.file = "cases.toml".into();
        outcome.real_time = Duration::ZERO;
    }
    outcomes
}

/// Runs one case of which input and expectations are given.
async fn outcome(case: &str) -> CaseOutcome {
    let cases = format!("[[case]]\nname = \"x\"\n{case}");
    run(diligent(), GRANTS, &cases).await.remove(0)
}

/// The lines of the report that say what differs.
fn differences(outcome: &CaseOutcome) -> String {
    let text = report(std::slice::from_ref(outcome), Duration::ZERO);
    let lines =
        text.lines().skip(3).take_while(|line| !line.contains("log of the run") && !line.contains("was logged"));
    lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_kind_of_expectation_is_met() {
    for case in [
        "input = 'now'\nclock = 2026-03-01T02:00:00Z\n[case.expect]\nresult = 1_772_330_400_000",
        "input = 'sleep 14400000;monotonic'\nlimits.wall_ms = 15_000_000\n[case.expect]\nresult = 'ok;14400000'",
        "input = 'trap'\n[case.expect]\nerror = { kind = 'trapped' }",
        "input = 'log info 0123456789'\nlimits.log_bytes = 5\n[case.expect]\nerror = { kind = 'stopped', contains = '5 bytes of log' }",
        "input = 'status;start;status'\n[case.expect]\ncalls = ['backup.status', 'backup.start', 'backup.status']\nposts = ['/backup']",
        "input = 'status;status;status;sleep 5'\n[case.expect]\ncalls = ['backup.status+']",
        "input = 'sleep 5'\n[case.expect]\ncalls = [{ function = 'clock.sleep-ms', arguments = { milliseconds = 5 } }]",
        "input = 'status;start'\n[case.expect]\ncalls_include = [{ function = 'backup.start', answer = { job_id = 'bk-101-1' } }]\ncalls_never = ['disks.eject']",
        "input = 'eject /mnt/felhom/media'\n[case.expect]\nposts = [{ path = '/disks/eject', body = { where = '/mnt/felhom/media' } }]",
        "input = 'start'\nfaults = ['start-backup:status=503']\n[case.expect]\ncalls = [{ function = 'backup.start', error = 'http-status' }]",
        "input = 'log warn low;log info more'\n[case.expect]\nlog = [{ level = 'warn', contains = 'lo' }, 'more']\nlog_never = ['high']",
        "input = 'send k warning A title'\n[case.expect]\nnotifications = [{ key = 'k', severity = 'warning', title = 'title' }]\ntold = ['k']",
        "input = 'get a;set b 2;delete c'\nstate = { a = '1', c = { x = 3 } }\n[case.expect]\nresult = 'Some(\"1\");();true'\nstate = { a = '1', b = 2 }\nstate_without = ['c']",
        "input = 'get a'\nstate = { a = { x = [1] } }\n[case.expect]\nresult = 'Some(\"{\\\"x\\\":[1]}\")'",
        "input = 'freeze;start;sleep 3000;status;thaw'\nfreeze = 'works'\n[case.expect]\nresult = '();\"bk-101-1\";ok;BackupPhase::Done;Consistency::Application'",
        "input = 'freeze'\nfreeze = 'fails'\n[case.expect]\ncalls = [{ function = 'quiesce.freeze', error = 'failed' }]",
        "input = 'freeze'\n[case.expect]\ncalls = [{ function = 'quiesce.freeze', error = 'denied' }]",
    ] {
        let outcome = outcome(case).await;
        assert!(outcome.is_ok(), "{case}\n{}", report(std::slice::from_ref(&outcome), Duration::ZERO));
    }
}

#[tokio::test]
async fn an_expectation_that_is_not_met_is_told_at_its_place() {
    for (case, expected) in [
        ("input = 'now'\n[case.expect]\nresult = 1", "result\n  expected 1\n  found    1767225600000"),
        (
            "input = 'trap'\n[case.expect]\nresult = 1",
            "error\n  expected nothing\n  found    trapped: the extension trapped:",
        ),
        (
            "input = 'now'\n[case.expect]\nerror = { kind = 'failed', contains = 'x' }",
            "error\n  expected failed: … x …\n  found    the result 1767225600000",
        ),
        (
            "input = 'log info 0123456789'\nlimits.log_bytes = 5\n[case.expect]\nerror = { kind = 'failed' }",
            "error\n  expected failed\n  found    stopped: the extension was stopped: more than 5 bytes of log",
        ),
        (
            "input = 'status;start;status'\n[case.expect]\ncalls = ['backup.status+', 'disks.eject', 'backup.status']",
            "calls\n    expected        found\n    backup.status+  backup.status\n  > disks.eject     backup.start\n    backup.status   backup.status\n    (end)           (end)",
        ),
        (
            "input = 'eject /mnt/felhom/media'\n[case.expect]\ncalls = [{ function = 'disks.eject', arguments = { where = '/mnt/x' } }]",
            "calls\n    expected                        found\n  > disks.eject {\"where\":\"/mnt/x\"}  disks.eject\n    (end)                           (end)\ncalls[0].arguments.where\n  expected \"/mnt/x\"\n  found    \"/mnt/felhom/media\"",
        ),
        (
            "input = 'status;status'\n[case.expect]\ncalls_include = ['backup.start']",
            "calls_include\n  expected backup.start\n  found    backup.status (2 times)",
        ),
        (
            "input = 'start'\n[case.expect]\ncalls_never = ['backup.start']\nposts = []",
            "posts\n  expected nothing\n  found    /backup {}\ncalls_never\n",
        ),
        (
            "input = 'log warn low'\n[case.expect]\nlog = [{ level = 'info', contains = 'low' }]\nlog_never = ['lo']",
            "log\n  expected info: … low …\n  found    no such line, in this order\nlog_never\n  expected no line … lo …\n  found    warn: low",
        ),
        (
            "input = 'send k warning A title'\n[case.expect]\nnotifications = [{ key = 'k', severity = 'info', title = 'B' }, { key = 'l' }]\ntold = []",
            "told\n  expected nobody, of nothing\n  found    k\nnotifications.k.severity\n  expected \"info\"\n  found    \"warning\"\nnotifications.k.title\n  expected … B …\n  found    A title\nnotifications.l\n  expected raised\n  found    not raised",
        ),
        (
            "input = 'send k info t'\n[case.expect]\nnotifications = []",
            "notifications.k\n  expected not raised\n  found    raised: t",
        ),
        (
            "input = 'set a 1'\n[case.expect]\nstate = { a = 2, b = 'x' }\nstate_without = ['a']",
            "state.a\n  expected 2\n  found    1\nstate.b\n  expected \"x\"\n  found    nothing\nstate.a\n  expected nothing\n  found    1",
        ),
    ] {
        let outcome = outcome(case).await;
        let found = differences(&outcome);
        // The order of differences is that of the table in the documentation, but for what one case has of two kinds.
        let all = expected.split("\ncalls_never\n").all(|part| found.contains(part));
        assert!(!outcome.is_ok() && all, "{case}\nexpected\n{expected}\nfound\n{found}");
    }
}

#[tokio::test]
async fn runs_carry_on_state_messages_agent_and_clock() {
    let case = r#"
        clock = 2026-03-01T00:00:00Z
        scenario = { backup = { duration_ms = 60_000 } }

        [[case.run]]
        input = "now;set a 1;send k info t;start"
        [case.run.expect]
        result = '1772323200000;();();"bk-101-1"'
        told = ["k"]

        [[case.run]]
        after = "36h"
        faults = ["backup-status:status=500*1"]
        input = "now;get a;send k info t;status;status"
        [case.run.expect]
        calls_include = [{ function = "backup.status", error = "http-status" }, "backup.status"]
        log = []
        told = []
        notifications = [{ key = "k" }]
        posts = []

        [[case.run]]
        scenario = { backup = { failure = "no space left" } }
        input = "now;send k info other;start;sleep 60000;status"
        [case.run.expect]
        result = '1772452800000;();"bk-101-2";ok;BackupPhase::Failed'
        told = ["k"]

        [[case.run]]
        input = "get a"
        [case.run.expect]
        result = "None"

        [[case.run]]
        [case.run.expect]
        result = "this is not reached"
    "#;
    let outcome = outcome(case).await;
    assert_eq!(outcome.runs.len(), 4, "it ends with the first run that is not as expected");
    assert_eq!(differences(&outcome), "run 4 of the case\nresult\n  expected \"None\"\n  found    \"Some(\\\"1\\\")\"");
    assert_eq!(outcome.virtual_time, Duration::from_secs(36 * 3600 + 60));
}

#[tokio::test]
async fn the_example_of_the_documentation_is_as_expected() {
    let document = include_str!("../cases.md");
    let example = document.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let grants = std::fs::read_to_string(root.join("extensions/backup-loop/grants.toml")).unwrap();
    let outcomes = run(root.join("host-harness/component/backup_loop.wasm"), &grants, example).await;
    assert!(outcomes.iter().all(CaseOutcome::is_ok), "{}", report(&outcomes, Duration::ZERO));
}

#[tokio::test]
async fn the_reports_are_those_that_are_kept() {
    let cases = r#"
[[case]]
name = "what is as expected has a line, and a name that is long goes on in the next one"
input = "sleep 14400000"
limits.wall_ms = 15_000_000
[case.expect]
result = "ok"

[[case]]
name = "calls stand <side> by side"
input = "log info begun;status;status;status;start;log warn ended"
[case.expect]
calls = ["backup.status+", "disks.eject"]
posts = []
"#;
    let outcomes = run(diligent(), GRANTS, cases).await;
    let text = report(&outcomes, Duration::from_millis(1230));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for (name, found) in [("report.txt", text), ("report.xml", junit(&outcomes, Duration::from_millis(1230)))] {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
        if std::env::var_os("AGENTAPI_WRITE_SCREENS").is_some() {
            std::fs::write(&kept, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&kept).unwrap_or_default(), "{name}");
    }
}

#[tokio::test]
async fn a_recording_is_replayed_in_place_of_a_scenario() {
    let recording = tempfile::NamedTempFile::new().unwrap();
    let status = r#"{"ok":true,"data":{"vmid":7,"phase":"failed","job_id":"nightly-9","error":"no space"}}"#;
    let line = serde_json::json!({
        "at_ms": 0, "operation": "backup-status", "request": null, "took_ms": 1, "status": 200, "body": status,
    });
    std::fs::write(recording.path(), format!("{{\"format\":\"agentapi-recording\",\"version\":1}}\n{line}\n")).unwrap();
    let case = format!(
        "replay = '{}'\ninput = 'status;start'\n[case.expect]\ncalls = [{{ function = 'backup.status', \
         answer = {{ job_id = 'nightly-9', error = 'no space' }} }}, {{ function = 'backup.start', error = 'http-status' }}]",
        recording.path().display()
    );
    let outcome = outcome(&case).await;
    assert!(outcome.is_ok(), "{}", report(std::slice::from_ref(&outcome), Duration::ZERO));
}
