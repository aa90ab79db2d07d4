//! One machine, one freeze: a locked file for each thing that is frozen, so that two journals cannot freeze the same.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::process::{Owner, Standing};

/// Held until it is dropped, or the process has ended.
#[derive(Debug)]
pub(crate) struct MachineLock {
    _file: File,
}

/// Who holds a lock, as the file says.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tenant {
    pub(crate) holder: String,
    owner: Owner,
}

/// Why there is no lock.
pub(crate) enum Unlocked {
    /// Somebody has it.
    Taken(Option<Tenant>),
    Unusable(io::Error),
}

impl MachineLock {
    /// The lock of this name in this folder, which is made if it is not there.
    pub(crate) fn take(folder: &Path, name: &str, holder: &str) -> Result<Self, Unlocked> {
        let mut file = open(folder, name).map_err(Unlocked::Unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Unlocked::Taken(read(&mut file))),
            Err(TryLockError::Error(why)) => return Err(Unlocked::Unusable(why)),
        }
        write(&mut file, holder).map_err(Unlocked::Unusable)?;
        Ok(Self { _file: file })
    }
}

impl Tenant {
    /// Whether it only holds the lock because a thread of it waits in the kernel.
    pub(crate) fn is_dying(&self) -> bool {
        matches!(self.owner.standing(), Standing::Dying | Standing::Gone)
    }
}

/// Where locks lie: `/run/lock/agentapi` for root, the runtime folder for a user.
pub(crate) fn default_folder() -> PathBuf {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return "/run/lock/agentapi".into();
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    runtime.map_or_else(|| format!("/run/lock/agentapi-{}", user.as_raw()).into(), |folder| folder.join("agentapi"))
}

/// A file of this user alone. Folder and file are made if they are not there.
pub(crate) fn open(folder: &Path, name: &str) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // /run/lock is everybody's: a folder that somebody else has made there would be theirs to replace.
    if fs::symlink_metadata(folder)?.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("{} belongs to another user", folder.display())));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(folder.join(name))
}

fn write(file: &mut File, holder: &str) -> io::Result<()> {
    let text = serde_json::to_vec(&Tenant { holder: holder.to_owned(), owner: Owner::current()? })?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// `None` in the moment between the lock and the writing.
fn read(file: &mut File) -> Option<Tenant> {
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A name and some numbers: more is not ours.
const MAX_BYTES: u64 = 64 * 1024;
