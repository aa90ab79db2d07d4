//! Components that are costly to load: whatever they do to the process that compiles them, the command goes on, says which
//! limit they exceeded, and takes no more memory than that.

mod bombs;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::policy_command::agentapi;
use crate::support::build_folder;

/// The limits of these tests, lower than the default ones so that they end sooner.
const CPU_S: &str = "3";
const MEMORY_MIB: &str = "256";
/// What a process has beyond that: its own program, mapped and not written to.
const PEAK_MIB: u64 = 256 + 96;

/// What becomes of loading a component, and the most memory that each process of it had.
struct Loaded {
    status: Option<i32>,
    stderr: String,
    peak_mib: u64,
}

fn load(wasm: &Path) -> Loaded {
    let mut command = Command::new(agentapi());
    command.args(["policy", "check", "--load-cpu-s", CPU_S, "--load-memory-mib", MEMORY_MIB]).arg(wasm);
    command.env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache"));
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = running.stderr.take().unwrap();
    let read = thread::spawn(move || std::io::read_to_string(stderr).unwrap());
    let mut peak_mib = 0;
    // A peak is never lowered, so that looking often suffices.
    while running.try_wait().unwrap().is_none() {
        let processes = children(running.id()).into_iter().chain([running.id()]);
        peak_mib = processes.filter_map(peak).fold(peak_mib, u64::max);
        thread::sleep(Duration::from_millis(2));
    }
    let status = running.wait().unwrap().code();
    Loaded { status, stderr: read.join().unwrap(), peak_mib }
}

/// The children of all threads of a process.
fn children(of: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let texts = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    texts.flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// The most memory that a process had until now, in mebibytes; none if it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}

#[test]
fn a_bomb_is_refused_by_name_or_loaded_and_takes_no_more_than_it_may() {
    let folder = build_folder().join("load-bombs");
    fs::create_dir_all(&folder).unwrap();
    let next = AtomicUsize::new(0);
    // Two at a time, because each keeps one processor busy for some seconds.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, bomb)) = bombs::BOMBS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let file = folder.join(format!("{}.wasm", name.replace([' ', ','], "-")));
                    let wasm = bomb();
                    fs::write(&file, &wasm).unwrap();
                    check(name, &load(&file));
                }
            });
        }
    });
}

fn check(name: &str, loaded: &Loaded) {
    let Loaded { status, stderr, peak_mib } = loaded;
    println!("{name}: {peak_mib} MiB, {stderr}");
    assert_eq!(*status, Some(1), "{name}: none of them is an extension: {stderr}");
    const REASONS: [&str; 6] = [
        "bytes of memory that a component of",
        "of processor time that a component of",
        "it is nested more deeply than a stack of",
        "expected at most",
        "it is no component that can be run",
        "expected a component that exports felhom:agentapi/policy",
    ];
    assert!(REASONS.iter().any(|reason| stderr.contains(reason)), "{name}: {stderr}");
    assert!((1..PEAK_MIB).contains(peak_mib), "{name}: {peak_mib} MiB");
}

#[test]
fn what_is_too_large_is_not_read() {
    let file = build_folder().join("large.wasm");
    fs::File::create(&file).unwrap().set_len(3 << 40).unwrap();
    let check = |file: &str| {
        let output = Command::new(agentapi()).args(["policy", "check", "--load-size-mib", "2", file]).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let stderr = check(file.to_str().unwrap());
    assert!(stderr.contains("expected a component of at most 2097152 bytes, found 3298534883328"), "{stderr}");
    let stderr = check("/dev/zero");
    assert!(stderr.contains("expected a component of at most 2097152 bytes, found 2097153"), "{stderr}");
    fs::remove_file(file).unwrap();
}

/// Starts to load a component that takes as long as it may; the command, and its child when that compiles.
fn start_loading() -> (Child, u32) {
    let file = build_folder().join("slow.wasm");
    fs::write(&file, bombs::locals()).unwrap();
    let mut command = Command::new(agentapi());
    command.args(["policy", "check", "--load-cpu-s", "60"]).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    let command = command.env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache")).spawn().unwrap();
    loop {
        let is_confined = |child: &u32| proc_file(*child, "limits").contains("Max open files            0");
        match children(command.id()).into_iter().find(is_confined) {
            Some(child) => return (command, child),
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn proc_file(process: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}

#[test]
fn what_compiles_has_no_rights_that_it_does_not_need_and_dies_with_the_command() {
    let (mut command, child) = start_loading();
    let limits = proc_file(child, "limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(limit("Max open files"), "0 0");
    assert_eq!(limit("Max core file size"), "0 0");
    assert_eq!(limit("Max file size"), "0 0");
    assert_eq!(limit("Max cpu time"), "60 61");
    assert!(
        limit("Max data size").parse::<u64>().is_err() && !limit("Max data size").contains("unlimited"),
        "{limits}"
    );
    let status = proc_file(child, "status");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");

    command.kill().unwrap();
    command.wait().unwrap();
    // Gone, or waiting for whoever is its parent now to take note.
    let is_gone = || !matches!(proc_file(child, "stat").rsplit(") ").next(), Some(rest) if !rest.starts_with(['Z', 'X']) && !rest.is_empty());
    let started = std::time::Instant::now();
    while !is_gone() {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", proc_file(child, "stat"));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_compiles_is_for_the_command_alone() {
    let output = Command::new(agentapi()).arg("load-component").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "this is run by agentapi itself, to compile a component that is not trusted\n");
    assert_eq!(output.stdout, b"");
}
