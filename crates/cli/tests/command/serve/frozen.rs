//! State, audit and journal lie on the file system that is frozen: what is asked is answered, whatever ends the controller
//! ends it, and nothing stays frozen.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::thread;
use std::time::{Duration, Instant};

use agentapi_loop_disk::Disk;
use agentapi_mock::BackupOutcome;
use rustix::process::Signal;

use crate::support::controller::{FREEZING_BACKUP, open_request};
use crate::support::{Beside, ENDLESS, Fixture, wait_until};

/// A controller whose backup has frozen the disk on which its state lies.
struct Frozen {
    // Before the disk, so that it ends before the disk is unmounted.
    controller: Beside,
    fixture: Fixture,
    disk: Disk,
}

/// None where there are no loop devices.
fn frozen() -> Option<Frozen> {
    let disk = Disk::new()?;
    let fixture = Fixture::with(ENDLESS);
    let mount = disk.text();
    fixture.configure(&format!(
        "[state]\nfolder = '{mount}/state'\n\n[audit]\nfile = '{mount}/state/audit.jsonl'\n\n{FREEZING_BACKUP}\
         [quiesce]\napplications = [{{ file_system = '{mount}' }}]\n"
    ));
    let controller = fixture.serve();
    assert!(disk.path().join("state/freeze.journal").exists(), "the journal lies there too, unless it is configured");
    // SQLite moves the log into the file after a thousand pages, which these commits fill.
    let log = disk.path().join("state/controller.db");
    let before = fs::metadata(&log).unwrap().len();
    wait_until("there was a checkpoint", || {
        for action in ["pause", "resume"] {
            assert_eq!(fixture.post(&format!("/v1/subjects/backup/{action}")).0, 200);
        }
        fs::metadata(&log).unwrap().len() > before
    });
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    assert!(disk.is_frozen());
    Some(Frozen { controller, fixture, disk })
}

/// Threads that were waiting in the kernel each time we looked, by their names.
fn threads_that_wait_in_the_kernel(pid: u32) -> Vec<String> {
    const LOOKS: usize = 20;
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..LOOKS {
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
            let (name, rest) = stat.rsplit_once(") ").unwrap();
            if rest.starts_with('D') {
                *waiting.entry(name.to_owned()).or_default() += 1;
            }
        }
        thread::sleep(Duration::from_millis(25));
    }
    waiting.into_iter().filter(|(_, count)| *count == LOOKS).map(|(name, _)| name).collect()
}

#[test]
fn while_its_own_disk_is_frozen_it_answers_and_stops_and_writes_down_afterwards() {
    let Some(Frozen { mut controller, fixture, disk }) = frozen() else { return };
    for path in ["/v1/status", "/v1/live", "/v1/ready", "/v1/agent/backup-status"] {
        assert_eq!(fixture.get(path).0, 200, "{path}");
    }
    assert!(fixture.get("/v1/status").1["freeze"]["holder"].is_string());
    for path in ["/v1/runs", "/v1/runs/1", "/v1/events"] {
        let (status, problem) = fixture.get(path);
        assert_eq!((status, &problem["kind"]), (503, &"frozen".into()), "{path}: {problem}");
    }
    // It is done, and answered, as soon as it can be written down.
    let mut pause =
        open_request(&fixture.path("main.sock"), "POST", "/v1/subjects/backup/pause", "connection: close\r\n");
    let events = open_request(&fixture.path("main.sock"), "GET", "/v1/events?after=0", "accept: text/event-stream\r\n");
    wait_until("it is paused", || fixture.get("/v1/status").1["subjects"][0]["is_paused"] == true);
    assert_eq!(threads_that_wait_in_the_kernel(controller.pid()), [""; 0]);
    assert!(disk.is_frozen());

    assert_eq!(fixture.post("/v1/runs/1/stop").0, 200);
    let mut answer = String::new();
    pause.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    wait_until("the end is written down", || fixture.state_of(1) == "stopped");
    assert!(!disk.is_frozen());
    // The stream that was opened during the freeze brings what has happened meanwhile.
    let lines = BufReader::new(events).lines().map(|line| line.unwrap());
    let streamed: Vec<_> = lines.take_while(|line| line != "event: run-ended").collect();
    assert!(streamed.iter().any(|line| line.contains("paused by")), "{streamed:#?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn a_signal_while_its_own_disk_is_frozen_thaws_it_and_ends_in_order() {
    let Some(Frozen { mut controller, fixture, disk }) = frozen() else { return };
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert!(!disk.is_frozen() && !fixture.path("main.sock").exists());
    let mut controller = fixture.serve();
    assert_eq!(fixture.state_of(1), "stopped");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}

#[test]
fn killed_while_its_own_disk_is_frozen_it_is_gone_and_the_next_start_thaws() {
    let Some(Frozen { mut controller, fixture, disk }) = frozen() else { return };
    let killed = Instant::now();
    controller.signal(Signal::KILL);
    // A thread that waited for the disk would keep the process until the thaw.
    assert_eq!(controller.status(), 137);
    println!("gone after {:?}", killed.elapsed());
    assert!(disk.is_frozen());

    let mut controller = fixture.serve();
    assert!(controller.stderr().contains("thawed what backup-loop had left frozen"), "{}", controller.stderr());
    assert!(!disk.is_frozen());
    assert_eq!(fixture.state_of(1), "running", "its backup goes on");
    assert!(fixture.agent.change(|state| state.backup.finish(BackupOutcome::Done)));
    wait_until("the run has ended", || fixture.get("/v1/runs/1").1["ended_at"].is_string());
    let (_, run) = fixture.get("/v1/runs/1");
    assert_eq!((&run["job_id"], &run["state"], fixture.starts()), (&"bk-101-1".into(), &"failed".into(), 1));
    assert_eq!(run["end_reason"], "only crash: the controller ended while it was taken");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}
