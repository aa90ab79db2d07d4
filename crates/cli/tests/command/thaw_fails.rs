//! A thaw that does not work: the report comes first, then what is waited for.

use std::fs::{self, File};
use std::process::Command;

use agentapi_loop_disk::Disk;
use serde_json::Value;

use crate::support::{Beside, Fixture, QUICK, one_line_of_json, run, wait_until};

/// Fails as long as the file `held` is there, which the freeze makes.
const STUBBORN: &str = "test ! -e held || { echo 'no such container' >&2; exit 1; }";
/// The report waits for a thaw as long as its programs may take once, and ten seconds.
const SHORT: [&str; 2] = ["--program-timeout-s", "1"];

fn stubborn_run(fixture: &Fixture, more: &[&str]) -> Command {
    fixture.freezing_run("touch held", STUBBORN, &[&SHORT, more].concat())
}

#[test]
fn the_report_comes_before_the_thaw_and_what_it_is_worth_after_it() {
    let fixture = Fixture::with(QUICK);
    let mut running = Beside::spawn(stubborn_run(&fixture, &[]));
    wait_until("the report", || running.stdout().ends_with('\n'));
    let report = one_line_of_json(&running.stdout());
    assert_eq!((&report["outcome"], &report["consistency"]), (&"done".into(), &"unknown".into()));
    assert_eq!(report["freeze"]["thawed"], false);
    assert_eq!(report["freeze"]["waits_for"], "thaw program 1 (sh)");
    assert!(report["freeze"]["thaw_attempts"].as_u64().unwrap() > 1, "{report}");

    running.wait_for("not thawed yet: backup-loop: its applications are being thawed for ");
    running.wait_for(", waiting for thaw program 1 (sh), tried ");
    running.wait_for(" times in vain: thaw program 1 (sh) ended with exit status: 1: no such container\n");
    assert!(running.is_running());
    fs::remove_file(fixture.path("held")).unwrap();
    assert_eq!(running.status(), 0, "{}", running.stderr());
    let stderr = running.stderr();
    let (_, told) = stderr.split_once("\nthawed\n").unwrap();
    assert!(told.starts_with("It is application-consistent: the applications stood still.\n"), "{stderr}");
    assert!(
        told.contains("The applications were frozen for ") && told.contains(", and thawed at attempt "),
        "{stderr}"
    );
}

#[test]
fn a_thaw_that_is_given_up_ends_with_a_status_of_its_own_and_a_journal_that_says_so() {
    let fixture = Fixture::with(QUICK);
    let outcome = run(stubborn_run(&fixture, &["--thaw-give-up-s", "1"]));
    assert_eq!(outcome.status, Some(7), "{outcome:?}");
    assert_eq!(one_line_of_json(&outcome.stdout)["freeze"]["thawed"], false);
    let error: Value = serde_json::from_str(outcome.stderr.lines().last().unwrap()).unwrap();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("given up: backup-loop: its applications are being thawed for "), "{message}");
    assert!(message.contains(&format!("`agentapi thaw --journal {}`", fixture.path("journal").display())), "{message}");
    assert!(fixture.journal().lines().last().unwrap().contains(r#""event":"frozen""#));

    // The next run thaws first, and is given up as well.
    let next = run(stubborn_run(&fixture, &["--thaw-give-up-s", "1"]));
    assert_eq!((next.status, next.stdout.as_str(), fixture.starts()), (Some(7), "", 1), "{next:?}");
}

#[test]
fn a_reader_that_has_stopped_keeps_nobody_from_being_told_and_from_giving_up() {
    let fixture = Fixture::with(QUICK);
    let (reader, writer) = std::io::pipe().unwrap();
    // As much as a pipe takes, so that the report does not fit.
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    std::io::Write::write_all(&mut &writer, &[b'x'; 4096]).unwrap();
    let mut command = stubborn_run(&fixture, &["--thaw-give-up-s", "3"]);
    command.stdout(writer);
    let mut running = Beside::spawn(command);
    assert_eq!(running.status(), 7, "{}", running.stderr());
    assert!(running.stderr().contains("given up: "), "{}", running.stderr());
    drop(reader);
}

/// What cannot be seen from the command line: a program freezes the disk that stdout and stderr are files on.
#[test]
fn a_report_that_lies_on_what_is_frozen_keeps_the_command_from_nothing() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(QUICK);
    let [out, err] = ["out", "err"].map(|name| disk.path().join(name));
    let thaw = format!("test ! -e {0}/held || exit 1; {1}", fixture.path("").display(), disk.thaw_line());
    let freeze = format!("touch held; {}", disk.freeze_line());
    let mut command = fixture.freezing_run(&freeze, &thaw, &[&SHORT[..], &["--thaw-give-up-s", "1"]].concat());
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut running = Beside::spawn(command);
    assert_eq!(running.status(), 7);
    assert!(disk.is_frozen());
    disk.fsfreeze("-u").unwrap();
    // They were left to processes that waited in its place.
    wait_until("the report is there", || fs::read_to_string(&out).is_ok_and(|text| text.ends_with("}\n")));
    assert_eq!(one_line_of_json(&fs::read_to_string(&out).unwrap())["freeze"]["thawed"], false);
    wait_until("the error is there", || fs::read_to_string(&err).is_ok_and(|text| text.contains("given up: ")));
}

#[test]
fn a_recovery_that_is_given_up_ends_also_where_its_words_lie_on_what_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(QUICK);
    let thaw = format!("test ! -e {}/held || exit 1; {}", fixture.path("").display(), disk.thaw_line());
    let freeze = format!("touch held; {}", disk.freeze_line());
    let giving_up =
        |fixture: &Fixture| fixture.freezing_run(&freeze, &thaw, &[&SHORT[..], &["--thaw-give-up-s", "1"]].concat());
    assert_eq!(run(giving_up(&fixture)).status, Some(7));
    assert!(disk.is_frozen());

    let mut thaw_alone = fixture.command(&["thaw", "--thaw-give-up-s", "1", "--journal"]);
    thaw_alone.arg(fixture.path("journal"));
    let error = disk.path().join("error");
    disk.fsfreeze("-u").unwrap();
    for mut command in [thaw_alone, giving_up(&fixture)] {
        let file = File::create(&error).unwrap();
        disk.fsfreeze("-f").unwrap();
        command.stderr(file);
        let mut running = Beside::spawn(command);
        assert_eq!(running.status(), 7);
        disk.fsfreeze("-u").unwrap();
        wait_until("the error is there", || fs::read_to_string(&error).is_ok_and(|text| text.contains("given up: ")));
    }
}
