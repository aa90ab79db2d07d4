//! Whether the configuration has changed: the file, the token, or an extension. Looks now and then, and does not use
//! inotify: that follows inodes, and what editors, package managers and configuration tools do is to rename.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, Mistake, Surroundings, compare};
use crate::clock::{Clock, Monotonic};

/// How often files are looked at: three seconds, which an operator who has saved one waits without wondering.
pub const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Follows the files of a configuration.
#[derive(Debug)]
pub struct Reload {
    file: PathBuf,
    surroundings: Surroundings,
    seen: BTreeMap<PathBuf, Option<Stamp>>,
    looked_at: Option<Monotonic>,
}

/// What changes when a file does, also when a link leads to another one, or a file is replaced by one of the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Set by the kernel, so that no tool can keep it, as some keep the time of modification.
    changed_at: (i64, i64),
}

impl Reload {
    /// For this file. The first look reads it.
    pub fn new(file: impl Into<PathBuf>, surroundings: Surroundings) -> Self {
        Self { file: file.into(), surroundings, seen: BTreeMap::new(), looked_at: None }
    }

    /// Reads the files if they have changed since the last look, and at the first. None if they have not, or the last look
    /// was less than [`LOOK_EVERY`] ago. What was refused is not read again until a file changes.
    ///
    /// # Errors
    ///
    /// All that is wrong with the new one, or that needs a restart compared with the one in use.
    pub fn look(&mut self, clock: &dyn Clock, in_use: Option<&Config>) -> Option<Result<Config, Vec<Mistake>>> {
        let now = clock.monotonic();
        if self.looked_at.is_some_and(|looked_at| now.since(looked_at) < LOOK_EVERY) {
            return None;
        }
        let has_changed = self.seen.is_empty() || self.seen.iter().any(|(path, seen)| stamp(path) != *seen);
        match has_changed {
            true => Some(self.read(clock, in_use)),
            false => {
                self.looked_at = Some(now);
                None
            }
        }
    }

    /// Reads the files whether they have changed or not: for SIGHUP.
    ///
    /// # Errors
    ///
    /// As [`look`](Self::look).
    pub fn read(&mut self, clock: &dyn Clock, in_use: Option<&Config>) -> Result<Config, Vec<Mistake>> {
        self.looked_at = Some(clock.monotonic());
        // Stamped before they are read: what is written meanwhile counts as a change at the next look, and at worst a file
        // is read twice.
        let before: BTreeMap<_, _> =
            self.seen.keys().chain([&self.file]).map(|path| (path.clone(), stamp(path))).collect();
        let reading = Config::read(&self.file, &self.surroundings);
        let stamped = reading.files.into_iter().map(|path| {
            let seen = before.get(&path).copied().unwrap_or_else(|| stamp(&path));
            (path, seen)
        });
        self.seen = stamped.collect();
        let config = reading.result?;
        if let Some(in_use) = in_use {
            compare(in_use, &config)?;
        }
        Ok(config)
    }
}

/// None for a file that is not there.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let changed_at = (metadata.ctime(), metadata.ctime_nsec());
    Some(Stamp { device: metadata.dev(), inode: metadata.ino(), size: metadata.size(), changed_at })
}
