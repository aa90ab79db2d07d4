//! A wipe that a user of the API asks for.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Fixture, ask_at, send};

const FORMAT: &str = "/v1/agent/format-disk";
const DEVICE: &str = "/dev/sdc1";
const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const OTHER: &str = "/dev/sdd1";
const OTHER_ID: &str = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";
/// For what happens at once.
const PATIENCE: Duration = Duration::from_secs(30);

fn body(device: &str, durable_id: &str) -> String {
    json!({ "device": device, "fstype": "ext4", "durable_id": durable_id, "confirmed": true }).to_string()
}

impl Fixture {
    /// Asks for the wipe of [`DEVICE`].
    async fn wipe(&self) -> (StatusCode, Value) {
        self.ask(Method::POST, FORMAT, &body(DEVICE, ID)).await
    }

    async fn approve(&self, approval: i64) -> StatusCode {
        let path = format!("/v1/approvals/{approval}/approve");
        self.ask(Method::POST, &path, &json!({ "durable_id": ID }).to_string()).await.0
    }

    pub(crate) async fn ended(&self, run: i64) -> Value {
        loop {
            let found = self.get(&format!("/v1/runs/{run}")).await.1;
            if found["ended_at"].is_string() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    /// How often the agent was told to format.
    pub(crate) fn formats(&self) -> usize {
        self.agent.requests().iter().filter(|request| request.path == "/disks/format").count()
    }

    async fn count(&self, list: &str) -> usize {
        self.get(&format!("/v1/{list}")).await.1[list].as_array().unwrap().len()
    }

    /// The lines of the audit.
    fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn it_waits_for_an_approval_and_is_done_once_by_a_run_of_its_own() {
    let fixture = Fixture::new().await;
    let json_type = [("content-type", "application/json")];
    let (asked, headers) = send(&fixture.sockets.main, Method::POST, FORMAT, &json_type, &body(DEVICE, ID)).await;
    assert_eq!(asked, (StatusCode::ACCEPTED, json!({ "run": 1, "approval": 1 })));
    assert_eq!(headers["location"], "/v1/runs/1");
    let run = fixture.get("/v1/runs/1").await.1;
    let uid = rustix::process::getuid().as_raw();
    let user = run["digest"].as_str().unwrap().to_owned();
    assert!(user.starts_with(&format!("user {uid} (process ")), "{run}");
    assert_eq!((&run["subject"], &run["state"]), (&json!("wipe"), &json!("waiting-for-approval")));
    assert_eq!(run["reason"], format!("asked for by {user}"));
    let approval = fixture.get("/v1/approvals/1").await.1;
    assert_eq!((&approval["extension_sha256"], &approval["run"]), (&json!(user), &json!(1)));
    assert_eq!((&approval["device"], &approval["durable_id"]), (&json!(DEVICE), &json!(ID)));
    assert_eq!(fixture.formats(), 0);

    assert_eq!(fixture.approve(1).await, StatusCode::OK);
    let run = fixture.ended(1).await;
    assert_eq!(run["state"], "done", "{run}");
    let result: Value = serde_json::from_str(run["result"].as_str().unwrap()).unwrap();
    assert_eq!((&result["formatted"], &result["device"]), (&json!(true), &json!(DEVICE)));
    assert_eq!(fixture.get("/v1/approvals/1").await.1["state"], "used");
    assert_eq!(fixture.approve(1).await, StatusCode::CONFLICT);
    assert_eq!(fixture.formats(), 1);

    let lines = fixture.audit();
    let events: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["begin", "decided", "end"]);
    let decided_by = fixture.get("/v1/approvals/1").await.1["decided_by"].clone();
    for line in &lines {
        assert_eq!((&line["extension"], &line["extension_sha256"]), (&json!("wipe"), &json!(user)));
        assert_eq!((&line["operation"], &line["run"]), (&json!("disks.format"), &lines[0]["run"]));
        assert_eq!(line["target"], json!({ "device": DEVICE, "durable_id": ID, "fstype": "ext4" }));
    }
    assert_eq!((&lines[1]["approval"], &lines[1]["by"]), (&json!("approved"), &decided_by));
    assert_eq!((&lines[2]["outcome"], &lines[2]["guest"]), (&json!("ok"), &json!(101)));
}

#[tokio::test]
async fn a_refusal_ends_the_run_and_is_in_the_audit() {
    let fixture = Fixture::new().await;
    fixture.wipe().await;
    let refuse = r#"{"reason":"not that one"}"#;
    assert_eq!(fixture.ask(Method::POST, "/v1/approvals/1/refuse", refuse).await.0, StatusCode::OK);
    let run = fixture.ended(1).await;
    assert_eq!(run["state"], "failed");
    assert!(run["end_reason"].as_str().unwrap().ends_with(" has refused it: not that one"), "{run}");
    let lines = fixture.audit();
    assert_eq!((&lines[1]["approval"], &lines[2]["outcome"]), (&json!("refused"), &json!("denied")));
    assert_eq!((lines.len(), fixture.formats()), (3, 0));
}

#[tokio::test]
async fn one_that_is_stopped_withdraws_what_it_has_asked() {
    let fixture = Fixture::new().await;
    fixture.wipe().await;
    assert_eq!(fixture.ask(Method::POST, "/v1/runs/1/stop", "").await.0, StatusCode::OK);
    assert_eq!(fixture.ended(1).await["state"], "stopped");
    assert_eq!(fixture.get("/v1/approvals/1").await.1["state"], "withdrawn");
    assert_eq!(fixture.approve(1).await, StatusCode::CONFLICT);
    let lines = fixture.audit();
    assert_eq!((&lines[1]["outcome"], &lines[1]["approval"]), (&json!("abandoned"), &json!("unanswered")));
    assert_eq!((lines.len(), fixture.formats()), (2, 0));
    assert_eq!(fixture.wipe().await, (StatusCode::ACCEPTED, json!({ "run": 2, "approval": 2 })));
}

#[tokio::test]
async fn a_disk_that_has_become_another_is_left_alone() {
    let fixture = Fixture::new().await;
    fixture.wipe().await;
    fixture.agent.change(|state| state.disks.iter_mut().for_each(|disk| disk.total_bytes += 1));
    assert_eq!(fixture.approve(1).await, StatusCode::OK);
    let run = fixture.ended(1).await;
    assert_eq!(run["state"], "failed");
    assert!(run["end_reason"].as_str().unwrap().contains("not any more what it was"), "{run}");
    assert_eq!(fixture.get("/v1/approvals/1").await.1["state"], "withdrawn");
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn what_nobody_may_approve_is_refused_at_once_and_makes_no_run() {
    let fixture = Fixture::new().await;
    let (system, system_id) = ("/dev/nvme0n1p3", "byid:nvme-Samsung_SSD_970_PRO_512GB_S463NF0M");
    let (backup, backup_id) = ("/dev/sdb1", "byid:ata-WDC_WD20EFRX-68EUZN0_WD-1");
    for (device, durable_id, status, kind) in [
        (system, system_id, 409, "format-refused"),
        (backup, backup_id, 409, "format-refused"),
        (DEVICE, OTHER_ID, 409, "conflict"),
        ("/dev/none", ID, 404, "not-found"),
        (DEVICE, "", 400, "invalid-argument"),
    ] {
        let (found, problem) = fixture.ask(Method::POST, FORMAT, &body(device, durable_id)).await;
        assert_eq!((found.as_u16(), &problem["kind"]), (status, &json!(kind)), "{device} {durable_id}: {problem}");
    }
    for fstype in ["", "ext4 -F", &"x".repeat(33)] {
        let body = json!({ "device": DEVICE, "fstype": fstype, "durable_id": ID, "confirmed": true }).to_string();
        assert_eq!(fixture.ask(Method::POST, FORMAT, &body).await.0, StatusCode::BAD_REQUEST, "{fstype}");
    }
    let read_only = ask_at(&fixture.sockets.read_only, Method::POST, FORMAT, &body(DEVICE, ID)).await;
    assert_eq!((read_only.0, &read_only.1["kind"]), (StatusCode::FORBIDDEN, &json!("denied")));
    assert_eq!((fixture.count("runs").await, fixture.count("approvals").await, fixture.formats()), (0, 0, 0));
}

#[tokio::test]
async fn a_second_one_of_the_device_is_refused_with_the_approval_that_waits() {
    let fixture = Fixture::new().await;
    fixture.wipe().await;
    let (status, problem) = fixture.wipe().await;
    assert_eq!((status, &problem["kind"]), (StatusCode::CONFLICT, &json!("conflict")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("approval 1 of a wipe of /dev/sdc1 is waiting already, asked for by user "), "{detail}");
    let other = fixture.ask(Method::POST, FORMAT, &body(OTHER, OTHER_ID)).await;
    assert_eq!(other, (StatusCode::ACCEPTED, json!({ "run": 2, "approval": 2 })), "another disk waits beside it");
    fixture.ask(Method::POST, "/v1/approvals/1/refuse", "{}").await;
    fixture.ended(1).await;
    assert_eq!(fixture.wipe().await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn of_many_at_once_one_is_taken_and_with_one_key_they_are_one() {
    let fixture = Arc::new(Fixture::new().await);
    let ask = |key: Option<&'static str>| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            match key {
                Some(key) => fixture.post(FORMAT, key, &body(OTHER, OTHER_ID)).await,
                None => fixture.wipe().await,
            }
        })
    };
    let mut taken = 0;
    for asking in (0..20).map(|_| ask(None)).collect::<Vec<_>>() {
        let (status, answer) = asking.await.unwrap();
        taken += usize::from(status == StatusCode::ACCEPTED);
        assert!(status == StatusCode::ACCEPTED || answer["kind"] == "conflict", "{answer}");
    }
    assert_eq!((taken, fixture.count("approvals").await), (1, 1));
    for asking in (0..20).map(|_| ask(Some("a"))).collect::<Vec<_>>() {
        let (status, answer) = asking.await.unwrap();
        assert!(status == StatusCode::ACCEPTED || answer["kind"] == "in-progress", "{answer}");
    }
    assert_eq!((fixture.count("runs").await, fixture.count("approvals").await), (2, 2));
}

#[tokio::test]
async fn the_same_key_gives_the_same_run_also_when_it_has_ended() {
    let fixture = Fixture::new().await;
    let first = fixture.post(FORMAT, "a", &body(DEVICE, ID)).await;
    assert_eq!(first, (StatusCode::ACCEPTED, json!({ "run": 1, "approval": 1 })));
    fixture.approve(1).await;
    fixture.ended(1).await;
    // By another socket of the same user, with all that the first answer had.
    let headers = [("idempotency-key", "a"), ("content-type", "application/json")];
    let (again, headers) = send(&fixture.sockets.main, Method::POST, FORMAT, &headers, &body(DEVICE, ID)).await;
    assert_eq!((again, headers["location"].to_str().unwrap()), (first, "/v1/runs/1"));
    assert_eq!((fixture.count("runs").await, fixture.count("approvals").await, fixture.formats()), (1, 1, 1));
}

#[tokio::test]
async fn it_waits_for_the_thaw_and_with_a_key_is_refused_until_then() {
    let fixture = Arc::new(Fixture::new().await);
    let parked = fixture.store.park();
    let (status, problem) = fixture.post(FORMAT, "a", &body(OTHER, OTHER_ID)).await;
    assert_eq!((status, &problem["kind"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("frozen")));
    let ask = || {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move { fixture.wipe().await })
    };
    let (mut first, mut second) = (ask(), ask());
    // The owner has one of them, which has no number yet.
    let (refused, waiting) = tokio::select! {
        refused = &mut first => (refused, second),
        refused = &mut second => (refused, first),
        () = tokio::time::sleep(PATIENCE) => panic!("both wait"),
    };
    let (status, problem) = refused.unwrap();
    assert_eq!((status, &problem["kind"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert_eq!(problem["detail"], "a wipe of /dev/sdc1 is asked for already");
    assert!(!waiting.is_finished() && fixture.get("/v1/status").await.1["approvals"] == json!([]));
    drop(parked);
    assert_eq!(waiting.await.unwrap(), (StatusCode::ACCEPTED, json!({ "run": 1, "approval": 1 })));
}
