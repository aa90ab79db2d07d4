//! The screens in `docs/backups.md`: what the command prints, and the status with which it ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use agentapi_host::Route;
use agentapi_mock::{Fault, Repeat};
use rustix::process::Signal;

use crate::support::{Beside, Fixture};

const PAGE: &str = include_str!("../../../../docs/backups.md");

/// What is there when a screen's command is typed.
struct Stage {
    scenario: &'static str,
    /// What `docker` does in the place of a container engine: with `pause` or `unpause` in `$1`.
    docker: &'static str,
    prepare: fn(&Fixture),
}

const WORKS: &str = "";
/// Backups that run when they are asked for the first time, also on a machine that is busy.
const DUE: &str = "[backup]\nduration_ms = 2500";

impl Default for Stage {
    fn default() -> Self {
        Self { scenario: DUE, docker: WORKS, prepare: |_| () }
    }
}

/// The stage of each screen.
fn stages() -> BTreeMap<&'static str, Stage> {
    let held =
        "case $1 in (pause) touch held ;; (*) test ! -e held || { echo 'no such container: app' >&2; exit 1; } ;; esac";
    BTreeMap::from([
        ("done", Stage::default()),
        (
            "not due",
            Stage {
                scenario: "[backup]\ndue = false\nreason = \"last backup 4h ago, policy daily\"",
                ..Stage::default()
            },
        ),
        (
            "freeze failed",
            Stage { docker: "test $1 != pause || { echo 'no such container: app' >&2; exit 1; }", ..Stage::default() },
        ),
        ("overran", Stage { docker: "test $1 != pause || exec sleep 60", ..Stage::default() }),
        ("lease ended", Stage::default()),
        ("thaw failing", Stage { docker: held, ..Stage::default() }),
        ("start unknown", Stage { prepare: lose_the_start, ..Stage::default() }),
        ("thaw", Stage { scenario: "[backup]\nduration_ms = 600000", prepare: die_frozen, ..Stage::default() }),
        ("nothing left", Stage::default()),
    ])
}

fn lose_the_start(fixture: &Fixture) {
    fixture.inject(Route::StartBackup, Fault::Status(http::StatusCode::BAD_GATEWAY), Repeat::Times(1));
}

fn die_frozen(fixture: &Fixture) {
    let line = "exec agentapi backup run --freeze 'docker pause app' --thaw 'docker unpause app'";
    let mut frozen = Beside::spawn(shell(fixture, line));
    frozen.wait_for("backup bk-");
    frozen.signal(Signal::KILL);
    assert_eq!(frozen.status(), 137);
}

#[test]
fn the_screens_of_the_operators_page_are_what_the_command_prints() {
    let screens = screens();
    let stages = stages();
    assert_eq!(screens.keys().copied().collect::<Vec<_>>(), stages.keys().copied().collect::<Vec<_>>());
    for (name, stage) in &stages {
        let screen = &screens[name];
        let (line, _) = screen.strip_prefix("$ ").unwrap().split_once('\n').unwrap();
        let fixture = Fixture::with(stage.scenario);
        write_program(&fixture, "docker", stage.docker);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agentapi"), fixture.path("agentapi")).unwrap();
        (stage.prepare)(&fixture);
        // Both outputs in the order in which a terminal shows them.
        let output = shell(&fixture, &format!("{line} 2>&1")).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap().replace(fixture.path("").to_str().unwrap(), "/root/");
        let status = output.status.code().unwrap();
        let shown = format!("$ {line}\n{printed}$ echo $?\n{status}\n");
        assert_eq!(without_numbers(&shown), without_numbers(screen), "the screen {name:?} is now\n{shown}");
    }
}

/// A line as it is typed, where `agentapi` and `docker` are found.
fn shell(fixture: &Fixture, line: &str) -> Command {
    // With the environment that names the fixture's agent.
    let command = fixture.command(&[]);
    let mut shell = Command::new("sh");
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("HOME", fixture.path("")).env("PATH", format!("{}:/usr/bin:/bin", fixture.path("").display()));
    shell.args(["-c", line]).current_dir(fixture.path(""));
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    shell
}

fn write_program(fixture: &Fixture, name: &str, script: &str) {
    let file = fixture.path(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The blocks below a comment that names them.
fn screens() -> BTreeMap<&'static str, &'static str> {
    let named = PAGE.split("<!-- screen: ").skip(1);
    named
        .map(|part| {
            let (name, rest) = part.split_once(" -->\n```console\n").unwrap();
            (name, rest.split_once("```").unwrap().0)
        })
        .collect()
}

/// Times and counts differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        let word = |index: usize| {
            let (before, after) = (index.checked_sub(1).map(|index| words[index]), words.get(index + 1));
            let unit = after.map(|after| after.trim_end_matches(|c: char| c.is_ascii_punctuation()));
            let is_count = matches!(unit, Some("ms" | "s" | "times")) || before == Some("attempt");
            let digits = words[index].trim_end_matches('.');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let is_time = words[index].ends_with('Z') && words[index].contains("T") && words[index].contains(':');
            if (is_count && is_number) || is_time { "N" } else { words[index] }
        };
        lines.push((0..words.len()).map(word).collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

#[test]
fn numbers_that_differ_are_times_and_counts_alone() {
    let text = "2026-11-26T19:40:42.59Z frozen for 2048 ms, at attempt 3.\nbackup bk-101-1: tried 12 times, status 7";
    assert_eq!(without_numbers(text), "N frozen for N ms, at attempt N\nbackup bk-101-1: tried N times, status 7");
}
