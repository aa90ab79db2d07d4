//! Instances beyond a host's first have places that are used again, as long as there are any. No caller notices.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_host::{Error, Host};
use agentapi_scripted_agent::Answer;

use crate::few_files::limited_burst;
use crate::support::{extension, scripted, target, to_scripted};

#[tokio::test]
async fn an_instance_in_a_place_has_the_same_limits_and_is_not_used_again_after_a_trap() {
    let peer = scripted([Answer::new(200, "{}")]).await;
    let builder = Host::builder().component_file(extension("hostile")).cache_dir(target().join("e2e-cache"));
    let host = builder.deadline(Duration::from_secs(2)).build().unwrap();
    let _first = host.agent(to_scripted(&peer)).unwrap();
    let agent = host.agent(to_scripted(&peer)).unwrap();
    assert_eq!(agent.storage().await.unwrap_err().kind(), "deadline");
    let Error::ResponseTooLarge { limit: mebibytes } = agent.host_metrics().await.unwrap_err() else { panic!() };
    assert!((200..256).contains(&mebibytes), "{mebibytes}");
    assert_eq!(agent.backup_due().await.unwrap_err().kind(), "internal");
    assert!(agent.fs_uuid("").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_address_space_is_too_short_for_places_there_are_none() {
    // 200 GB: enough for each of these calls to have an instance, and a fifth of what the places take.
    let (counts, after) = limited_burst("ulimit -v 200000000", 3, 30).await;
    assert_eq!(counts, BTreeMap::from([("ok".to_owned(), 30)]));
    assert_eq!(after, ["ok"; 3]);
}
