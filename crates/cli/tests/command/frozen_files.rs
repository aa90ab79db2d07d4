//! Files of the command on a file system that it is to freeze.

use std::fs::File;
use std::process::Command;

use agentapi_loop_disk::Disk;

use crate::support::{Fixture, Outcome, QUICK, report, run};

#[test]
fn an_audit_and_an_output_on_what_is_frozen_are_refused_before_the_freeze() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(QUICK);
    let freezing = |more: &[&str]| {
        let mut command = fixture.backup_run(&[&["--freeze-fs", disk.text()], more].concat());
        command.arg("--journal").arg(fixture.path("journal"));
        command
    };
    let file = || File::create(disk.path().join("file")).unwrap();
    let audit = format!("{}/new/../audit", disk.text());
    std::fs::create_dir(disk.path().join("new")).unwrap();
    let to_stdout = |mut command: Command| {
        command.stdout(file());
        (run(command), "standard output (")
    };
    // What is said on a file that is standard error is read from there.
    let to_stderr = |mut command: Command| {
        let mut outcome: Outcome = command.stderr(file()).output().unwrap().into();
        outcome.stderr = std::fs::read_to_string(disk.path().join("file")).unwrap();
        (outcome, "standard error (")
    };
    for (outcome, what) in
        [(run(freezing(&["--audit", &audit])), "--audit "), to_stdout(freezing(&[])), to_stderr(freezing(&[]))]
    {
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        let text = format!("error: {what}{}", disk.text());
        let where_it_lies = format!(" lies on {}, which --freeze-fs freezes: ", disk.text());
        assert!(outcome.stderr.contains(&text) && outcome.stderr.contains(&where_it_lies), "{outcome:?}");
    }
    assert_eq!(fixture.starts(), 0);
    assert!(!disk.path().join("audit").exists());
}

#[test]
fn the_journal_may_lie_on_what_is_frozen_and_the_audit_elsewhere() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(QUICK);
    let (journal, audit) = (disk.path().join("journal"), fixture.path("audit"));
    let mut command = fixture.backup_run(&["--freeze-fs", disk.text()]);
    command.arg("--journal").arg(&journal).arg("--audit").arg(&audit);
    assert_eq!(report(&run(command), 0)["consistency"], "application");
    assert!(std::fs::read_to_string(journal).unwrap().contains(r#""event":"thawed""#));
    assert!(!std::fs::read_to_string(audit).unwrap().is_empty());
}

#[test]
fn what_an_earlier_run_left_is_thawed_before_the_command_line_is_refused() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(QUICK);
    let script = format!("sh -c 'echo thaw >> {}'", fixture.path("marks").display());
    let older = "{\"at_unix_s\":1790000000,\"event\":\"frozen\",\"holder\":\"backup-loop\"}\n";
    std::fs::write(fixture.path("journal"), older).unwrap();
    let audit = format!("{}/audit", disk.text());
    let mut command = fixture.backup_run(&["--freeze-fs", disk.text(), "--audit", &audit]);
    command.args(["--freeze", "true", "--thaw", &script, "--journal"]).arg(fixture.path("journal"));
    assert_eq!(run(command).status, Some(2));
    assert_eq!(fixture.marks().last().unwrap(), "thaw");
    assert!(fixture.journal().lines().last().unwrap().contains("recovered"));
}

#[test]
fn a_program_that_freezes_a_file_system_is_told_that_an_option_knows_more() {
    let fixture = Fixture::with("[backup]\ndue = false");
    let mut command = fixture.backup_run(&["--freeze", "/sbin/fsfreeze -f /data", "--thaw", "true", "--journal"]);
    command.arg(fixture.path("journal"));
    let outcome = run(command);
    let text = "--freeze '/sbin/fsfreeze -f /data': --freeze-fs MOUNT knows more";
    assert_eq!(outcome.stderr.matches(text).count(), 1, "{}", outcome.stderr);
    assert_eq!(outcome.status, Some(3));
}
