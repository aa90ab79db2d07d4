//! `agentapi thaw`: what a process that is gone left frozen, and nothing else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use agentapi_loop_disk::Disk;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Beside, ENDLESS, FREEZE, Fixture, Outcome, THAW, command, one_line_of_json, run};

impl Fixture {
    /// A thaw of this fixture's journal, in an environment that is of no use: no home, no cache, a token that is not there.
    fn thaw(&self, more: &[&str]) -> Command {
        let mut thaw = command(&["thaw"]);
        thaw.arg("--journal").arg(self.path("journal")).args(more);
        thaw.env("AGENTAPI_TOKEN_FILE", "/nowhere/token")
            .env("AGENTAPI_ENDPOINT", "?")
            .env("AGENTAPI_DEADLINE_MS", "?")
            .env("AGENTAPI_CACHE_DIR", "/proc/1");
        thaw
    }
}

#[track_caller]
fn printed(outcome: &Outcome, status: i32) -> String {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(status), ""), "{outcome:?}");
    outcome.stdout.clone()
}

#[test]
fn what_a_killed_run_left_frozen_is_thawed_and_named() {
    let fixture = Fixture::with(ENDLESS);
    fixture.die_frozen(fixture.freezing_run(FREEZE, THAW, &[]));
    let text = printed(&run(fixture.thaw(&[])), 0);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("Thawed what backup-loop had left frozen, "), "{text}");
    assert!(lines[0].ends_with(" s after its freeze began:"), "{text}");
    assert_eq!(lines[1..], ["  program 1 (sh)"]);
    assert_eq!(fixture.marks().last().unwrap(), "thaw");
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"recovered""#), "{}", fixture.journal());

    let before = (fixture.marks(), fixture.journal());
    let text = printed(&run(fixture.thaw(&[])), 0);
    assert_eq!(text, format!("Nothing was left frozen by {}.\n", fixture.path("journal").display()));
    assert_eq!((fixture.marks(), fixture.journal()), before);
}

#[test]
fn a_file_system_that_a_killed_run_left_frozen_is_thawed() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(ENDLESS);
    let mut freezing = fixture.freezing_run(FREEZE, THAW, &["--freeze-fs", disk.text()]);
    freezing.env("XDG_RUNTIME_DIR", fixture.path(""));
    fixture.die_frozen(freezing);
    assert!(disk.is_frozen());
    let record = one_line_of_json(&printed(&run(fixture.thaw(&["--json"])), 0));
    assert!(!disk.is_frozen());
    assert_eq!(record["what"], serde_json::json!([disk.text(), "program 2 (sh)"]));
    assert_eq!((&record["holder"], &record["left_frozen"]), (&"backup-loop".into(), &true.into()));
    assert_eq!((&record["thaw_attempts"], &record["failures"]), (&1.into(), &serde_json::json!([])));
}

#[test]
fn a_run_that_lives_is_left_alone() {
    let fixture = Fixture::with(ENDLESS);
    let mut frozen = Beside::spawn(fixture.freezing_run(FREEZE, THAW, &[]));
    frozen.wait_for("backup bk-");
    let before = (fixture.marks(), fixture.journal());
    let outcome = run(fixture.thaw(&[]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{outcome:?}");
    let text = "is in use by another process, where backup-loop holds the freeze, for ";
    assert!(outcome.stderr.contains(text) && outcome.stderr.ends_with(" s now\n"), "{}", outcome.stderr);
    assert_eq!((fixture.marks(), fixture.journal()), before);
    assert!(frozen.is_running());
}

#[test]
fn a_journal_that_does_not_say_what_was_frozen_is_not_called_recovered() {
    let fixture = Fixture::start();
    let older = "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"backup-loop\"}\n";
    fs::write(fixture.path("journal"), older).unwrap();
    let outcome = run(fixture.thaw(&[]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(7), ""), "{outcome:?}");
    assert!(outcome.stderr.contains("name what was frozen with --freeze and --thaw, as it was then"), "{outcome:?}");
    assert_eq!(fixture.journal(), older);

    let script = format!("sh -c 'echo thaw >> {}'", fixture.path("marks").display());
    let text = printed(&run(fixture.thaw(&["--freeze", "true", "--thaw", &script])), 0);
    assert!(text.starts_with("Thawed what backup-loop had left frozen, "), "{text}");
    assert_eq!(fixture.marks().last().unwrap(), "thaw");
    assert_eq!(fixture.journal().lines().count(), 2);
}

#[test]
fn a_thaw_that_does_not_work_is_told_and_given_up() {
    let fixture = Fixture::with(ENDLESS);
    let stubborn = "test ! -e held || { echo 'no such container' >&2; exit 1; }";
    fixture.die_frozen(fixture.freezing_run("touch held", stubborn, &[]));
    let outcome = run(fixture.thaw(&["--thaw-give-up-s", "1"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(7), ""), "{outcome:?}");
    let text = &outcome.stderr;
    for expected in [
        "error: given up: backup-loop: its applications are being thawed for ",
        ", waiting for thaw program 1 (sh), tried ",
        " times in vain: thaw program 1 (sh) ended with exit status: 1: no such container; something may be frozen still: ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"frozen""#));

    // Without a limit it says so again and again, and a signal ends it.
    let mut waiting = Beside::spawn(fixture.thaw(&[]));
    waiting.wait_for("not thawed yet: backup-loop: ");
    waiting.wait_for("it is tried until it works; a second signal (Ctrl-C twice) ends this command without it");
    waiting.signal(Signal::INT);
    waiting.wait_for("it is tried until it works; another signal ends this command without it");
    waiting.signal(Signal::INT);
    assert_eq!(waiting.status(), 7);
    assert!(waiting.stderr().contains("error: interrupted: backup-loop: "), "{}", waiting.stderr());

    let mut waiting = Beside::spawn(fixture.thaw(&[]));
    waiting.wait_for("not thawed yet: backup-loop: ");
    fs::remove_file(fixture.path("held")).unwrap();
    assert_eq!(waiting.status(), 0);
    let failure = "\nbefore that: thaw program 1 (sh) ended with exit status: 1: no such container\n";
    assert!(waiting.stdout().contains(failure), "{}", waiting.stdout());
    assert!(waiting.stderr().ends_with("\nthawed\n"), "{}", waiting.stderr());
}

#[test]
fn it_takes_nothing_that_a_call_to_an_agent_needs() {
    let fixture = Fixture::start();
    for (option, text) in [
        (["--component", "x"], "thaw makes no call: give it no --component"),
        (["--deadline-ms", "1"], "thaw makes no call: give it no --deadline-ms"),
        (["--endpoint", "x"], "unexpected argument '--endpoint'"),
        (["--audit", "x"], "unexpected argument '--audit'"),
        (["--lease-s", "1"], "unexpected argument '--lease-s'"),
        (["--freeze", "true"], "expected as many thaw programs as freeze programs, found 0 and 1"),
    ] {
        let outcome = run(fixture.thaw(&option));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    let outcome = run(command(&["--endpoint", "x", "thaw"]));
    assert!(outcome.status == Some(2) && outcome.stderr.contains("give it no --endpoint"), "{outcome:?}");
}

#[test]
fn a_journal_that_is_not_there_is_not_made_and_said_to_be_missing() {
    let fixture = Fixture::start();
    let missing = fixture.path("journal");
    let text = printed(&run(fixture.thaw(&[])), 0);
    assert_eq!(text, format!("Nothing was left frozen by {}, which is not there.\n", missing.display()));
    let record = one_line_of_json(&printed(&run(fixture.thaw(&["--json"])), 0));
    assert_eq!(record["left_frozen"], Value::Bool(false));
    assert!(!missing.exists());
    fs::write(&missing, "notes\n").unwrap();
    let outcome = run(fixture.thaw(&[]));
    assert!(outcome.status == Some(1) && outcome.stderr.contains("is not a journal"), "{outcome:?}");
}

#[test]
fn a_journal_whose_path_is_no_utf_8_is_thawed_and_named() {
    let fixture = Fixture::with(ENDLESS);
    fixture.die_frozen(fixture.freezing_run(FREEZE, THAW, &[]));
    let odd = fixture.path("").join(OsStr::from_bytes(b"journal-\xff"));
    fs::rename(fixture.path("journal"), &odd).unwrap();
    let thaw = || {
        let mut thaw = command(&["thaw", "--json", "--journal"]);
        thaw.arg(&odd);
        one_line_of_json(&printed(&run(thaw), 0))
    };
    for left_frozen in [true, false] {
        let record = thaw();
        assert_eq!(record["left_frozen"], left_frozen);
        assert!(record["journal"].as_str().unwrap().ends_with("/journal-\u{fffd}"), "{record}");
    }
}

#[test]
fn who_is_not_root_is_told_so() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let fixture = Fixture::with(ENDLESS);
    fixture.die_frozen(fixture.freezing_run(FREEZE, THAW, &[]));
    let program = fixture.path("agentapi");
    fs::copy(env!("CARGO_BIN_EXE_agentapi"), &program).unwrap();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let as_nobody = |journal: &str| {
        let mut thaw = Command::new("setpriv");
        thaw.args(["--reuid=65534", "--clear-groups"])
            .arg(&program)
            .args(["thaw", "--journal"])
            .arg(fixture.path(journal));
        Outcome::from(thaw.output().unwrap())
    };
    let outcome = as_nobody("journal");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.starts_with("this is not root: "), "{outcome:?}");
    assert!(outcome.stderr.contains("Permission denied"), "{outcome:?}");
    let nothing = as_nobody("another");
    assert_eq!(nothing.status, Some(0));
    assert!(
        nothing.stdout.ends_with("is not there. This is not root, whose journal is another file.\n"),
        "{nothing:?}"
    );
}
