//! `agentapi policy`, with a real extension.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{build_folder, cargo, extension};

pub(crate) const GRANTS: &str =
    "functions = [\"backup.due\", \"disks.list\", \"disks.format\"]\nungranted = \"deny\"\n";

/// The command. Cargo has built it with the tests, unless only this one was asked for.
pub(crate) fn agentapi() -> PathBuf {
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--bin", "agentapi"]);
    assert!(cargo.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("agentapi")
}

pub(crate) fn policy(arguments: &[&str]) -> Output {
    let mut command = Command::new(agentapi());
    command.arg("policy").args(arguments).env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    command.output().unwrap()
}

pub(crate) fn run(grants: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    run_extension("misbehaving", grants, more)
}

pub(crate) fn run_extension(name: &str, grants: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let file = extension(name);
    let arguments = ["run", file.to_str().unwrap(), "--grants", grants.to_str().unwrap(), "--mock"];
    let output = policy(&[&arguments, more].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn grants(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grants.toml");
    std::fs::write(&file, text).unwrap();
    (dir, file)
}

#[test]
fn what_check_prints_is_grants_that_load_it() {
    let checked = policy(&["check", extension("misbehaving").to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(printed.contains("\"backup.due\",") && printed.contains("\nagent_calls = 1000\n"), "{printed}");
    let (_dir, file) = grants(&printed);
    let (status, stdout, stderr) = run(&file, &["--input", "\"list\""]);
    assert_eq!((status, stdout.as_str()), (Some(0), "4\n"), "{stderr}");
}

#[test]
fn what_it_may_not_call_or_be_is_said() {
    let (_dir, file) = grants("functions = [\"backup.due\"]");
    let (status, _, stderr) = run(&file, &[]);
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("missing are backup.start, disks.format, disks.list, quiesce.freeze, quiesce.thaw"),
        "{stderr}"
    );
    let (_dir, file) = grants("functions = [\"backup\"]");
    let (status, _, stderr) = run(&file, &[]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("expected a grant such as backup.due"), "{stderr}");
    let checked = policy(&["check", extension("hostile").to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8(checked.stderr).unwrap().contains("expected a component that exports"));
}

#[test]
fn wrong_usage_is_said_before_anything_is_run() {
    let (_dir, file) = grants(GRANTS);
    for (more, message) in [
        (&["--input", "{"][..], "--input: expected JSON"),
        (&["--approve", "/dev/sdc1"], "--approve: expected DEVICE=DURABLE-ID"),
        (&["--endpoint", "127.0.0.1:1"], "--mock is an agent of its own"),
    ] {
        let (status, _, stderr) = run(&file, more);
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn limits_are_set_beside_the_grants() {
    let all = "functions = [\"backup.*\", \"disks.*\", \"quiesce.*\"]\n";
    let (_dir, file) = grants(&format!("{all}[limits]\ncpu_ms = 100\n"));
    let (status, _, stderr) = run(&file, &["--input", "\"compute without end\""]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("more than 100ms of computing"), "{stderr}");
    let (_dir, file) = grants(&format!("{all}[limits]\ncpu = 100\n"));
    let (status, _, stderr) = run(&file, &[]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("unknown field `cpu`"), "{stderr}");
}

#[test]
fn a_wipe_that_is_approved_beforehand_is_done_and_no_other() {
    const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
    let (_dir, file) = grants(GRANTS);
    let input = format!("\"/dev/sdc1={ID}\"");
    let approving = |wipe: &str| run(&file, &["--input", &input, "--approve", wipe]);
    let (status, stdout, stderr) = approving(&format!("/dev/sdc1={ID}"));
    assert_eq!((status, stdout.as_str()), (Some(0), "formatted: true\n"), "{stderr}");
    let (status, _, stderr) = approving(&format!("/dev/sdd1={ID}"));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("no person has approved that this disk is wiped"), "{stderr}");
}

/// `script` gives the command a terminal, without which it asks nobody.
#[test]
#[cfg(unix)]
fn a_person_at_the_terminal_agrees_to_that_very_disk_by_typing_its_durable_id() {
    const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
    let (_dir, file) = grants(GRANTS);
    let (agentapi, extension, input) = (agentapi(), extension("misbehaving"), format!("\"/dev/sdc1={ID}\""));
    let command = [
        agentapi.to_str().unwrap(),
        "policy",
        "run",
        extension.to_str().unwrap(),
        "--grants",
        file.to_str().unwrap(),
        "--mock",
        "--input",
        &input,
    ];
    for (typed, printed) in [(ID, "formatted: true"), ("yes", "no person has approved that this disk is wiped")] {
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &shlex::try_join(command).unwrap(), "/dev/null"]);
        terminal.env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
        let mut running = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        running.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains(&format!("To agree, type its durable id (\"{ID}\")")), "{shown}");
        assert!(shown.contains(printed), "{shown}");
    }
}

#[test]
fn what_it_freezes_is_thawed_before_the_command_ends() {
    let (dir, file) = grants("functions = [\"quiesce.*\"]\nungranted = \"deny\"\n");
    let done = dir.path().join("done");
    let program = |what: &str| shlex::try_join(["sh", "-c", &format!("echo {what} >> {}", done.display())]).unwrap();
    let (freeze, thaw, journal) = (program("freeze"), program("thaw"), dir.path().join("journal"));
    let freezing = ["--freeze", &freeze, "--thaw", &thaw, "--journal", journal.to_str().unwrap()];
    let (status, _, stderr) = run(&file, &[&freezing[..], &["--input", "\"freeze and trap\""]].concat());
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("the extension trapped"), "{stderr}");
    assert_eq!(std::fs::read_to_string(done).unwrap(), "thaw\nfreeze\nthaw\n");
    assert!(std::fs::read_to_string(journal).unwrap().contains("its holder was gone"));
}

#[test]
fn what_it_does_is_audited() {
    let (dir, file) = grants(GRANTS);
    let audit = dir.path().join("audit.jsonl");
    let (status, ..) = run(&file, &["--audit", audit.to_str().unwrap()]);
    assert_eq!(status, Some(1), "its input is none that it knows");
    let audited = std::fs::read_to_string(audit).unwrap();
    assert!(audited.contains(r#""operation":"run","event":"end","outcome":"failed""#), "{audited}");
}

/// What the host holds for an extension counts within what the extension may hold itself: 128 MiB, unless set otherwise.
#[test]
fn the_whole_command_takes_little_more_memory_than_the_extension_may() {
    let (_dir, file) = grants(GRANTS);
    let wasm = extension("misbehaving");
    // Compiled before: what the compiler takes is another limit's.
    run(&file, &["--input", "\"list\""]);
    let quiet = peak_of_run(&wasm, &file, "list");
    for input in [
        "take all memory",
        "pass large arguments without end",
        "take random bytes without end",
        "take streams without end",
        "make resources without end",
        "return too much",
    ] {
        let peak = peak_of_run(&wasm, &file, input);
        println!("{input}: {} MiB, {} MiB without", peak / 1024, quiet / 1024);
        assert!(peak <= quiet + (128 + MEMORY_BESIDE_MIB) * 1024, "{input}: {peak} KiB, {quiet} KiB without");
    }
}

/// The most memory that a run of the command had resident, in KiB.
fn peak_of_run(wasm: &Path, grants: &Path, input: &str) -> u64 {
    let mut command = Command::new(agentapi());
    command.args(["policy", "run"]).arg(wasm).arg("--grants").arg(grants).args(["--mock", "--input"]);
    command.arg(format!("{input:?}")).env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    peak
}

/// What a run may take beside the extension's memory: a few arguments and results on their way.
const MEMORY_BESIDE_MIB: u64 = 32;
