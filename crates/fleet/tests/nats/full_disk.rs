//! The disk of the server is full.

use std::fs;

use agentapi_controller::link::Link;
use agentapi_loop_disk::Disk;

use crate::controller::wait_until;
use crate::joined::Joined;
use crate::server::Server;

/// What whoever runs the server does when there is room again. A table whose write has failed takes nothing more until the server
/// is started anew.
#[derive(Clone, Copy, PartialEq)]
enum Repair {
    Restart,
    RestartWithoutStore,
}

async fn repaired(repair: Repair) {
    let Some(disk) = Disk::new() else { return };
    // Dropped before the disk, on which it stores.
    let mut server = Server::storing_in(&["g1"], disk.path().join("store"));
    let coordinator = server.coordinator().await;
    coordinator.make_objects().await.unwrap();
    let member = Joined::start(server.access_of("g1")).await;
    wait_until("it shows", async || member.is_right(&coordinator).await).await;
    wait_until("all is told", async || member.is_told_once_after(0, &coordinator).await).await;

    let filler = disk.fill();
    // What the file system has left in its blocks takes some.
    wait_until("the guest says so", async || {
        member.back_up().await;
        matches!(member.link(), Link::Lost { .. })
    })
    .await;
    // What the store had is lost with it.
    let kept = if repair == Repair::Restart { 0 } else { member.newest_event().await };
    member.back_up().await;
    assert!(!member.is_right(&coordinator).await);

    fs::remove_file(filler).unwrap();
    server.kill();
    if repair == Repair::RestartWithoutStore {
        server.delete_store();
    }
    server.start_again();
    if repair == Repair::RestartWithoutStore {
        wait_until("what it needs is made", async || coordinator.make_objects().await.is_ok()).await;
    }
    wait_until("it is right again", async || member.is_right(&coordinator).await).await;
    wait_until("what happened is told", async || member.is_told_once_after(kept, &coordinator).await).await;
    assert!(matches!(member.link(), Link::Connected { .. }));
    member.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_was_full_has_a_right_overview_again_after_a_restart() {
    repaired(Repair::Restart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_was_full_has_a_right_overview_again_with_a_new_store() {
    repaired(Repair::RestartWithoutStore).await;
}
