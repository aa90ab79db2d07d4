//! `agentapi policy`, with a real extension.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use agentapi_registry::{Manifest, Wishes, embed};

use crate::support::{build_folder, cargo, extension, extension_of_profile};

const GRANTS: &str = "functions = [\"backup.due\", \"disks.list\", \"disks.format\"]\nungranted = \"deny\"\n";

/// The command. Cargo has built it with the tests, unless only this one was asked for.
pub(crate) fn agentapi() -> PathBuf {
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--bin", "agentapi"]);
    assert!(cargo.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("agentapi")
}

fn policy(arguments: &[&str]) -> Output {
    let mut command = Command::new(agentapi());
    command.arg("policy").args(arguments).env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    command.output().unwrap()
}

fn run(grants: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    run_extension("misbehaving", grants, more)
}

fn run_extension(name: &str, grants: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let file = extension(name);
    let arguments = ["run", file.to_str().unwrap(), "--grants", grants.to_str().unwrap(), "--mock"];
    let output = policy(&[&arguments, more].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn grants(text: &str) -> (tempfile::TempDir, PathBuf) {
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

#[test]
fn what_an_extension_prints_and_why_it_panics_is_shown_without_asking_for_it() {
    let (_dir, file) = grants("");
    let (status, stdout, stderr) = run_extension("curious", &file, &[]);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("variables: 0"), "{stdout}");
    assert_eq!(stderr, "info  looking\nwarn  around\n");

    let (status, _, stderr) = run_extension("curious", &file, &["--input", "\"panic\""]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("\nwarn  nobody is first\n"), "{stderr}");
    let trapped = "error: the extension trapped\n  caused by: wasm trap: wasm `unreachable` instruction executed\n";
    assert!(stderr.ends_with(trapped), "{stderr}");
}

#[test]
fn a_trap_shows_the_functions_and_lines_of_the_extension_and_not_those_of_its_runtime() {
    let (_dir, file) = grants("");
    let wasm = extension_of_profile("curious", "dev", "debug");
    let arguments =
        ["run", wasm.to_str().unwrap(), "--grants", file.to_str().unwrap(), "--mock", "--input", "\"panic\""];
    let stderr = String::from_utf8(policy(&arguments).stderr).unwrap();
    let (_, trap) = stderr.split_once("caused by: ").unwrap();
    let first = trap.lines().next().unwrap();
    assert!(first.contains("executed, in curious::first_of (") && first.contains("curious/src/lib.rs:"), "{stderr}");
    assert!(trap.lines().nth(1).unwrap().contains("from run ("), "{stderr}");
    assert!(!trap.contains("_ZN") && !trap.contains("core::panicking"), "{stderr}");
    assert!(trap.lines().count() <= 1 + 8, "{stderr}");
}

#[test]
fn the_input_may_come_from_a_file_or_from_standard_input() {
    let (dir, file) = grants(GRANTS);
    let input = dir.path().join("input.json");
    std::fs::write(&input, "\"list\"").unwrap();
    let (status, stdout, stderr) = run(&file, &["--input", &format!("@{}", input.display())]);
    assert_eq!((status, stdout.as_str()), (Some(0), "4\n"), "{stderr}");

    let mut command = Command::new(agentapi());
    command.args(["policy", "run"]).arg(extension("misbehaving")).arg("--grants").arg(&file);
    command.args(["--mock", "--input", "-"]).env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(b"\"list\"").unwrap();
    assert_eq!(running.wait_with_output().unwrap().stdout, b"4\n");

    let (status, _, stderr) = run(&file, &["--input", "@/nowhere.json"]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("--input: /nowhere.json cannot be read"), "{stderr}");
}

#[test]
fn the_mock_agent_takes_a_scenario_and_faults() {
    let (dir, file) = grants(GRANTS);
    let scenario = dir.path().join("scenario.toml");
    std::fs::write(&scenario, "disks = []").unwrap();
    let (_, stdout, stderr) = run(&file, &["--input", "\"list\"", "--scenario", scenario.to_str().unwrap()]);
    assert_eq!(stdout, "0\n", "{stderr}");
    let (status, _, stderr) = run(&file, &["--input", "\"list\"", "--fault", "disks:status=503*1"]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("503"), "{stderr}");
    let output = policy(&["run", "x.wasm", "--grants", "x", "--fault", "disks:status=503"]);
    assert_eq!(output.status.code(), Some(2), "without --mock");
}

#[test]
fn a_trace_is_a_tree_of_calls_with_arguments_answers_and_errors() {
    let (_dir, file) = grants("functions = [\"backup.status\", \"state.get\"]\nungranted = \"deny\"");
    let input = ["--trace", "--input", "{\"do\":\"status;log info half way;get a;eject /mnt/x\"}"];
    let (status, _, stderr) = run_extension("diligent", &file, &input);
    assert_eq!(status, Some(0), "{stderr}");
    let shown: Vec<_> = stderr.lines().map(str::trim_end).collect();
    assert_eq!(shown[0], "diligent");
    assert!(shown[1].starts_with("├─ 0.") && shown[1].contains(" s  backup.status  "), "{stderr}");
    assert!(shown[2].starts_with("│    = {") && shown[2].contains("\"phase\":\"idle\""), "{stderr}");
    assert_eq!(shown[3], "├─ info  half way");
    assert!(shown[6].contains("s  disks.eject {\"where\":\"/mnt/x\"}"), "{stderr}");
    assert_eq!(shown[7], "│    ! denied: the grant disks.eject is missing");
    assert!(shown.last().unwrap().starts_with("└─ the end, after "), "{stderr}");
}

#[test]
fn a_dry_run_changes_nothing_at_the_agent() {
    let (dir, file) = grants("functions = [\"backup.*\", \"disks.eject\"]\nungranted = \"deny\"");
    let audit = dir.path().join("audit.jsonl");
    let input = "{\"do\":\"start;status;eject /mnt/media\"}";
    let more = ["--dry-run", "--audit", audit.to_str().unwrap(), "--input", input];
    // The agent would refuse both.
    let faults = ["--fault", "start-backup:status=500", "--fault", "eject-disk:status=500"];
    let (status, stdout, stderr) = run_extension("diligent", &file, &[&more[..], &faults].concat());
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(stdout, "\"dry-run-1\";BackupPhase::Done;\"/mnt/media\"\n");
    assert_eq!(std::fs::read_to_string(audit).unwrap(), "");
}

#[test]
fn programs_tell_failures_apart_by_their_kind() {
    let (_dir, file) = grants(GRANTS);
    let kind = |more: &[&str]| {
        let (_, _, stderr) = run(&file, &[more, &["--json"]].concat());
        let last: serde_json::Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
        last["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind(&["--input", "\"nonsense\""]), "failed");
    assert_eq!(kind(&["--input", "\"recurse\""]), "trapped");
    assert_eq!(kind(&["--input", "\"call without end\""]), "stopped");
    let (_dir, none) = grants("");
    let (_, _, stderr) = run(&none, &["--json"]);
    assert!(stderr.starts_with("{\"kind\":\"not-loaded\""), "{stderr}");
    assert!(stderr.contains("ungranted = \\\"deny\\\""), "{stderr}");
}

#[test]
fn what_is_no_component_is_told_in_lines_and_not_in_escapes() {
    let dir = tempfile::tempdir().unwrap();
    let wat = dir.path().join("x.wasm");
    std::fs::write(&wat, "(component\n  (core module\n    (func (oops))))").unwrap();
    let checked = policy(&["check", wat.to_str().unwrap()]);
    let stderr = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{stderr}");
    assert!(!stderr.contains("\\n"), "{stderr}");
}

#[test]
fn where_imports_say_nothing_each_function_is_to_be_decided_on_and_none_is_pasted() {
    let dir = tempfile::tempdir().unwrap();
    let wasm = dir.path().join("report.wasm");
    let packed = &include_bytes!("kept/storage_report.wasm.gz")[..];
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut std::fs::File::create(&wasm).unwrap()).unwrap();
    let checked = policy(&["check", wasm.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(
        printed
            .contains("\n    # \"disks.format\",             # format a disk; one with data only if a person agrees\n")
    );
    assert!(printed.contains("\nungranted = \"deny\"\n"), "{printed}");
    let granted: Vec<_> = printed.lines().filter(|line| line.trim_start().starts_with('"')).collect();
    assert!(granted.is_empty(), "{granted:?}");

    // What its author names in the file is granted by what is printed, and nothing else.
    let manifest = Manifest {
        wishes: Wishes { functions: vec!["storage.mounts".into(), "host-metrics.*".into()], ..Wishes::default() },
        ..Manifest::default()
    };
    let named = embed(&std::fs::read(&wasm).unwrap(), &manifest).unwrap();
    std::fs::write(&wasm, named).unwrap();
    let printed = String::from_utf8(policy(&["check", wasm.to_str().unwrap()]).stdout).unwrap();
    let granted: Vec<_> = printed.lines().map(str::trim).filter(|line| line.starts_with('"')).collect();
    assert_eq!(granted, ["\"host-metrics.collect\",", "\"storage.mounts\","], "{printed}");
}
