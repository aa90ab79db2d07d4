//! What `agentapi policy` shows the author of an extension: its lines, calls and traps, and what it names; and what it is given.

use std::io::Write;
use std::process::{Command, Stdio};

use agentapi_registry::{Manifest, Wishes, embed};

use crate::policy_command::{GRANTS, agentapi, grants, policy, run, run_extension};
use crate::support::{build_folder, extension, extension_of_profile};

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
