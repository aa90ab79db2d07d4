//! `agentapi serve`: the controller as a process, against a mock agent in this one.

mod api;
mod console;
mod disk;
mod frozen;
mod idle;
mod keys;
mod killed;
mod metrics;
mod notify;
mod peers;
mod refused;
mod reload;
mod signed;
mod sockets;
mod systemd;
mod waiting_thaw;

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::support::controller::{BACKUP, FREEZING_BACKUP};
use crate::support::{Beside, ENDLESS, FREEZE, Fixture, QUICK, THAW, command, wait_until};

#[test]
fn with_a_mock_agent_one_command_is_a_whole_controller_that_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let mut serve = command(&["serve", "--mock"]);
    serve.env("TMPDIR", temporary.path());
    let mut controller = Beside::spawn(serve);
    controller.wait_for_ready();
    let said = controller.stderr();
    let socket = said.lines().find_map(|line| line.split_once("agentapi status --socket ")).unwrap().1.to_owned();
    let ask = |arguments: &[&str]| {
        let mut command: Command = command(arguments);
        command.env("AGENTAPI_SOCKET", &socket);
        let outcome = crate::support::run(command);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stdout
    };
    assert!(ask(&["status"]).contains("backup"));
    assert!(ask(&["schedule", "run", "backup"]).contains("of backup is queued"));
    wait_until("the backup is done", || ask(&["runs"]).contains("done"));
    let mut following = command(&["events", "--follow"]);
    following.env("AGENTAPI_SOCKET", &socket);
    let mut following = Beside::spawn(following);
    for (extension, expected) in [("capacity-report", "media at /mnt/felhom/media: in the backup"), ("disk-watch", "")]
    {
        assert!(ask(&["status"]).contains(extension));
        let run = ask(&["schedule", "run", extension, "--json"]);
        let run = serde_json::from_str::<serde_json::Value>(&run).unwrap()["run"].to_string();
        wait_until("the extension is done", || ask(&["runs", "show", &run]).contains(": done"));
        assert!(ask(&["runs", "log", &run]).contains(expected), "{}", ask(&["runs", "log", &run]));
        wait_until("it is told", || following.stdout().contains(&format!("{extension} (run {run}): done")));
    }
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert_eq!(following.status(), 0, "{}", following.stderr());
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_run_that_is_asked_for_is_listed_shown_and_told_of_by_events() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    let status = fixture.local_json(&["status"]);
    assert_eq!((&status["subjects"][0]["name"], &status["freeze"]), (&"backup".into(), &().into()));
    assert_eq!(fixture.run_backup(), 1);
    wait_until("the first backup is done", || fixture.state_of(1) == "done");
    let mut follow = Beside::spawn(fixture.local_command(&["events", "--follow", "--json"]));
    assert_eq!(fixture.local(&["schedule", "run", "backup"]).lines().count(), 1);
    wait_until("the second backup is done", || fixture.state_of(2) == "done");
    let runs = fixture.local_json(&["runs"]);
    let ids: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect();
    assert_eq!((ids, fixture.starts()), (vec![2, 1], 2));
    let shown = fixture.local_json(&["runs", "show", "2"]);
    assert_eq!((&shown["job_id"], &shown["job_before"]), (&"bk-101-2".into(), &"bk-101-1".into()));
    assert!(shown["reason"].as_str().unwrap().contains("asked for by"), "{shown}");
    let events = fixture.local_json(&["events"]);
    let of_two = events["events"].as_array().unwrap().iter().filter(|event| event["run"] == 2);
    let kinds: Vec<_> = of_two.map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run-queued", "run-started", "run-ended"]);
    wait_until("the stream has told of the end", || {
        let told = follow.stdout();
        let ended = |line: &str| line.contains("\"run-ended\"") && line.contains("\"run\":2");
        told.lines().any(ended)
    });
    controller.signal(Signal::TERM);
    assert_eq!((controller.status(), follow.status()), (0, 0), "{}", controller.stderr());
}

#[test]
fn a_schedule_that_is_paused_stays_so_over_a_restart_until_it_is_resumed() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(&BACKUP.replace("1h", "1s"));
    let mut controller = fixture.serve();
    wait_until("a backup is made", || fixture.starts() > 0);
    fixture.local(&["schedule", "pause", "backup"]);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);

    let starts = fixture.starts();
    let mut controller = fixture.serve();
    let is_paused = || fixture.local_json(&["status"])["subjects"][0]["is_paused"] == true;
    assert!(is_paused());
    // Two due times pass.
    std::thread::sleep(std::time::Duration::from_millis(2200));
    assert_eq!(fixture.starts(), starts);
    fixture.local(&["schedule", "resume", "backup"]);
    assert!(!is_paused());
    wait_until("backups go on", || fixture.starts() > starts);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}

#[test]
fn a_signal_stops_what_runs_thaws_it_writes_that_down_and_removes_the_sockets() {
    for signal in [Signal::TERM, Signal::INT] {
        let fixture = Fixture::with(ENDLESS);
        fixture.configure(&[FREEZING_BACKUP, &fixture.quiesce(FREEZE, THAW)].concat());
        let mut controller = fixture.serve();
        fixture.run_backup();
        wait_until("a backup is started", || fixture.starts() == 1);
        assert_eq!(fixture.marks().last().unwrap(), "freeze");
        controller.signal(signal);
        assert_eq!(controller.status(), 0, "{}", controller.stderr());
        assert_eq!(fixture.marks().last().unwrap(), "thaw");
        assert!(!fixture.path("main.sock").exists() && !fixture.path("ro.sock").exists());

        let mut controller = fixture.serve();
        let (_, run) = fixture.get("/v1/runs/1");
        assert_eq!((&run["state"], &run["end_reason"]), (&"stopped".into(), &"it was stopped".into()), "{run}");
        let events = fixture.get("/v1/events").1["events"].to_string();
        assert!(events.contains("the controller has ended in order"), "{events}");
        controller.signal(signal);
        assert_eq!(controller.status(), 0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_next_start_thaws() {
    let fixture = Fixture::with(ENDLESS);
    let thaw = "test ! -e held || { echo 'no such container' >&2; exit 1; }";
    fixture.configure(&[FREEZING_BACKUP, &fixture.quiesce("touch held", thaw)].concat());
    let mut controller = fixture.serve();
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    controller.signal(Signal::TERM);
    controller.wait_for("signal 15: runs are stopped");
    wait_until("a thaw has failed", || {
        fixture.get("/v1/status").1["freeze"]["thaw_attempts"].as_u64().is_some_and(|attempts| attempts > 0)
    });
    assert!(controller.is_running(), "it waits for the thaw");
    controller.signal(Signal::TERM);
    // Something is frozen still.
    assert_eq!(controller.status(), 7, "{}", controller.stderr());
    assert!(fixture.path("held").exists());

    fs::remove_file(fixture.path("held")).unwrap();
    let mut controller = fixture.serve();
    assert!(controller.stderr().contains("thawed what backup-loop had left frozen"), "{}", controller.stderr());
    assert!(
        fixture.local(&["events"]).contains("controller: thawed what backup-loop had left frozen"),
        "it is in the history"
    );
    assert_eq!(fixture.get("/v1/status").1["freeze"], serde_json::Value::Null);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}
