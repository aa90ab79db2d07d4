//! Processes as `/proc` shows them: who owns a journal, and what a freeze program has started.
//!
//! A process is named by its id and its start time, so that an id that was given out again is not mistaken for it. Reading
//! `/proc/PID/environ` can wait for a lock of that process, so only workers do it.

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pid: i32,
    /// In clock ticks since boot.
    start: u64,
}

/// What `/proc/PID/stat` says, proc_pid_stat(5).
struct Stat {
    process: Process,
    state: char,
    parent: i32,
    group: i32,
}

/// Who wrote a line of the journal.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Owner {
    pid: i32,
    start: u64,
    boot: String,
    /// Ids mean something within one PID namespace only.
    namespace: String,
}

/// What has become of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Living,
    /// It has been killed, and one of its threads still waits in the kernel: perhaps for the very thaw.
    Dying,
    Gone,
    /// Another namespace or container: its processes cannot be seen from here.
    Elsewhere,
}

/// The processes that a freeze program has started, and itself.
///
/// Known by process group, by parent, and by a variable in their environment. What it cannot see: a process that left the
/// group *and* whose parents had ended *and* whose environment was changed (`env -i`, `sudo`), and anything that a daemon
/// does on behalf of the program.
pub(crate) struct Family {
    group: Option<i32>,
    marker: String,
    members: Vec<Process>,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> io::Result<Self> {
        let Process { pid, start } = Stat::read(Path::new("/proc/self"))?.process;
        Ok(Self { pid, start, boot: boot_id()?, namespace: namespace()? })
    }

    /// Unique within this boot and namespace.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.pid, self.start)
    }

    pub(crate) fn is_of_this_boot(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot)
    }

    pub(crate) fn standing(&self) -> Standing {
        if !self.is_of_this_boot() {
            return Standing::Gone;
        }
        if namespace().is_ok_and(|here| here != self.namespace) {
            return Standing::Elsewhere;
        }
        let dir = format!("/proc/{}", self.pid);
        match Stat::read(Path::new(&dir)) {
            Ok(stat) if stat.process.start != self.start => Standing::Gone,
            Ok(stat) if stat.is_alive() && !has_sigkill_pending(&dir) => Standing::Living,
            // The leader is a zombie. It stays until its last thread has ended, and until its parent asks.
            Ok(_) if has_threads(&dir) => Standing::Dying,
            Ok(_) => Standing::Gone,
            Err(why) if why.kind() == io::ErrorKind::NotFound => Standing::Gone,
            Err(_) => Standing::Living,
        }
    }
}

impl Stat {
    fn read(dir: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(dir.join("stat"))?;
        Self::parse(&text).ok_or_else(|| io::Error::other("expected a line as in proc_pid_stat(5)"))
    }

    /// The name of the program is in parentheses, and may hold parentheses and blanks.
    fn parse(text: &str) -> Option<Self> {
        let (pid, _) = text.split_once(' ')?;
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let start = fields.nth(16)?.parse().ok()?;
        Some(Self { process: Process { pid: pid.parse().ok()?, start }, state, parent, group })
    }

    /// A zombie does nothing any more.
    fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

impl Family {
    /// Of the program that leads this process group, where that is known. All carry the marker in their environment.
    pub(crate) fn new(group: Option<i32>, marker: &str) -> Self {
        Self { group, marker: format!("{MARKER_VARIABLE}={marker}"), members: Vec::new() }
    }

    /// Finds the members that are alive. Members that were found once are kept, also when their parents have ended.
    pub(crate) fn look(&mut self) -> usize {
        // One snapshot for groups, marks and parents: between two, a parent could end and its child be missed.
        let all = all();
        for stat in &all {
            if self.group == Some(stat.group) || self.has_marker(stat.process.pid) {
                self.add(stat.process);
            }
        }
        // Until no child is found that was not known: ids are not in the order of descent.
        let mut known = usize::MAX;
        while known != self.members.len() {
            known = self.members.len();
            for stat in &all {
                if self.members.iter().any(|member| member.pid == stat.parent) {
                    self.add(stat.process);
                }
            }
        }
        self.members.retain(|member| all.iter().any(|stat| stat.process == *member));
        self.members.len()
    }

    /// Kills the members that were found.
    pub(crate) fn kill(&self) {
        for member in &self.members {
            // Fails where it has ended, and where it belongs to another user: then its end is waited for.
            let _ = member.kill();
        }
    }

    fn add(&mut self, process: Process) {
        if !self.members.contains(&process) {
            self.members.push(process);
        }
    }

    fn has_marker(&self, pid: i32) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == self.marker.as_bytes())
    }
}

impl Process {
    fn kill(self) -> io::Result<()> {
        let pid = Pid::from_raw(self.pid).ok_or(io::ErrorKind::NotFound)?;
        // A handle first, then the check: a plain kill(2) could hit a process that was given the id in between.
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        // The id may have been given out again before the handle was made, but not after.
        if Stat::read(Path::new(&format!("/proc/{}", self.pid)))?.process == self {
            pidfd_send_signal(handle, Signal::KILL)?;
        }
        Ok(())
    }
}

/// Every process that is alive, but this one.
fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mine = rustix::process::getpid().as_raw_nonzero().get();
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let dirs = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_process));
    dirs.filter_map(|dir| Stat::read(&dir.path()).ok())
        .filter(|stat| stat.is_alive() && stat.process.pid != mine)
        .collect()
}

/// Whether the process is being killed: the kernel sends SIGKILL to each thread of a process that is to end.
fn has_sigkill_pending(dir: &str) -> bool {
    threads(dir).iter().any(|thread| pending_in(&format!("{dir}/task/{thread}/status")) & SIGKILL_BIT != 0)
}

/// The signals that were sent to this process and are not handled yet, signal N as bit N - 1.
pub(crate) fn pending_signals() -> u64 {
    pending_in("/proc/self/status")
}

fn pending_in(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let masks = status.lines().filter_map(|line| {
        let mask = line.strip_prefix("SigPnd:").or_else(|| line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    masks.fold(0, |all, mask| all | mask)
}

/// Whether any thread but the leader, which is a zombie, has not ended.
fn has_threads(dir: &str) -> bool {
    let is_alive = |thread: &String| Stat::read(Path::new(&format!("{dir}/task/{thread}"))).is_ok_and(|s| s.is_alive());
    threads(dir).iter().any(is_alive)
}

fn threads(dir: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("{dir}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn namespace() -> io::Result<String> {
    Ok(fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned())
}

/// In the environment of freeze programs and of what they start; its value is that of the journal's line.
pub(crate) const MARKER_VARIABLE: &str = "AGENTAPI_FREEZE";
/// Signal 9 in the masks of proc_pid_status(5).
const SIGKILL_BIT: u64 = 1 << 8;

#[cfg(test)]
mod tests;
