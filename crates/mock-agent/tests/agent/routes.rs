//! Tests of a whole mock agent over real TLS, nothing going wrong.

use std::io::ErrorKind;

use agentapi_contract::Route;
use agentapi_mock::{BackupScenario, MockAgent, Scenario};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::client::{Client, method_of};
use crate::members::Members;

async fn started() -> (MockAgent, Client) {
    let agent = MockAgent::start().await.unwrap();
    let client = Client::connect(&agent).await.unwrap();
    (agent, client)
}

/// A body that the default scenario takes on this route.
fn body(route: Route) -> &'static str {
    match route {
        Route::StartBackup => "{}",
        Route::AssignDisk => {
            r#"{"uuid":"5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33","where":"/mnt/x","fstype":"ext4","options":""}"#
        }
        Route::EjectDisk => r#"{"where":"/mnt/felhom/media"}"#,
        Route::FormatDisk => r#"{"device":"/dev/sdd1","fstype":"ext4","confirmed":false,"durable_id":""}"#,
        _ => "",
    }
}

/// The envelope of a GET on this route, with its members in order.
async fn members(client: &mut Client, route: Route) -> Members {
    let (_, text) = client.send(Method::GET, route.path(), "").await.unwrap();
    Members::of(text)
}

#[tokio::test]
async fn every_route_answers_with_an_envelope_over_one_connection() {
    let (agent, mut client) = started().await;
    for route in Route::ALL {
        let (status, text) = client.send(method_of(route), route.path(), body(route)).await.unwrap();
        let envelope: Value = serde_json::from_slice(&text).unwrap();
        let wanted = if route == Route::StartBackup { 202 } else { 200 };
        assert_eq!(status, wanted, "{route:?}");
        assert_eq!(Members::of(&text).keys(), ["ok", "data", "error"]);
        assert_eq!((&envelope["ok"], &envelope["error"]), (&json!(true), &json!("")));
        assert_eq!(envelope["data"]["vmid"], 101, "{route:?}");
    }
    assert_eq!((agent.connections(), agent.requests().len()), (1, 9));
}

#[tokio::test]
async fn a_client_meets_the_fingerprint_that_the_agent_states() {
    let (agent, client) = started().await;
    assert_eq!(client.fingerprint, agent.fingerprint());
}

#[tokio::test]
async fn lists_have_all_fields_under_the_agents_own_names() {
    let (_agent, mut client) = started().await;
    let mounts = members(&mut client, Route::Storage).await.object("data").objects("mounts");
    assert_eq!(mounts[0].keys(), ["key", "storage", "mount_point", "class", "backup"]);
    let disks = members(&mut client, Route::Disks).await.object("data").objects("disks");
    let wanted = [
        "name",
        "type",
        "state",
        "backing_device",
        "mount_path",
        "class",
        "role",
        "data_bearing",
        "data_reason",
        "total_bytes",
        "used_bytes",
        "used_fraction",
        "durable_id",
    ];
    assert_eq!(disks[0].keys(), wanted);
}

#[tokio::test]
async fn metrics_have_all_fields_and_null_for_what_is_not_known() {
    let (_agent, mut client) = started().await;
    let data = members(&mut client, Route::HostMetrics).await.object("data");
    let wanted = [
        "node",
        "cpu_percent",
        "memory_total_bytes",
        "memory_used_bytes",
        "memory_percent",
        "disk_total_bytes",
        "disk_used_bytes",
        "disk_percent",
        "loadavg",
        "uptime_seconds",
        "cpu_temp_c",
    ];
    assert_eq!(data.object("host").keys(), wanted);
    let wanted = [
        "name",
        "type",
        "state",
        "reachable",
        "total_bytes",
        "used_bytes",
        "avail_bytes",
        "used_fraction",
        "content",
        "mount_path",
        "class_hint",
        "thin_pool",
        "smart",
    ];
    assert!(data.objects("storage_targets").iter().all(|target| target.keys() == wanted));
    let (_, envelope) = client.call(Route::HostMetrics, "").await;
    let targets = &envelope["data"]["storage_targets"];
    assert_eq!(targets[1]["thin_pool"]["metadata_used_fraction"], Value::Null);
    assert_eq!(targets[3]["smart"], Value::Null);
}

#[tokio::test]
async fn a_backup_that_is_done_is_not_due_any_more() {
    let backup = BackupScenario { duration_ms: 0, ..BackupScenario::default() };
    let scenario = Scenario { backup, ..Scenario::default() };
    let agent = MockAgent::builder().scenario(scenario).start().await.unwrap();
    let mut client = Client::connect(&agent).await.unwrap();
    assert_eq!(client.call(Route::BackupDue, "").await.1["data"]["due"], true);
    let (status, started) = client.call(Route::StartBackup, "{}").await;
    let wanted = json!({"vmid": 101, "job_id": "bk-101-1", "phase": "running"});
    assert_eq!((status, &started["data"]), (202, &wanted));
    assert_eq!(client.call(Route::BackupStatus, "").await.1["data"]["phase"], "done");
    assert_eq!(client.call(Route::BackupDue, "").await.1["data"]["due"], false);
}

#[tokio::test]
async fn a_refused_format_has_ok_false_and_a_confirmable_one_ok_true() {
    let (_agent, mut client) = started().await;
    let (status, refused) = client.call(Route::FormatDisk, r#"{"device":"/dev/sdb1"}"#).await;
    assert_eq!((status, &refused["ok"]), (403, &json!(false)));
    assert_eq!(refused["data"]["pending_op"]["op"], "storage_wipe");
    let (status, asked) = client.call(Route::FormatDisk, r#"{"device":"/dev/sdc1"}"#).await;
    assert_eq!((status, &asked["ok"]), (409, &json!(true)));
    assert_eq!(asked["data"]["needs_confirmation"], true);
}

#[tokio::test]
async fn a_wrong_token_is_refused_on_every_path() {
    let (agent, client) = started().await;
    let mut client = client.with_token("wrong");
    for path in ["/storage", "/none"] {
        let (status, body) = client.send(Method::GET, path, "").await.unwrap();
        let wanted = r#"{"ok":false,"data":null,"error":"missing or wrong bearer token"}"#;
        assert_eq!((status, &body[..]), (401, wanted.as_bytes()));
    }
    assert_eq!(agent.requests().len(), 2);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one_unless_the_token_is_wrong() {
    let (agent, mut client) = started().await;
    for (method, path, allowed) in [(Method::POST, "/storage", "GET,HEAD"), (Method::HEAD, "/backup", "POST")] {
        let answer = client.start(method, path, "").await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &HeaderValue::from_static(allowed)));
    }
    let mut client = Client::connect(&agent).await.unwrap().with_token("wrong");
    let answer = client.start(Method::POST, "/storage", "").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("allow")), (401, None));
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let (agent, mut client) = started().await;
    let (status, body) = client.send(Method::HEAD, "/storage", "").await.unwrap();
    assert_eq!((status, &body[..]), (200, &b""[..]));
    // The connection goes on: no byte of a body was sent that would be taken for the next answer.
    assert_eq!(client.call(Route::Storage, "").await.0, 200);
    assert_eq!(agent.connections(), 1);
}

#[tokio::test]
async fn a_request_the_agent_does_not_know_is_refused_with_an_envelope() {
    let (_agent, mut client) = started().await;
    for (method, path, body, wanted) in [
        (Method::GET, "/none", "", 404),
        (Method::GET, "/storage/", "", 404),
        (Method::POST, "/storage", "{}", 405),
        (Method::GET, "/backup", "", 405),
        (Method::POST, "/backup", "", 400),
        (Method::POST, "/backup", "[]", 400),
        (Method::POST, "/disks/eject", r#"{"where":1}"#, 400),
        (Method::POST, "/disks/eject", r#"{"where":"#, 400),
        (Method::POST, "/disks/eject", r#"{"where":"/mnt/none"}"#, 404),
    ] {
        let (status, answer) = client.send(method, path, body).await.unwrap();
        let envelope: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((status, &envelope["ok"]), (wanted, &json!(false)), "{path} {body}");
        assert_ne!(envelope["error"], "", "{path} {body}");
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused() {
    let (_agent, mut client) = started().await;
    let body = " ".repeat((1 << 20) + 1);
    let (status, _) = client.send(Method::POST, "/backup", &body).await.unwrap();
    assert_eq!(status, 413);
}

#[tokio::test]
async fn requests_are_kept_in_order_with_their_connection() {
    let (agent, mut first) = started().await;
    first.call(Route::EjectDisk, r#"{"where":"/x"}"#).await;
    let mut second = Client::connect(&agent).await.unwrap();
    second.send(Method::GET, "/disks?all", "").await.unwrap();
    let requests = agent.take_requests();
    let seen = requests.iter().map(|one| (one.connection, &one.method, one.path.as_str(), &one.body[..]));
    let wanted =
        [(1, &Method::POST, "/disks/eject", &br#"{"where":"/x"}"#[..]), (2, &Method::GET, "/disks?all", &b""[..])];
    assert_eq!(seen.collect::<Vec<_>>(), wanted);
    assert!(agent.requests().is_empty());
}

#[tokio::test]
async fn debug_text_shows_no_token() {
    let scenario = Scenario { token: Some("guest-token-abc123".parse().unwrap()), ..Scenario::default() };
    let builder = MockAgent::builder().scenario(scenario);
    let before = format!("{builder:?}");
    let agent = builder.start().await.unwrap();
    assert_eq!(agent.token(), "guest-token-abc123");
    let mut client = Client::connect(&agent).await.unwrap();
    client.call(Route::Storage, "").await;
    let after = format!("{agent:?} {:?}", agent.requests());
    for text in [before, after] {
        assert!(!text.contains("abc123"), "{text}");
    }
}

#[tokio::test]
async fn a_stopped_agent_is_not_there_any_more() {
    let (agent, mut client) = started().await;
    client.call(Route::Storage, "").await;
    let endpoint = agent.endpoint();
    agent.stop().await;
    assert!(client.send(Method::GET, "/storage", "").await.is_err());
    let refused = TcpStream::connect(endpoint).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn it_also_listens_where_it_is_told_to() {
    let listen = "[::1]:0".parse().unwrap();
    let agent = MockAgent::builder().listen(listen).start().await.unwrap();
    assert!(agent.endpoint().starts_with("[::1]:"));
    assert!(Client::connect(&agent).await.is_ok());
}
