//! Connections are reused, and calls through one agent overlap.

use std::time::Duration;

use agentapi_host::Route;
use agentapi_mock::{Fault, MockAgent, Repeat};
use tokio::task::JoinSet;

use crate::support::{host, target_of_mock};

#[tokio::test]
async fn a_hundred_calls_use_one_connection() {
    let mock = MockAgent::start().await.unwrap();
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    for _ in 0..50 {
        agent.storage().await.unwrap();
        agent.host_metrics().await.unwrap();
    }
    assert_eq!((mock.requests().len(), mock.connections()), (100, 1));
}

#[tokio::test]
async fn calls_through_one_agent_overlap() {
    const CALLS: usize = 8;
    let mock = MockAgent::start().await.unwrap();
    // No call is answered before all requests have arrived.
    mock.inject(Route::Storage, Fault::Latency(Duration::from_secs(600)), Repeat::Always);
    let agent = host().with_deadline(Duration::from_secs(600)).agent(target_of_mock(&mock)).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let agent = agent.clone();
        calls.spawn(async move { agent.storage().await });
    }
    while mock.requests().len() < CALLS {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(calls.try_join_next().is_none());
    assert_eq!(mock.connections(), CALLS);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_agent_usable_and_nothing_behind() {
    let mock = MockAgent::start().await.unwrap();
    mock.inject(Route::StartBackup, Fault::Latency(Duration::from_secs(60)), Repeat::Times(1));
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let dropped = tokio::time::timeout(Duration::from_millis(200), agent.start_backup()).await;
    assert!(dropped.is_err());
    agent.storage().await.unwrap();
    drop(agent);
    for _ in 0..100 {
        if mock.open_connections() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} connections are open after their agent is gone", mock.open_connections());
}

#[tokio::test]
async fn more_calls_than_32_wait_for_a_permit() {
    let mock = MockAgent::start().await.unwrap();
    mock.inject(Route::Storage, Fault::Latency(Duration::from_millis(300)), Repeat::Always);
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let agent = agent.clone();
        calls.spawn(async move { agent.storage().await.unwrap() });
    }
    calls.join_all().await;
    assert_eq!((mock.requests().len(), mock.connections()), (40, 32));
}
