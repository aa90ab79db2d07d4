//! Instances beyond a host's first are made in a pool of slots, as long as one is free. No caller notices.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_host::{Error, Host};
use agentapi_scripted_agent::Answer;

use crate::burst::burst;
use crate::support::{build_folder, extension, start_scripted, target_of};

#[tokio::test]
async fn an_instance_from_the_pool_has_the_same_limits_and_is_not_used_again_after_a_trap() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let builder = Host::builder().component_file(extension("hostile")).cache_dir(build_folder().join("e2e-cache"));
    let host = builder.deadline(Duration::from_secs(2)).build().unwrap();
    // The first instance of a host is not from the pool, and is kept idle by its own agent.
    let first = host.agent(target_of(&peer)).unwrap();
    assert!(first.fs_uuid("").await.unwrap().is_some());
    let agent = host.agent(target_of(&peer)).unwrap();
    assert_eq!(agent.storage().await.unwrap_err().kind(), "deadline");
    let Error::ResponseTooLarge { limit: mebibytes } = agent.host_metrics().await.unwrap_err() else { panic!() };
    assert!((200..256).contains(&mebibytes), "{mebibytes}");
    assert_eq!(agent.backup_due().await.unwrap_err().kind(), "internal");
    assert!(agent.fs_uuid("").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_address_space_is_too_short_for_the_pool_there_is_none() {
    // 200 GB: enough for each of these calls to have an instance, and a fifth of what the pool reserves.
    let burst = burst("ulimit -v 200000000", 3, 30).await;
    assert_eq!(burst.kinds, BTreeMap::from([("ok".to_owned(), 30)]));
    assert_eq!(burst.after, ["ok"; 3]);
}
