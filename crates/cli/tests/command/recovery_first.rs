//! After a crash, the next start thaws before it looks at anything that may be missing, wrong or damaged.

use std::fs;
use std::process::Command;

use agentapi_loop_disk::Disk;
use rustix::process::Signal;

use crate::support::{Beside, ENDLESS, FREEZE, Fixture, THAW, run};

/// What is wrong with the next start: its command, made from that of a start with which all is well.
type Wrong = (&'static str, fn(&Fixture) -> Command);

const WRONG: [Wrong; 9] = [
    ("the token's file is gone", |fixture| {
        let mut next = next(fixture, &["--token-file", "/nowhere/token"]);
        next.env_remove("AGENTAPI_TOKEN");
        next
    }),
    ("no endpoint is given", |fixture| {
        let mut next = next(fixture, &[]);
        next.env_remove("AGENTAPI_ENDPOINT");
        next
    }),
    ("the fingerprint is none", |fixture| next(fixture, &["--fingerprint", "ab"])),
    ("the audit cannot be written", |fixture| next(fixture, &["--audit", "/proc"])),
    ("the component cannot be read", |fixture| next(fixture, &["--component", "/nowhere/agentapi.wasm"])),
    ("the cache is damaged", |fixture| {
        let cache = fixture.path("cache");
        for file in fs::read_dir(&cache).unwrap() {
            fs::write(file.unwrap().path(), "damaged").unwrap();
        }
        let mut next = next(fixture, &["--even-if-not-due"]);
        next.env("AGENTAPI_CACHE_DIR", cache);
        next
    }),
    ("the grants cannot be read", |fixture| policy_run(fixture, "/proc/self/exe", "/nowhere/grants.toml")),
    ("the extension cannot be read", |fixture| policy_run(fixture, "/nowhere/extension.wasm", "/dev/null")),
    ("there is little address space", |fixture| {
        let unlimited = next(fixture, &[]);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v 200000; exec \"$@\"", "sh"]).arg(unlimited.get_program());
        limited.args(unlimited.get_args()).env_clear();
        limited.envs(unlimited.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited
    }),
];

fn next(fixture: &Fixture, more: &[&str]) -> Command {
    fixture.freezing_run(FREEZE, THAW, more)
}

fn policy_run(fixture: &Fixture, file: &str, grants: &str) -> Command {
    let mut command = fixture.command(&["policy", "run", file, "--grants", grants]);
    command.args(["--freeze", "true", "--thaw", "true", "--journal"]).arg(fixture.path("journal"));
    command
}

#[test]
fn whatever_is_wrong_with_the_next_start_it_thaws_first() {
    for (what, wrong) in WRONG {
        let fixture = Fixture::with(ENDLESS);
        let mut freezing = next(&fixture, &[]);
        freezing.env("AGENTAPI_CACHE_DIR", fixture.path("cache"));
        fixture.die_frozen(freezing);
        let outcome = run(wrong(&fixture));
        assert_ne!(outcome.status, Some(0), "{what}: {outcome:?}");
        assert_eq!(fixture.marks().last().unwrap(), "thaw", "{what}: {outcome:?}");
        let journal = fixture.journal();
        assert!(journal.lines().last().unwrap().contains(r#""event":"recovered""#), "{what}: {journal}{outcome:?}");
    }
}

#[test]
fn the_journal_of_this_user_may_lie_on_what_a_killed_run_left_frozen() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::with(ENDLESS);
    let without_journal = |more: &[&str]| {
        let mut command = fixture.backup_run(&[&["--freeze-fs", disk.text()], more].concat());
        command.env("XDG_STATE_HOME", disk.path()).env("XDG_RUNTIME_DIR", fixture.path(""));
        command
    };
    let mut frozen = Beside::spawn(without_journal(&[]));
    frozen.wait_for("backup bk-");
    frozen.signal(Signal::KILL);
    assert_eq!(frozen.status(), 137);
    assert!(disk.is_frozen());
    // Beside the test: it would wait without an end for the thaw that it is to bring.
    let mut next = Beside::spawn(without_journal(&["--fingerprint", "ab"]));
    assert_eq!(next.status(), 2, "{}", next.stderr());
    assert!(!disk.is_frozen());
    let journal = fs::read_to_string(disk.path().join("agentapi/quiesce.jsonl")).unwrap();
    assert!(journal.lines().last().unwrap().contains(r#""event":"recovered""#), "{journal}");
}
