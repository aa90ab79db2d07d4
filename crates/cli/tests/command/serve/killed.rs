//! `kill -9` at random moments: what the next controller makes of it.

use std::collections::BTreeMap;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Beside, Fixture, QUICK, wait_until};

/// How often: `AGENTAPI_TEST_KILLS`, or so many.
const KILLS: u64 = 20;
/// The longest life. A backup with its freeze takes some 1.3 s, so that each moment of one is hit.
const LONGEST_LIFE_MS: u64 = 2500;

#[test]
fn killed_at_random_moments_it_makes_no_backup_twice_leaves_nothing_frozen_and_tells_the_truth() {
    let kills = number("AGENTAPI_TEST_KILLS").unwrap_or(KILLS).min(300);
    let seed = number("AGENTAPI_TEST_SEED").unwrap_or(1);
    let (fixture, begun) = (Fixture::with(QUICK), Instant::now());
    let backup = "[backup]\nevery = \"1s\"\neven_if_not_due = true\n";
    let quiesce = fixture.quiesce("echo freeze >> marks; touch frozen", "echo thaw >> marks; rm -f frozen");
    fixture.configure(&[backup, &quiesce].concat());
    let mut random = Random(seed);
    for _ in 0..kills {
        let mut controller = Beside::spawn(fixture.serve_command(&[]));
        thread::sleep(Duration::from_millis(random.next() % LONGEST_LIFE_MS));
        assert!(controller.is_running(), "{}", controller.stderr());
        controller.signal(Signal::KILL);
        assert_eq!(controller.status(), 137);
    }
    let mut controller = fixture.serve();
    fixture.local(&["schedule", "pause", "backup"]);
    let is_empty = |list: &Value| list["runs"].as_array().is_some_and(Vec::is_empty);
    wait_until("no run stays open", || is_empty(&fixture.get("/v1/runs?open=true").1));

    assert_nothing_is_frozen(&fixture);
    let runs = runs(&fixture);
    assert_history_is_true(&fixture, &runs);
    let was_taken_up = |run: &&Value| run["end_reason"].as_str().unwrap().contains("the controller ended");
    let taken_up = runs.iter().filter(was_taken_up).count();
    println!("{kills} kills, seed {seed}: {} runs, {taken_up} taken up, {:?}", runs.len(), begun.elapsed());
    assert!(taken_up > 0, "no kill has hit a run");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}

/// Each freeze is followed by a thaw, before the next freeze.
#[track_caller]
fn assert_nothing_is_frozen(fixture: &Fixture) {
    let marks = fixture.marks();
    assert!(!marks.windows(2).any(|two| two == ["freeze", "freeze"]), "{marks:?}");
    assert!(marks.last().unwrap() == "thaw" && !fixture.path("frozen").exists(), "{marks:?}");
    assert_eq!(fixture.get("/v1/status").1["freeze"], Value::Null);
}

/// Each backup that the agent has made is of exactly one run, and no run has asked for two.
#[track_caller]
fn assert_history_is_true(fixture: &Fixture, runs: &[Value]) {
    let (_, status) = fixture.get("/v1/agent/backup-status");
    let made: usize = status["job_id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
    assert_eq!((fixture.starts(), fixture.agent.dropped_requests()), (made, 0), "a backup was asked for twice");
    let mut of_job: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for run in runs {
        let text = |key: &str| run[key].as_str().unwrap_or_default();
        if !text("job_id").is_empty() {
            of_job.entry(text("job_id")).or_default().push(run);
        }
        // Each backup of this agent is done; whether it was consistent is known only of those that were not interrupted.
        let is_interrupted = text("consistency").starts_with("crash: the controller ended");
        let expected = match text("job_id") {
            "" => "stopped",
            _ if is_interrupted => "failed",
            _ => "done",
        };
        assert_eq!(text("state"), expected, "{run}");
        assert!(run["ended_at"].is_string(), "{run}");
        assert!(run["started_at"].is_string() || text("job_id").is_empty(), "{run}");
    }
    let doubled: Vec<_> = of_job.values().filter(|runs| runs.len() > 1).collect();
    assert!(doubled.is_empty(), "one backup of two runs: {doubled:#?}");
    let missing: Vec<_> = (1..=made).filter(|job| !of_job.contains_key(format!("bk-101-{job}").as_str())).collect();
    assert!(missing.is_empty(), "backups of no run: {missing:?} in {runs:#?}");
}

/// All of them, a page at a time.
fn runs(fixture: &Fixture) -> Vec<Value> {
    let (mut runs, mut path) = (Vec::new(), "/v1/runs?limit=1000".to_owned());
    loop {
        let (status, page) = fixture.get(&path);
        assert_eq!(status, 200, "{page}");
        runs.extend(page["runs"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["cursor"].as_i64() else { return runs };
        path = format!("/v1/runs?limit=1000&cursor={cursor}");
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// SplitMix64: the same moments for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
