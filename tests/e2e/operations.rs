//! Every operation: its request, and its answer with every field and with none, as the API documents them.

use agentapi_host::records::PendingOp;
use agentapi_host::{Error, Route};
use agentapi_mock::MockAgent;
use agentapi_scripted_agent::Answer;
use serde_json::{Value, json};

use crate::support::{client_of, format, host, perform, target_of_mock};

/// The data of an answer in which every field has a value that is not zero.
fn full(route: Route) -> Value {
    let pending = json!({"op": "storage_wipe", "host_scope": "host-7f3a", "durable_id": "byid:1", "fstype": "ext4"});
    match route {
        Route::Storage => json!({"vmid": 101, "mounts": [
            {"key": "media", "storage": "hdd", "mount_point": "/mnt/media", "class": "slow", "backup": true},
            {"key": "db", "storage": "nvme", "mount_point": "/mnt/db", "class": "fast", "backup": false},
            {"key": "x", "storage": "y", "mount_point": "/z", "class": "tape", "backup": false},
        ]}),
        Route::BackupDue => json!({"vmid": 101, "due": true, "reason": "last backup 26h ago"}),
        Route::StartBackup => json!({"vmid": 101, "job_id": "bk-1", "phase": "running"}),
        Route::BackupStatus => json!({"vmid": 101, "phase": "failed", "job_id": "bk-1", "error": "disk full"}),
        Route::Disks => json!({"vmid": 101, "disks": [{
            "name": "sdb1", "type": "disk", "state": "mounted", "backing_device": "/dev/sdb1",
            "mount_path": "/mnt/media", "class": "fast", "role": "user-data", "data_bearing": true,
            "data_reason": "ext4", "total_bytes": 4_000_787_030_016_i64, "used_bytes": 1_000, "used_fraction": 0.25,
            "durable_id": "uuid:0f3c",
        }]}),
        Route::AssignDisk => Value::Null,
        Route::EjectDisk => json!({"vmid": 101, "ejected": "/mnt/media", "dependent_guests": [104, 105]}),
        Route::FormatDisk => json!({
            "vmid": 101, "device": "/dev/sdb1", "formatted": true, "data_bearing": true, "reason": "as asked",
            "role": "backup", "needs_confirmation": true, "durable_id": "uuid:0f3c", "pending_op": pending,
        }),
        Route::HostMetrics => json!({
            "vmid": 101,
            "host": {
                "node": "pve", "cpu_percent": 12.5, "memory_total_bytes": 64, "memory_used_bytes": 32,
                "memory_percent": 50.0, "disk_total_bytes": 100, "disk_used_bytes": 25, "disk_percent": 25.0,
                "loadavg": ["0.50", "0.40", "0.30"], "uptime_seconds": 86_400, "cpu_temp_c": 54,
            },
            "storage_targets": [{
                "name": "tank", "type": "zfspool", "state": "active", "reachable": true, "total_bytes": 9,
                "used_bytes": 3, "avail_bytes": 6, "used_fraction": 0.300_000_000_000_000_04, "content": "images",
                "mount_path": "/tank", "class_hint": "fast",
                "thin_pool": {"data_used_fraction": 0.9, "metadata_used_fraction": 0.1},
                "smart": {"health": "FAILING", "temperature_c": 61, "percentage_used": 104},
            }],
        }),
    }
}

/// The record that is read from an answer without data: empty texts, 0, false, empty lists, and null for an option.
fn empty(route: Route) -> Value {
    match route {
        Route::Storage => json!({"vmid": 0, "mounts": []}),
        Route::BackupDue => json!({"vmid": 0, "due": false, "reason": ""}),
        Route::StartBackup => json!({"vmid": 0, "job_id": "", "phase": ""}),
        Route::BackupStatus => json!({"vmid": 0, "phase": "", "job_id": "", "error": ""}),
        Route::Disks => json!({"vmid": 0, "disks": []}),
        Route::AssignDisk => Value::Null,
        Route::EjectDisk => json!({"vmid": 0, "ejected": "", "dependent_guests": []}),
        Route::FormatDisk => json!({
            "vmid": 0, "device": "", "formatted": false, "data_bearing": false, "reason": "", "role": "",
            "needs_confirmation": false, "durable_id": "", "pending_op": null,
        }),
        Route::HostMetrics => json!({
            "vmid": 0,
            "host": {
                "node": "", "cpu_percent": 0.0, "memory_total_bytes": 0, "memory_used_bytes": 0,
                "memory_percent": 0.0, "disk_total_bytes": 0, "disk_used_bytes": 0, "disk_percent": 0.0,
                "loadavg": [], "uptime_seconds": 0, "cpu_temp_c": null,
            },
            "storage_targets": [],
        }),
    }
}

/// The body of the request.
fn sent(route: Route) -> Value {
    match route {
        Route::StartBackup => json!({}),
        Route::AssignDisk => {
            json!({"uuid": "0f3c", "where": "/mnt/media", "fstype": "ext4", "options": "noatime"})
        }
        Route::EjectDisk => json!({"where": "/mnt/media"}),
        Route::FormatDisk => json!({"device": "/dev/sdb1", "fstype": "ext4", "confirmed": false, "durable_id": ""}),
        _ => Value::Null,
    }
}

fn ok(data: &Value) -> Answer {
    Answer::new(200, json!({"ok": true, "data": data, "unknown": [{}]}).to_string())
}

#[tokio::test]
async fn every_field_arrives_and_the_request_is_as_documented() {
    for route in Route::ALL {
        let (client, peer) = client_of([ok(&full(route))]).await;
        assert_eq!(perform(&client, route).await.unwrap(), full(route), "{route}");
        let request = peer.requests().remove(0);
        assert_eq!(format!("{} {}", request.method, request.path), route.to_string());
        let body = if request.body.is_empty() { Value::Null } else { serde_json::from_slice(&request.body).unwrap() };
        assert_eq!(body, sent(route), "{route}");
    }
}

#[tokio::test]
async fn what_is_missing_or_null_is_zero_or_none() {
    let nulls = |value: &Value| match value {
        Value::Object(fields) => fields.keys().map(|key| (key.clone(), Value::Null)).collect(),
        other => other.clone(),
    };
    for route in Route::ALL {
        for data in [json!({}), nulls(&full(route)), Value::Null] {
            let (client, _peer) = client_of([ok(&data)]).await;
            assert_eq!(perform(&client, route).await.unwrap(), empty(route), "{route} {data}");
        }
    }
}

#[tokio::test]
async fn elements_with_nothing_in_them_are_zero_too() {
    let data = json!({"host": {}, "storage_targets": [{}, {"thin_pool": {}, "smart": {}}, null]});
    let (client, _peer) = client_of([ok(&data)]).await;
    let targets = client.host_metrics().await.unwrap().storage_targets;
    assert!(targets[0].thin_pool.is_none() && targets[2].thin_pool.is_none());
    assert_eq!(targets[1].thin_pool.as_ref().unwrap().metadata_used_fraction, None);
    for target in targets {
        let smart = target.smart;
        assert_eq!((smart.health.as_str(), smart.temperature_c, smart.percentage_used), ("", None, None));
    }
}

#[tokio::test]
async fn accepted_is_success_where_the_agent_may_act_later() {
    for route in [Route::StartBackup, Route::AssignDisk, Route::EjectDisk, Route::FormatDisk] {
        let answer = Answer::new(202, json!({"ok": true, "data": full(route)}).to_string());
        let (client, _peer) = client_of([answer]).await;
        assert_eq!(perform(&client, route).await.unwrap(), full(route), "{route}");
    }
}

#[tokio::test]
async fn no_other_status_is_success_whatever_the_answer_says() {
    for route in Route::ALL.into_iter().filter(|&route| route != Route::FormatDisk) {
        let accepted = if sent(route).is_null() { 201..=206 } else { 203..=206 };
        for status in accepted.chain([400, 404]) {
            let answer = Answer::new(status, json!({"ok": true, "data": full(route)}).to_string());
            let (client, _peer) = client_of([answer]).await;
            let error = perform(&client, route).await.unwrap_err();
            assert!(matches!(error, Error::HttpStatus { status: found, .. } if found == status), "{route}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_confirmation_is_sent_with_its_durable_id_and_never_without() {
    let (client, peer) = client_of([ok(&full(Route::FormatDisk))]).await;
    client.format_disk(&format(Some("uuid:0f3c"))).await.unwrap();
    let body: Value = serde_json::from_slice(&peer.requests()[0].body).unwrap();
    assert_eq!(body, json!({"device": "/dev/sdb1", "fstype": "ext4", "confirmed": true, "durable_id": "uuid:0f3c"}));
    let error = client.format_disk(&format(Some(""))).await.unwrap_err();
    assert_eq!(error.kind(), "invalid-argument");
    assert_eq!(peer.requests().len(), 1);
}

/// Every combination, held against the order of decisions that the API documents.
#[tokio::test]
async fn format_decides_by_the_data_whatever_the_status() {
    let flags = [false, true];
    let all = flags.map(|a| flags.map(|b| flags.map(|c| flags.map(|d| (a, b, c, d)))));
    for (formatted, confirm, bearing, ok) in all.into_iter().flatten().flatten().flatten() {
        for status in [200, 202, 403, 409, 500] {
            let data = json!({"formatted": formatted, "needs_confirmation": confirm, "data_bearing": bearing});
            let body = json!({"ok": ok, "error": "no", "data": data}).to_string();
            let (client, _peer) = client_of([Answer::new(status, body.clone())]).await;
            let outcome = match client.format_disk(&format(None)).await {
                Ok(result) => {
                    if result.formatted {
                        "formatted"
                    } else {
                        "not formatted"
                    }
                }
                Err(error) => error.kind(),
            };
            let expected = match (formatted, confirm, bearing, ok, status) {
                (true, ..) => "formatted",
                (_, true, ..) => "needs-confirmation",
                (_, _, true, ..) | (.., 403) => "format-refused",
                (.., 409 | 500) => "http-status",
                (_, _, _, false, _) => "agent",
                _ => "not formatted",
            };
            assert_eq!(outcome, expected, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn the_helpers_make_no_request() {
    let (client, peer) = client_of([Answer::new(200, "{}")]).await;
    assert_eq!(client.fs_uuid("uuid:0f3c").await.unwrap().as_deref(), Some("0f3c"));
    assert_eq!(client.fs_uuid("byid:0f3c").await.unwrap(), None);
    let [op, host_scope, durable_id, fstype] = ["storage_wipe", "a host", "byid:1", "ext4"].map(String::from);
    let pending = PendingOp { op, host_scope, durable_id, fstype };
    let command = client.opsign_command(&pending).await.unwrap();
    assert_eq!(command, "felhom-opsign -op storage_wipe -host 'a host' -durable-id byid:1");
    let with_nul = PendingOp { op: "a\0b".into(), ..pending };
    assert_eq!(client.opsign_command(&with_nul).await.unwrap_err().kind(), "invalid-argument");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn the_mock_agent_behaves_as_a_host_does() {
    let mock = MockAgent::start().await.unwrap();
    let agent = host().agent(target_of_mock(&mock)).unwrap();
    let disks = agent.disks().await.unwrap().disks;
    let by_role = |role: &str| disks.iter().find(|disk| disk.role.as_str() == role && disk.data_bearing).unwrap();

    let system =
        agentapi_host::records::FormatRequest { device: by_role("system").backing_device.clone(), ..format(None) };
    let Error::FormatRefused(refusal) = agent.format_disk(&system).await.unwrap_err() else { panic!("not refused") };
    assert!(refusal.pending_op.is_some());

    let device = by_role("user-data").backing_device.clone();
    let request = agentapi_host::records::FormatRequest { device, ..format(None) };
    let Error::NeedsConfirmation(asked) = agent.format_disk(&request).await.unwrap_err() else { panic!("not asked") };
    let confirmation = Some(asked.durable_id.clone());
    let confirmed = agentapi_host::records::FormatRequest { confirmation, ..request };
    assert!(agent.format_disk(&confirmed).await.unwrap().formatted);
    let after = agent.disks().await.unwrap().disks;
    assert!(!after.iter().find(|disk| disk.durable_id == asked.durable_id).unwrap().data_bearing);
}
