//! Remembers whether a freeze had come to its end, for the case that this process dies.
//!
//! The journal cannot say so: it may lie on what is frozen. This lies in shared memory, which no freeze of a file system
//! can stop and which lasts as long as the boot. Without it the next process has to assume that a freeze program was
//! interrupted, and that a daemon may still act for it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use rustix::fs::fstatfs;

use crate::machine_lock::open;

/// Of one freeze.
pub(crate) struct Mark(File);

impl Mark {
    /// To be made before the freeze. `None` where there is no such memory.
    pub(crate) fn begin(id: &str) -> Option<Self> {
        let file = open(&folder(), id).ok()?;
        let is_memory = fstatfs(&file).is_ok_and(|found| found.f_type == TMPFS_MAGIC);
        is_memory.then_some(Self(file))
    }

    /// Every freeze program has ended well.
    pub(crate) fn set(&mut self) {
        let _ = self.0.write_all(COMPLETE);
    }
}

/// Whether this freeze, of whatever process, had come to its end.
pub(crate) fn is_set(id: &str) -> bool {
    let mut text = Vec::new();
    let mark = open(&folder(), id).and_then(|mut file| file.read_to_end(&mut text));
    mark.is_ok() && text == COMPLETE
}

pub(crate) fn forget(id: &str) {
    let _ = fs::remove_file(folder().join(id));
}

fn folder() -> PathBuf {
    format!("/dev/shm/agentapi-{}", rustix::process::geteuid().as_raw()).into()
}

const COMPLETE: &[u8] = b"frozen";
/// statfs(2).
const TMPFS_MAGIC: i64 = 0x0102_1994;
