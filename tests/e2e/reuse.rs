//! Connections are reused, and calls through one agent overlap.

use std::time::Duration;

use agentapi_host::Route;
use agentapi_mock::{Fault, MockAgent, Repeat};
use agentapi_scripted_agent::Answer;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::{JOB, SHORT, client_of, happens_within, host, target_of_mock};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_use_one_connection_too() {
    let (client, peer) = client_of([Answer::new(200, JOB)]).await;
    for _ in 0..100 {
        client.start_backup().await.unwrap();
    }
    assert_eq!((peer.requests().len(), peer.connections()), (100, 1));
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
        sleep(Duration::from_millis(10)).await;
    }
    assert!(calls.try_join_next().is_none());
    assert_eq!(mock.connections(), CALLS);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_agent_usable_and_nothing_behind() {
    let mock = MockAgent::start().await.unwrap();
    mock.inject(Route::StartBackup, Fault::Latency(Duration::from_secs(60)), Repeat::Times(1));
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    // The timeout drops the future of the call while the agent keeps it waiting.
    let dropped = timeout(Duration::from_millis(200), agent.start_backup()).await;
    assert!(dropped.is_err());
    agent.storage().await.unwrap();
    drop(agent);
    // The mock sees a closed connection a moment after it was closed.
    let is_closed = happens_within(SHORT * 2, || mock.open_connections() == 0).await;
    assert!(is_closed, "{} connections are open after their client is gone", mock.open_connections());
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
    // Eight calls waited, and then took over the connections of others.
    assert_eq!((mock.requests().len(), mock.connections()), (40, 32));
}
