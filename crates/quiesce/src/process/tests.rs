//! Real processes: what a family finds, and what becomes of an owner.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

/// A program that is killed and reaped with what it started, also when a test fails.
struct Started {
    child: Child,
    marker: String,
    _dir: tempfile::TempDir,
    pid_file: std::path::PathBuf,
}

impl Started {
    /// A shell that runs this in a process group of its own, in a folder of its own.
    fn new(script: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let marker = format!("unit-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(dir.path()).env(MARKER_VARIABLE, &marker).process_group(0);
        let child = shell.stdin(Stdio::null()).spawn().unwrap();
        Self { child, marker, pid_file: dir.path().join("pid"), _dir: dir }
    }

    fn group(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// What the script has left in the file `pid`, once that process runs this program.
    fn other(&self, program: &str) -> i32 {
        let mut pid = 0;
        eventually(|| {
            pid = fs::read_to_string(&self.pid_file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == program)
        });
        pid
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let mut family = Family::new(Some(self.group()), &self.marker);
        family.look();
        family.kill();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn eventually(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < until, "not in time");
        sleep(Duration::from_millis(2));
    }
}

fn pids(family: &mut Family) -> Vec<i32> {
    family.look();
    family.members.iter().map(|member| member.pid).collect()
}

#[test]
fn the_name_of_a_program_may_hold_blanks_and_parentheses() {
    // proc_pid_stat(5): state, parent and group follow the name, the start time is the 22nd field.
    let line = "71 (a) Z (b) S 1 70 70 0 -1 4194560 9 0 0 0 1 2 3 4 20 0 1 0 12345 6 7 8";
    let Stat { process, state, parent, group } = Stat::parse(line).unwrap();
    assert_eq!((process, state, parent, group), (Process { pid: 71, start: 12345 }, 'S', 1, 70));
    assert!(Stat::parse("71 (a) S 1").is_none());
}

#[test]
fn a_family_has_whoever_is_in_its_group() {
    let started = Started::new("env -i sleep 600 & echo $! > pid; wait");
    let other = started.other("sleep");
    let found = pids(&mut Family::new(Some(started.group()), "none"));
    assert!(found.contains(&started.group()) && found.contains(&other), "{found:?}");
}

#[test]
fn a_family_has_whoever_carries_its_mark_in_whatever_group() {
    let started = Started::new("setsid sleep 600 & echo $! > pid; wait");
    let other = started.other("sleep");
    let found = pids(&mut Family::new(None, &started.marker));
    assert!(found.contains(&started.group()) && found.contains(&other), "{found:?}");
    // The whole value counts: that of a holder begins like that of its freeze.
    assert_eq!(pids(&mut Family::new(None, &started.marker[..5])), [0; 0]);
}

#[test]
fn a_family_has_the_children_of_its_members_and_keeps_them_when_their_parents_have_ended() {
    let mut started = Started::new("env -i setsid sleep 600 & echo $! > pid; wait");
    let other = started.other("sleep");
    let mut family = Family::new(Some(started.group()), &started.marker);
    let found = pids(&mut family);
    assert!(found.contains(&other), "neither in the group nor marked: {found:?}");

    started.child.kill().unwrap();
    started.child.wait().unwrap();
    assert_eq!(pids(&mut family), [other]);
    // Who looks for the first time now cannot know it.
    assert_eq!(pids(&mut Family::new(Some(started.group()), &started.marker)), [0; 0]);
    family.kill();
    eventually(|| family.look() == 0);
}

#[test]
fn a_process_id_that_was_given_out_again_is_not_killed() {
    let mut started = Started::new("exec sleep 600");
    let pid = started.group();
    let start = Stat::read(Path::new(&format!("/proc/{pid}"))).unwrap().process.start;
    Process { pid, start: start + 1 }.kill().unwrap();
    sleep(Duration::from_millis(50));
    assert!(started.child.try_wait().unwrap().is_none());
    Process { pid, start }.kill().unwrap();
    assert!(!started.child.wait().unwrap().success());
}

#[test]
fn an_owner_is_a_process_of_this_boot_and_namespace() {
    let owner = Owner::current().unwrap();
    assert_eq!(owner.standing(), Standing::Living);
    for (changed, standing) in [
        (Owner { start: owner.start + 1, ..owner.clone() }, Standing::Gone),
        (Owner { boot: "another".into(), ..owner.clone() }, Standing::Gone),
        (Owner { namespace: "pid:[1]".into(), ..owner.clone() }, Standing::Elsewhere),
        // Beyond what the kernel gives out.
        (Owner { pid: i32::MAX, ..owner }, Standing::Gone),
    ] {
        assert_eq!(changed.standing(), standing, "{changed:?}");
    }
}

#[test]
fn an_owner_that_was_killed_is_gone_before_its_parent_has_asked() {
    let mut started = Started::new("exec sleep 600");
    let pid = started.group();
    let start = Stat::read(Path::new(&format!("/proc/{pid}"))).unwrap().process.start;
    let owner = Owner { pid, start, ..Owner::current().unwrap() };
    assert_eq!(owner.standing(), Standing::Living);
    started.child.kill().unwrap();
    // A zombie: its id is taken until the parent waits for it.
    eventually(|| owner.standing() == Standing::Gone);
    assert!(Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn the_pending_signals_are_those_of_the_thread_and_of_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let status = dir.path().join("status");
    fs::write(&status, "Name:\tx\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000004000\nSigBlk:\t00000000000000ff\n")
        .unwrap();
    assert_eq!(pending_in(status.to_str().unwrap()), SIGKILL_BIT | 1 << 14);
    assert_eq!(pending_in("/nonexistent"), 0);
}
