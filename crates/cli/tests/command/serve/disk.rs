//! The disk with the controller's state is full, or read-only: it serves, says what is wrong, and goes on when it can.

use std::fs;

use agentapi_loop_disk::Disk;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::controller::BACKUP;
use crate::support::{Beside, Fixture, QUICK, wait_until};

/// A controller whose state lies on a disk of its own. None where there are no loop devices.
fn on_a_disk() -> Option<(Beside, Fixture, Disk)> {
    let disk = Disk::new()?;
    let fixture = Fixture::with(QUICK);
    fixture.configure(&format!("[state]\nfolder = '{}/state'\n\n{BACKUP}", disk.text()));
    let controller = fixture.serve();
    Some((controller, fixture, disk))
}

/// The finding that says that nothing can be written down.
fn finding(fixture: &Fixture) -> Option<Value> {
    let (status, answer) = fixture.get("/v1/findings");
    assert_eq!(status, 200, "{answer}");
    answer["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "state-not-written").cloned()
}

/// What is asked for is refused with the reason, and the rest is answered.
#[track_caller]
fn assert_serves_without_writing(fixture: &Fixture, reason: &str) {
    let (status, problem) = fixture.post("/v1/subjects/backup/run");
    assert_eq!((status, &problem["kind"]), (503, &"state".into()), "{problem}");
    wait_until("it is found", || finding(fixture).is_some());
    let text = finding(fixture).unwrap()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("what happens cannot be written down: ") && text.contains(reason), "{text}");
    for path in ["/v1/live", "/v1/status", "/v1/runs", "/v1/events", "/v1/agent/storage"] {
        assert_eq!(fixture.get(path).0, 200, "{path}");
    }
    assert_eq!(fixture.starts(), 0, "nothing begins that is not written down");
}

#[test]
fn on_a_full_disk_it_serves_and_says_so_and_goes_on_when_there_is_space() {
    let Some((mut controller, fixture, disk)) = on_a_disk() else { return };
    let filler = disk.fill();
    // Commits go on as long as there is room in pages that the file has already.
    wait_until("nothing can be written", || {
        let action = if fixture.get("/v1/status").1["subjects"][0]["is_paused"] == true { "resume" } else { "pause" };
        fixture.post(&format!("/v1/subjects/backup/{action}")).0 == 503
    });
    assert_serves_without_writing(&fixture, "full");
    fs::remove_file(filler).unwrap();
    // Also without anybody who asks for something: what is to be written is tried again.
    wait_until("it is found to work", || finding(&fixture).is_none());
    let run = fixture.run_backup();
    wait_until("a backup is done", || fixture.state_of(run) == "done");
    let (_, events) = fixture.get("/v1/events?limit=1000");
    let kinds: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"finding-raised") && kinds.contains(&"finding-cleared"), "{kinds:?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn on_a_disk_that_has_become_read_only_it_serves_says_so_and_ends_when_it_is_told_to() {
    let Some((mut controller, fixture, disk)) = on_a_disk() else { return };
    disk.abort();
    assert_serves_without_writing(&fixture, "");
    controller.signal(Signal::TERM);
    // What could not be written down has been said.
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert!(controller.stderr().contains("not written down"), "{}", controller.stderr());
    assert!(!fixture.path("main.sock").exists());
}

#[test]
fn on_a_read_only_disk_it_does_not_start_and_names_the_folder() {
    let Some((mut controller, fixture, disk)) = on_a_disk() else { return };
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    disk.make_read_only();
    let said = fixture.refuse_to_serve(1);
    assert!(said.contains("/state") && said.contains("Read-only file system"), "{said}");
    assert!(!fixture.path("main.sock").exists());
}
