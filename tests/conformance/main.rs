//! The recorded exchanges. A scripted agent plays each, byte for byte, against the real component and host; the outcome
//! and the requests that arrived at the agent are compared with what is right. `tools/host-conformance/recorded` has them, and describes a
//! case. `AGENTAPI_CASES` names a file of further cases (JSON Lines, gzipped if it ends in `.gz`).
//!
//! A case that was not played proves nothing. The only reason not to play one is a machine without IPv6; the test
//! counts what was played, and fails if that is not all the rest.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case that cannot be played fails the test"
)]

mod play;
mod tally;

use std::path::Path;
use std::sync::Arc;

use agentapi_host::Host;
use agentapi_host_conformance::case::{Case, certificates};
use agentapi_host_conformance::has_ipv6;
use agentapi_scripted_agent::Certificates;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::play::{Report, play, skip};
use crate::tally::Tally;

/// Those of the recorded cases whose agent listens on `[::1]`.
const RECORDED_FOR_IPV6: usize = 2;
/// Cases that run at once, apart from those that only wait for their deadline.
const MAX_CONCURRENT_CASES: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_case_comes_out_right() {
    let recorded = Case::recorded();
    let further = std::env::var_os("AGENTAPI_CASES").map(|file| Case::read(Path::new(&file))).unwrap_or_default();
    assert_eq!(recorded.iter().filter(|case| case.needs_ipv6()).count(), RECORDED_FOR_IPV6, "recorded cases for IPv6");

    let (has_ipv6, count) = (has_ipv6(), recorded.len());
    let cases: Vec<_> = recorded.into_iter().chain(further).collect();
    let is_to_be_played = |case: &&Case| has_ipv6 || !case.needs_ipv6();
    let (total, to_be_played) = (cases.len(), cases.iter().filter(is_to_be_played).count());
    let tally = Tally::of(&play_all(cases, has_ipv6, certificates()).await);

    let Tally { passed, failed, skipped } = tally;
    println!("{total} cases, {count} of them recorded: {passed} passed, {failed} failed, {skipped} skipped");
    assert_eq!(passed + failed, to_be_played, "cases that passed or failed");
    assert_eq!(skipped, total - to_be_played, "cases that were skipped");
    assert_eq!(failed, 0, "cases failed; see above");
}

async fn play_all(cases: Vec<Case>, has_ipv6: bool, certificates: Certificates) -> Vec<Report> {
    let host = Host::builder().cache_dir(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")).build().unwrap();
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_CASES));
    let mut playing = JoinSet::new();
    for case in cases {
        let (host, certificates, permits) = (host.clone(), certificates.clone(), Arc::clone(&permits));
        playing.spawn(async move {
            if case.needs_ipv6() && !has_ipv6 {
                return skip(case, "this machine has no IPv6");
            }
            // A case that lasts as long as its deadline does nothing meanwhile, and must not hold up those that work.
            let _permit = if case.lasts_until_deadline() { None } else { Some(permits.acquire_owned().await.unwrap()) };
            play(case, &host, &certificates).await
        });
    }
    playing.join_all().await
}
