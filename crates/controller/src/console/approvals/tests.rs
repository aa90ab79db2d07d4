use std::sync::Arc;
use std::time::Duration;

use agentapi_mock::Role;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::api::tests::{Fixture, send};
use crate::approval::{ApprovalId, ApprovalState, Wipe, sample};
use crate::clock::{Clock, SystemClock, VirtualClock};
use crate::console::visitor::{Answer, encoded};
use crate::run::{RunEnd, RunState};
use crate::store::Decided;

const MEDIA: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const ONE: &str = "/approvals/1";
const APPROVE: &str = "/approvals/1/approve";
const REFUSE: &str = "/approvals/1/refuse";

impl Fixture {
    /// Asks on the page of the disk, and gives the page to which that leads.
    async fn ask_for_a_wipe(&self) -> String {
        let visitor = self.visitor();
        let page = visitor.get(&format!("/disks/wipe?id={}", encoded(MEDIA))).await.html;
        let answer = visitor.submit(&page, "/disks/wipe", &[("typed", MEDIA), ("fstype", "ext4")]).await;
        assert_eq!((answer.status, answer.place.as_str()), (StatusCode::SEE_OTHER, "/approvals/1?done=asked"));
        visitor.get(&answer.place).await.html
    }
}

#[tokio::test]
async fn a_wipe_is_asked_for_by_typing_and_waits_once() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    assert!(visitor.get("/approvals").await.html.contains("No wipe waits."));
    let wipe = format!("/disks/wipe?id={}", encoded(MEDIA));
    let page = visitor.get(&wipe).await.html;
    for wrong in ["", "uuid:0f3c9a52", "/dev/sdc1"] {
        let answer = visitor.submit(&page, "/disks/wipe", &[("typed", wrong), ("fstype", "ext4")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let asked = fixture.ask_for_a_wipe().await;
    assert!(asked.contains("Asked for. Nothing is wiped") && asked.contains("ext4 filesystem"), "{asked}");
    assert!(asked.contains("3.6 TiB") && asked.contains("user data") && asked.contains("/runs/1"), "{asked}");
    let list = visitor.get("/approvals").await.html;
    assert!(list.contains("asks to wipe /dev/sdc1") && list.contains("href=\"/approvals/1\""), "{list}");
    assert!(list.contains("Nothing was decided yet"), "{list}");
    let again = visitor.submit(&page, "/disks/wipe", &[("typed", MEDIA), ("fstype", "ext4")]).await;
    assert!(again.status == StatusCode::CONFLICT && again.html.contains("waiting already"), "{}", again.html);
    let page = visitor.get(&wipe).await.html;
    assert!(page.contains("href=\"/approvals/1\"") && !page.contains("<form"), "{page}");
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn a_wipe_is_approved_by_typing_and_once() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = fixture.ask_for_a_wipe().await;
    let typed = format!(" {MEDIA} ");
    let answer = visitor.submit(&page, APPROVE, &[("durable_id", &typed)]).await;
    assert_eq!((answer.status, answer.place.as_str()), (StatusCode::SEE_OTHER, "/approvals/1?done=approved"));
    fixture.ended(1).await;
    let html = visitor.get(ONE).await.html;
    assert!(html.contains(">used<") && html.contains("The run is done") && !html.contains("<form"), "{html}");
    assert!(html.contains(&format!("by user {}", rustix::process::getuid().as_raw())), "{html}");
    for (path, fields) in [(APPROVE, ("durable_id", MEDIA)), (REFUSE, ("reason", ""))] {
        let Answer { status, html, .. } = visitor.submit(&page, path, &[fields]).await;
        assert!(status == StatusCode::CONFLICT && html.contains("approval 1 is used"), "{path} {status}: {html}");
    }
    let list = visitor.get("/approvals").await.html;
    assert!(list.contains("No wipe waits.") && list.contains("<td>used"), "{list}");
    assert_eq!(fixture.formats(), 1);
}

#[tokio::test]
async fn a_refusal_has_its_reason_in_the_history_as_text() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = fixture.ask_for_a_wipe().await;
    let long = visitor.submit(&page, REFUSE, &[("reason", &"x".repeat(1001))]).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST, "{}", long.html);
    let answer = visitor.submit(&page, REFUSE, &[("reason", "<script>no</script>")]).await;
    assert_eq!(answer.place, "/approvals/1?done=refused");
    fixture.ended(1).await;
    for path in [ONE, "/approvals"] {
        let html = visitor.get(path).await.html;
        assert!(html.contains("&#60;script&#62;no&#60;/script&#62;") && !html.contains("<script>"), "{path}: {html}");
    }
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn a_wrong_id_wipes_nothing_and_five_of_them_are_too_many() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = fixture.ask_for_a_wipe().await;
    for wrong in ["", "x", "uuid:0f3c", "UUID:0f3c", "/dev/sdc1"] {
        let answer = visitor.submit(&page, APPROVE, &[("durable_id", wrong)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(answer.html.contains("expected the durable id of the disk"), "{}", answer.html);
    }
    let answer = visitor.submit(&page, APPROVE, &[("durable_id", MEDIA)]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.html.contains("Wait a minute"), "{}", answer.html);
    let headers = [("content-type", "application/json")];
    let body = format!(r#"{{"durable_id":"{MEDIA}"}}"#);
    let ((_, problem), _) = send(&fixture.sockets.main, Method::POST, "/v1/approvals/1/approve", &headers, &body).await;
    assert_eq!((&problem["status"], &problem["kind"]), (&429.into(), &"too-many-tries".into()), "{problem}");
    assert_eq!(fixture.get("/v1/approvals/1").await.1["state"], "waiting");
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn on_a_page_that_was_open_for_too_long_nothing_is_approved() {
    let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
    let fixture = Fixture::by(Arc::new(clock.clone())).await;
    let visitor = fixture.visitor();
    let page = fixture.ask_for_a_wipe().await;
    clock.run_for(Duration::from_secs(14 * 60)).await;
    assert!(visitor.get(ONE).await.html.contains("It expires"));
    clock.run_for(Duration::from_secs(60)).await;
    fixture.ended(1).await;
    let late = visitor.submit(&page, APPROVE, &[("durable_id", MEDIA)]).await;
    assert!(late.status == StatusCode::CONFLICT && late.html.contains("approval 1 is expired"), "{}", late.html);
    let html = visitor.get(ONE).await.html;
    assert!(
        html.contains(">expired<") && html.contains("nobody has decided in time") && !html.contains("<form"),
        "{html}"
    );
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn a_disk_that_has_become_another_is_told_and_left_alone() {
    let fixture = Fixture::new().await;
    let page = fixture.ask_for_a_wipe().await;
    fixture.agent.change(|state| state.disks[2].total_bytes += 1);
    fixture.visitor().submit(&page, APPROVE, &[("durable_id", MEDIA)]).await;
    fixture.ended(1).await;
    let html = fixture.visitor().get(ONE).await.html;
    assert!(html.contains(">withdrawn<") && html.contains("not any more what it was"), "{html}");
    assert_eq!(fixture.formats(), 0);
}

#[tokio::test]
async fn where_the_agent_demands_a_signature_the_command_of_the_operator_is_there_to_copy() {
    let fixture = Fixture::new().await;
    // A role that this program does not know: only the agent can tell whose it is.
    fixture.agent.change(|state| state.disks[2].role = Role::Other("cache".into()));
    let page = fixture.ask_for_a_wipe().await;
    fixture.visitor().submit(&page, APPROVE, &[("durable_id", MEDIA)]).await;
    fixture.ended(1).await;
    let html = fixture.visitor().get(ONE).await.html;
    let command = format!(
        "<code id=\"command\" class=\"whole-id\">felhom-opsign -op storage_wipe -host host-7f3a -durable-id {MEDIA}</code>"
    );
    assert!(html.contains(&command) && html.contains("data-copy=\"command\" hidden"), "{html}");
    assert!(fixture.agent.change(|state| state.disks[2].data_bearing), "nothing was wiped");
}

#[tokio::test]
async fn the_history_has_pages_and_what_waits_is_there_while_it_cannot_be_read() {
    let fixture = Fixture::new().await;
    let at = SystemClock.now();
    let written = fixture.store.writer().write(move |tx| {
        for number in 1..=51 {
            let run = tx.queue_run(at, "wiper", "ab", "due")?;
            tx.begin_run(at, run)?;
            let id = tx.ask_for_approval(
                at,
                at + jiff::SignedDuration::from_mins(15),
                &Wipe { run, nonce: number.to_string(), ..sample() },
            )?;
            assert_eq!(id, ApprovalId(number));
            let decided = Decided { state: ApprovalState::Refused, by: "user 7".into(), reason: String::new() };
            tx.decide_approval(at, id, &decided)?;
            let result = json!({ "pending_op": { "op": "x", "host_scope": "x", "durable_id": "x", "fstype": "x" } });
            tx.end_run(at, run, &RunEnd { result: Some(result.to_string()), ..RunEnd::new(RunState::Done, "") })?;
        }
        Ok(())
    });
    written.await.unwrap();
    let visitor = fixture.visitor();
    let html = visitor.get("/approvals").await.html;
    assert!(
        html.contains("/approvals/51\"") && !html.contains("/approvals/1\"") && html.len() < 45 * 1024,
        "{}",
        html.len()
    );
    assert!(html.contains("href=\"/approvals?before=2\""), "{html}");
    let html = visitor.get("/approvals?before=2").await.html;
    assert!(html.contains("/approvals/1\"") && html.contains("Newest approvals") && !html.contains("Older"), "{html}");
    let one = visitor.get(ONE).await.html;
    assert!(one.contains("Its SHA-256") && one.contains(&"ab".repeat(32)) && one.contains("by user 7"), "{one}");
    assert!(
        one.contains("The run is done") && !one.contains("opsign"),
        "an extension names no operation to sign: {one}"
    );

    let parked = fixture.store.park();
    let Answer { status, html, .. } = visitor.get("/approvals").await;
    assert!(status == StatusCode::OK && html.contains("The history is there again"), "{status}: {html}");
    assert_eq!(visitor.get(ONE).await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(parked);
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_page() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    for (path, status) in [("/approvals/7", 404), ("/approvals/x", 400), ("/approvals?before=x", 400)] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.html.starts_with("<!doctype html>"), "{path}: {}", answer.html);
    }
}
