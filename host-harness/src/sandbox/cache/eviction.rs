//! Keeps the cache within its size: what was not used for longest goes first.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How old an unfinished file is before it counts as left behind: longer than anybody writes.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

struct CachedFile {
    path: PathBuf,
    bytes: u64,
    /// When it was written, or used: see `mark_used`.
    used: SystemTime,
}

/// Removes the files that were not used for longest, until all together have at most this many bytes. Never the code and the
/// entry that were just written: without either of them the next start would compile again, and remove again.
pub(super) fn evict(dir: &Path, max_bytes: u64, written: [&Path; 2]) -> io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(dir)?.filter_map(|entry| cached_file(&entry.ok()?)).collect();
    files.sort_by_key(|file| file.used);
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    for file in &files {
        let is_unfinished = is_unfinished(&file.path);
        let is_left_behind = is_unfinished && file.used.elapsed().is_ok_and(|age| age > LEFT_BEHIND);
        if !is_left_behind && (total <= max_bytes || is_unfinished || written.contains(&file.path.as_path())) {
            continue;
        }
        // Another process may have removed it first, or may have it mapped: its pages stay until it unmaps them.
        if fs::remove_file(&file.path).is_ok() {
            tracing::debug!(file = %file.path.display(), "compiled code is removed from the cache");
        }
        total = total.saturating_sub(file.bytes);
    }
    Ok(())
}

/// What the cache may remove: files by its own names, and by those that an earlier version had.
fn cached_file(entry: &DirEntry) -> Option<CachedFile> {
    let path = entry.path();
    let is_ours = path.extension().is_some_and(|extension| extension == "cwasm" || extension == "entry");
    let found = entry.metadata().ok().filter(|found| found.is_file() && (is_ours || is_unfinished(&path)))?;
    Some(CachedFile { path, bytes: found.len(), used: found.modified().ok()? })
}

/// Whether this is a file that `tempfile` names, and that was not renamed yet.
fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".tmp"))
}
