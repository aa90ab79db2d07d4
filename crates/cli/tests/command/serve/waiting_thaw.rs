//! `agentapi thaw --wait`, which a unit of its own runs beside the controller for as long as something is frozen.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::controller::FREEZING_BACKUP;
use crate::support::{Beside, ENDLESS, FREEZE, Fixture, THAW, command, run, wait_until};

fn waiting(fixture: &Fixture) -> Beside {
    let file = fixture.path("controller.toml");
    Beside::spawn(command(&["thaw", "--wait", "--config", file.to_str().unwrap()]))
}

fn frozen() -> (Fixture, Beside) {
    let fixture = Fixture::with(ENDLESS);
    fixture.configure(&[FREEZING_BACKUP, &fixture.quiesce(FREEZE, THAW)].concat());
    let controller = fixture.serve();
    (fixture, controller)
}

#[test]
fn it_leaves_a_controller_that_lives_alone_and_thaws_when_that_is_killed() {
    let (fixture, mut controller) = frozen();
    // The journal is found whatever is wrong with the file meanwhile.
    let text = fs::read_to_string(fixture.path("controller.toml")).unwrap();
    fs::write(fixture.path("controller.toml"), text.replace("[agent]", "[agnt]")).unwrap();
    // Started before the journal says that something is frozen.
    let mut waiting = waiting(&fixture);
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    // Some looks.
    thread::sleep(Duration::from_millis(2500));
    assert!(waiting.is_running() && fixture.marks().last().unwrap() == "freeze", "{:?}", fixture.marks());
    controller.signal(Signal::KILL);
    assert_eq!((controller.status(), waiting.status()), (137, 0), "{}", waiting.stderr());
    assert_eq!(fixture.marks().last().unwrap(), "thaw");
    assert!(waiting.stdout().starts_with("Thawed what backup-loop had left frozen"), "{}", waiting.stdout());
}

#[test]
fn it_ends_when_nothing_has_been_frozen_for_a_while() {
    let (fixture, mut controller) = frozen();
    let mut waiting = waiting(&fixture);
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert_eq!(waiting.status(), 0, "{}", waiting.stderr());
    assert!(waiting.stdout().starts_with("Nothing was left frozen by"), "{}", waiting.stdout());
    let thaws = fixture.marks().iter().filter(|mark| *mark == "thaw").count();
    let outcome = run(command(&["thaw", "--journal", "a", "--config", "b"]));
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    // One was the trial.
    assert_eq!(thaws, 2);
}
