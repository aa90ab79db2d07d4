//! The memory of a process and of those that it has started.

use std::fs;

/// The most memory that a process and its children have had so far, in KiB: the sum of what each has had.
pub(crate) fn peak_memory_kib(pid: u32) -> Option<u64> {
    let own = status_kib(pid, "VmHWM:")?;
    Some(children(pid).into_iter().filter_map(peak_memory_kib).fold(own, u64::saturating_add))
}

/// The children of all threads of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

fn status_kib(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
