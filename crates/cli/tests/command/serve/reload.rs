//! A configuration that changes while a run goes on, and one that is broken.

use std::fs;

use agentapi_mock::BackupOutcome;
use rustix::process::Signal;

use crate::support::controller::BACKUP;
use crate::support::{ENDLESS, Fixture, wait_until};

fn has_event(fixture: &Fixture, kind: &str) -> bool {
    let (status, answer) = fixture.get("/v1/events?limit=1000");
    assert_eq!(status, 200, "{answer}");
    answer["events"].as_array().unwrap().iter().any(|event| event["kind"] == kind)
}

#[test]
fn a_run_goes_on_with_what_it_began_with_although_the_configuration_has_it_no_more() {
    let fixture = Fixture::with(ENDLESS);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    let run = fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    fixture.configure("");
    controller.signal(Signal::HUP);
    wait_until("it is taken up", || fixture.get("/v1/status").1["subjects"].as_array().unwrap().is_empty());
    assert_eq!(fixture.state_of(run), "running");
    assert!(fixture.agent.change(|state| state.backup.finish(BackupOutcome::Done)));
    wait_until("the run is done", || fixture.state_of(run) == "done");
    assert_eq!(fixture.post("/v1/subjects/backup/run").0, 404, "there is no other");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn a_broken_configuration_is_refused_whole_and_said_and_the_one_before_goes_on_until_it_is_mended() {
    let fixture = Fixture::with(ENDLESS);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    let good = fs::read_to_string(fixture.path("controller.toml")).unwrap();
    // A right change beside the wrong one, to see that nothing of it is taken.
    fs::write(fixture.path("controller.toml"), good.replace("[backup]", "[backup]\nlise = \"1m\"\npaused = true"))
        .unwrap();
    controller.signal(Signal::HUP);
    wait_until("it is refused", || has_event(&fixture, "reload-refused"));
    wait_until("it is said", || controller.stderr().contains("backup.lise: unknown key"));
    let (_, status) = fixture.get("/v1/status");
    assert!(status["subjects"][0]["next_due"].is_string(), "it is due as before: {status}");
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    assert!(!has_event(&fixture, "reloaded"));
    fs::write(fixture.path("controller.toml"), good.replace("[backup]", "[backup]\npaused = true")).unwrap();
    controller.signal(Signal::HUP);
    wait_until("it is taken up", || has_event(&fixture, "reloaded"));
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}
