//! When the process runs out of file descriptors, every call still ends with a named error, and the process recovers.

use std::collections::BTreeMap;

use crate::burst::burst;

/// Enough for one client with its 32 connections, and not for several.
const FEW_DESCRIPTORS: &str = "ulimit -n 64";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_through_one_agent_are_all_answered() {
    let burst = burst(FEW_DESCRIPTORS, 1, 500).await;
    assert_eq!(burst.kinds, BTreeMap::from([("ok".to_owned(), 500)]));
    assert_eq!(burst.after, ["ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_that_want_more_connections_than_there_are_descriptors_end_by_name_and_it_recovers() {
    let burst = burst(FEW_DESCRIPTORS, 5, 500).await;
    let kinds = &burst.kinds;
    assert_eq!(kinds.values().sum::<usize>(), 500, "{kinds:?}");
    assert!(kinds.keys().all(|kind| kind == "ok" || kind == "unreachable"), "{kinds:?}");
    assert!(kinds.contains_key("unreachable"), "the limit was not met: {kinds:?}");
    assert_eq!(burst.after, ["ok"; 5]);
}
