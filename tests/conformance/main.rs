//! The recorded exchanges: each is played by a scripted agent, byte for byte, against the real component and host, and
//! its outcome and what arrived at the agent are compared with what is right. `README.md` beside this says how to read a
//! case. `AGENTAPI_CASES` names a file of further cases (JSON Lines, gzipped if it ends in `.gz`).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case that cannot be played fails the test"
)]

mod case;
mod compare;
mod play;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use agentapi_host::Host;
use agentapi_scripted_agent::Certificates;
use case::Case;
use play::{Report, Verdict, play};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Cases that run at once: enough that those which wait for a deadline do not hold the others up.
const AT_ONCE: usize = 64;

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_case_comes_out_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut cases = Case::read(&folder.join("cases.jsonl.gz"));
    let recorded = cases.len();
    if let Some(file) = std::env::var_os("AGENTAPI_CASES") {
        cases.extend(Case::read(Path::new(&file)));
    }
    let reports = play_all(cases, Certificates::with_folder(folder.join("certs"))).await;

    let mut rules = BTreeMap::<String, Tally>::new();
    for report in &reports {
        let tally = rules.entry(report.rule.clone()).or_default();
        match &report.verdict {
            Verdict::Passed => tally.passed += 1,
            Verdict::Skipped(why) => {
                tally.skipped += 1;
                println!("skipped {}: {why}", report.id);
            }
            Verdict::Failed(why) => {
                tally.failed += 1;
                println!("FAILED {} ({})\n{why}", report.id, report.rule);
            }
        }
    }
    for (rule, Tally { passed, failed, skipped }) in &rules {
        println!("{rule}: {passed} passed, {failed} failed, {skipped} skipped");
    }
    let failed: usize = rules.values().map(|tally| tally.failed).sum();
    println!("{} cases, {recorded} of them recorded, {failed} failed", reports.len());
    assert!(recorded > 2900, "only {recorded} recorded cases were read");
    assert_eq!(failed, 0, "cases failed; see above");
}

async fn play_all(cases: Vec<Case>, certificates: Certificates) -> Vec<Report> {
    let host = Host::builder().cache_dir(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")).build().unwrap();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for case in cases {
        let (host, certificates, turns) = (host.clone(), certificates.clone(), Arc::clone(&turns));
        playing.spawn(async move {
            // A case that only waits must not take the turn of one that works.
            let _turn = if case.waits() { None } else { Some(turns.acquire_owned().await.unwrap()) };
            play(case, &host, &certificates).await
        });
    }
    playing.join_all().await
}
