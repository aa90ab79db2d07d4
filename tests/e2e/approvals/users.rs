//! A wipe that a user asks for by `agentapi disks wipe`.

use std::fs;
use std::time::Duration;

use agentapi_mock::{Fault, Repeat, Route};
use serde_json::Value;

use super::{DEVICE, Fixture, ID};

const WIPE: [&str; 5] = ["disks", "wipe", DEVICE, "--durable-id", ID];

impl Fixture {
    /// Asks, and returns the numbers of the run and of the request.
    fn wipe(&self) -> (i64, i64) {
        let asked = self.json(&WIPE);
        (asked["run"].as_i64().unwrap(), asked["approval"].as_i64().unwrap())
    }

    fn run_of(&self, run: i64) -> Value {
        self.json(&["runs", "show", &run.to_string()])
    }
}

#[test]
fn it_says_what_a_person_does_next_and_is_done_once_when_they_have() {
    let fixture = Fixture::new("");
    let _controller = fixture.serve();
    let (status, said) = fixture.ends(&WIPE);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("A person approves it with: agentapi approvals approve 1\n"), "{said}");
    assert_eq!((fixture.formats(), fixture.run_of(1)["state"].as_str().unwrap()), (0, "waiting-for-approval"));
    let user = format!("user {} (process ", rustix::process::getuid().as_raw());
    for look in [&["approvals", "show", "1"][..], &["approvals"], &["status"], &["runs", "show", "1"]] {
        let (_, shown) = fixture.ends(look);
        assert!(shown.contains(&user), "{look:?}: {shown}");
    }
    let (status, said) = fixture.ends(&WIPE);
    assert!(status == Some(1) && said.contains("approval 1 of a wipe of /dev/sdc1 is waiting already"), "{said}");

    assert_eq!(fixture.ends(&["approvals", "approve", "1", "--confirm", ID]).0, Some(0));
    assert_eq!(fixture.ended(1)["state"], "done");
    assert_eq!((fixture.formats(), fixture.state_of(1).as_str()), (1, "used"));
    assert_eq!(fixture.ends(&["approvals", "approve", "1", "--confirm", ID]).0, Some(1));
    assert_eq!(fixture.formats(), 1);

    let text = fs::read_to_string(fixture.folder.path().join("state/audit.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["event"].clone()).collect::<Vec<_>>(), ["begin", "decided", "end"]);
    assert!(lines[2]["extension_sha256"].as_str().unwrap().starts_with(&user), "who asked: {text}");
    assert!(lines[2]["by"].as_str().unwrap().starts_with(&user), "who approved: {text}");
}

#[test]
fn a_disk_of_the_operator_is_refused_at_once() {
    let fixture = Fixture::new("");
    let _controller = fixture.serve();
    let id = "byid:nvme-Samsung_SSD_970_PRO_512GB_S463NF0M";
    let (status, said) = fixture.ends(&["disks", "wipe", "/dev/nvme0n1p3", "--durable-id", id, "--fstype", "xfs"]);
    assert!(status == Some(1) && said.contains("only the operator of the host may wipe it"), "{status:?} {said}");
    assert_eq!(fixture.json(&["approvals"])["approvals"].as_array().unwrap().len(), 0);
}

#[test]
fn killed_while_it_waits_it_is_withdrawn_and_can_be_asked_for_again() {
    let fixture = Fixture::new("");
    let controller = fixture.serve();
    let (run, approval) = fixture.wipe();
    drop(controller);
    let _controller = fixture.serve();
    assert_eq!(fixture.ended(run)["state"], "stopped");
    assert_eq!(fixture.state_of(approval), "withdrawn");
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(1));
    let (run, approval) = fixture.wipe();
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(0));
    assert_eq!(fixture.ended(run)["state"], "done");
    assert_eq!(fixture.formats(), 1);
}

#[test]
fn killed_while_the_agent_is_told_it_is_unknown_and_not_told_again() {
    let fixture = Fixture::new("");
    let controller = fixture.serve();
    let (run, approval) = fixture.wipe();
    // Longer than the client waits for: it is killed before it hears.
    fixture.agent.inject(Route::FormatDisk, Fault::Latency(Duration::from_secs(600)), Repeat::Always);
    assert_eq!(fixture.ends(&["approvals", "approve", &approval.to_string(), "--confirm", ID]).0, Some(0));
    fixture.wait_until("the agent is told", || fixture.formats() == 1);
    drop(controller);
    let _controller = fixture.serve();
    let ended = fixture.ended(run);
    assert_eq!(ended["state"], "unknown", "{ended}");
    assert_eq!((fixture.formats(), fixture.state_of(approval).as_str()), (1, "used"));
}
