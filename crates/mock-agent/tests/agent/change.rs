//! Tests of what a client sees of a mock agent whose state is changed while it runs, over real TLS.

use std::time::Duration;

use agentapi_contract::Route;
use agentapi_mock::{BackupOutcome, BackupScenario, Disk, Fault, MockAgent, Mount, Repeat, Role, Scenario};
use serde_json::{Value, json};

use crate::client::Client;

/// An agent whose backups run until they are ended, and a client of it.
async fn started() -> (MockAgent, Client) {
    let backup = BackupScenario { due: false, duration_ms: u64::MAX, ..BackupScenario::default() };
    let scenario = Scenario { backup, ..Scenario::default() };
    let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
    let client = Client::connect(&agent).await.unwrap();
    (agent, client)
}

async fn data(client: &mut Client, route: Route) -> Value {
    let body = if route == Route::StartBackup { "{}" } else { "" };
    let (_, mut envelope) = client.call(route, body).await;
    assert_eq!(envelope["ok"], true, "{envelope}");
    envelope["data"].take()
}

fn names(disks: &Value) -> Vec<&str> {
    disks["disks"].as_array().unwrap().iter().map(|disk| disk["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_disk_that_is_plugged_in_is_listed_and_can_be_formatted_and_one_pulled_out_is_gone() {
    let (agent, mut client) = started().await;
    let device = "/dev/sde1".to_owned();
    agent.change(|state| {
        state.disks.retain(|disk| disk.name != "spare");
        state.disks.push(Disk { name: "new".to_owned(), backing_device: device, ..Disk::default() });
        state.mounts.push(Mount { key: "photos".to_owned(), ..Mount::default() });
    });
    assert_eq!(names(&data(&mut client, Route::Disks).await), ["root", "usb-backup", "media", "new"]);
    assert_eq!(data(&mut client, Route::Storage).await["mounts"][3]["key"], "photos");
    let (status, formatted) = client.call(Route::FormatDisk, r#"{"device":"/dev/sde1"}"#).await;
    assert_eq!((status, &formatted["data"]["formatted"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_disk_that_becomes_a_system_disk_is_not_formatted_any_more() {
    let (agent, mut client) = started().await;
    agent.change(|state| state.disks.iter_mut().for_each(|disk| disk.role = Role::System));
    assert_eq!(client.call(Route::FormatDisk, r#"{"device":"/dev/sdd1"}"#).await.0, 403);
}

#[tokio::test]
async fn a_backup_becomes_due_and_stays_so_until_one_is_done() {
    let (agent, mut client) = started().await;
    assert_eq!(data(&mut client, Route::BackupDue).await["due"], false);
    for reason in ["policy changed", "and again"] {
        agent.change(|state| state.backup.make_due(reason));
        let wanted = json!({"vmid": 101, "due": true, "reason": reason});
        assert_eq!(data(&mut client, Route::BackupDue).await, wanted);
        data(&mut client, Route::StartBackup).await;
        assert_eq!(data(&mut client, Route::BackupDue).await, wanted);
        assert!(agent.change(|state| state.backup.finish(BackupOutcome::Done)));
        assert_eq!(data(&mut client, Route::BackupDue).await["due"], false);
    }
    agent.change(|state| state.backup.clear_due("outside the window"));
    let wanted = json!({"vmid": 101, "due": false, "reason": "outside the window"});
    assert_eq!(data(&mut client, Route::BackupDue).await, wanted);
}

#[tokio::test]
async fn a_running_backup_is_ended_by_force() {
    let (agent, mut client) = started().await;
    let full = BackupOutcome::Failed("no space left".to_owned());
    let cases = [(BackupOutcome::Done, "done", ""), (full, "failed", "no space left")];
    for (run, (outcome, phase, error)) in cases.into_iter().enumerate() {
        assert!(!agent.change(|state| state.backup.finish(outcome.clone())), "none is running");
        data(&mut client, Route::StartBackup).await;
        assert_eq!(data(&mut client, Route::BackupStatus).await["phase"], "running");
        assert!(agent.change(|state| state.backup.finish(outcome)));
        let job_id = format!("bk-101-{}", run + 1);
        let wanted = json!({"vmid": 101, "phase": phase, "job_id": job_id, "error": error});
        assert_eq!(data(&mut client, Route::BackupStatus).await, wanted);
    }
}

#[tokio::test]
async fn backups_started_after_a_change_run_as_it_says() {
    let (agent, mut client) = started().await;
    agent.change(|state| {
        state.backup.set_duration(Duration::ZERO);
        state.backup.set_outcome(BackupOutcome::Failed("snapshot failed".to_owned()));
    });
    data(&mut client, Route::StartBackup).await;
    let status = data(&mut client, Route::BackupStatus).await;
    assert_eq!((&status["phase"], &status["error"]), (&json!("failed"), &json!("snapshot failed")));
}

#[tokio::test]
async fn metrics_change() {
    let (agent, mut client) = started().await;
    agent.change(|state| {
        state.host.cpu_percent = 99.5;
        state.host.cpu_temp_c = None;
        state.storage_targets.truncate(1);
        for target in &mut state.storage_targets {
            target.reachable = false;
        }
    });
    let metrics = data(&mut client, Route::HostMetrics).await;
    assert_eq!((&metrics["host"]["cpu_percent"], &metrics["host"]["cpu_temp_c"]), (&json!(99.5), &Value::Null));
    let targets = metrics["storage_targets"].as_array().unwrap();
    assert_eq!((targets.len(), &targets[0]["reachable"]), (1, &json!(false)));
}

#[tokio::test]
async fn what_requests_changed_is_seen_by_a_change_and_returned_from_it() {
    let (agent, mut client) = started().await;
    assert_eq!(client.call(Route::EjectDisk, r#"{"where":"/mnt/felhom/media"}"#).await.0, 200);
    let left = agent.change(|state| state.disks.clone());
    assert_eq!(left.iter().map(|disk| &disk.name).collect::<Vec<_>>(), ["root", "usb-backup", "spare"]);
}

#[tokio::test]
async fn faults_that_are_injected_outlive_a_change() {
    let (agent, mut client) = started().await;
    agent.inject(Route::Disks, Fault::Unauthorized, Repeat::Times(1));
    agent.change(|state| state.disks.clear());
    assert_eq!(client.call(Route::Disks, "").await.0, 401);
    assert_eq!(data(&mut client, Route::Disks).await["disks"], json!([]));
}
