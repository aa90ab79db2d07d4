//! A file system, frozen by ioctl: its errors are exact where those of a program are words.
//!
//! | the kernel says | at the freeze | at the thaw |
//! | --- | --- | --- |
//! | nothing | frozen | thawed |
//! | `EBUSY` | somebody else has frozen it: it is not ours to thaw | |
//! | `EINVAL` | | not frozen: told, if it was ours and stood still |
//! | anything else | not frozen | not thawed: tried again |
//!
//! A freeze that is on its way keeps others out: FITHAW answers `EINVAL`, and another FIFREEZE waits for it and then answers
//! `EBUSY` (tried on Linux 6.18). So a thaw is ordered only when the freeze of this process has been answered.
//!
//! The folder is opened before the freeze and kept open, so that the thaw finds it even if it was unmounted meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, OFlags, Statx, StatxAttributes, StatxFlags, statx};
use rustix::io::Errno;

use crate::device::Device;
use crate::error::QuiesceFailure;
use crate::sync::Mutex;
use crate::sys::{freeze_file_system, thaw_file_system};
use crate::worker::{Outcome, lock};

/// A mount point. The worker that freezes and the one that thaws share it.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    path: PathBuf,
    /// That of the journal: the same path may be another file system by now.
    recorded: Option<Device>,
    open: Arc<Mutex<Option<Arc<File>>>>,
}

/// Why a file system was not frozen or thawed. Without the path: [`Mount`] says it in front.
#[derive(Debug, thiserror::Error)]
enum MountError {
    #[error("{} cannot be opened", .0.display())]
    Unopened(PathBuf, #[source] io::Error),
    #[error("{} is not a mount point: the file system that it is on would be frozen", .0.display())]
    NotAMountPoint(PathBuf),
    #[error("{} is frozen by somebody else, and is left to them", .0.display())]
    FrozenByOthers(PathBuf),
    #[error("{} cannot be frozen", .0.display())]
    NotFrozen(PathBuf, #[source] io::Error),
    #[error("{} cannot be thawed", .0.display())]
    NotThawed(PathBuf, #[source] io::Error),
}

impl Mount {
    pub(crate) fn new(path: &Path, recorded: Option<Device>) -> Self {
        Self { path: path.to_owned(), recorded, open: Arc::default() }
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens it, and says which file system it is. May hang, as on a network file system that is gone.
    pub(crate) fn prepare(&self) -> Outcome {
        match self.opened() {
            Ok((file, device)) => {
                *lock(&self.open) = Some(Arc::new(file));
                Outcome::Prepared(device)
            }
            Err(why) => Outcome::NotBegun(QuiesceFailure::new(why)),
        }
    }

    /// Returns when all stands still.
    pub(crate) fn freeze(&self) -> Outcome {
        let Some(folder) = self.folder() else { return self.prepare() };
        let path = self.path.clone();
        match freeze_file_system(&folder) {
            Ok(()) => Outcome::Done,
            Err(Errno::BUSY) => Outcome::NotBegun(QuiesceFailure::new(MountError::FrozenByOthers(path))),
            Err(why) => Outcome::NotBegun(QuiesceFailure::new(MountError::NotFrozen(path, why.into()))),
        }
    }

    /// Also where it is not frozen. Allocates nothing unless it fails.
    pub(crate) fn thaw(&self) -> Outcome {
        let folder = match self.folder().map_or_else(|| self.found_again(), |folder| Ok(Some(folder))) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Outcome::NotFrozen,
            Err(why) => return Outcome::Failed(QuiesceFailure::new(MountError::Unopened(self.path.clone(), why))),
        };
        match thaw_file_system(&folder) {
            Ok(()) => Outcome::Done,
            Err(Errno::INVAL) => Outcome::NotFrozen,
            Err(why) => Outcome::Failed(QuiesceFailure::new(MountError::NotThawed(self.path.clone(), why.into()))),
        }
    }

    /// Closes it, so that it can be unmounted.
    pub(crate) fn release(&self) {
        drop(lock(&self.open).take());
    }

    fn folder(&self) -> Option<Arc<File>> {
        lock(&self.open).clone()
    }

    fn opened(&self) -> Result<(File, Device), MountError> {
        let unopened = |why| MountError::Unopened(self.path.clone(), why);
        let file = open(&self.path).map_err(unopened)?;
        let statx = |path, flags| statx(&file, path, flags, StatxFlags::BASIC_STATS);
        let status = statx("", AtFlags::EMPTY_PATH).map_err(|why| unopened(why.into()))?;
        // FIFREEZE takes any folder and freezes what that is on, such as the root file system behind a mount that failed.
        let above = statx("..", AtFlags::empty()).map_err(|why| unopened(why.into()))?;
        if !status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) || is_bound_within(&status, &above) {
            return Err(MountError::NotAMountPoint(self.path.clone()));
        }
        Ok((file, Device { major: status.stx_dev_major, minor: status.stx_dev_minor }))
    }

    /// What another process froze: at its path, or where it is mounted now. `None` if it is not mounted anywhere in this
    /// namespace: then nobody here waits for it.
    fn found_again(&self) -> io::Result<Option<Arc<File>>> {
        let Some(device) = self.recorded else { return open(&self.path).map(Arc::new).map(Some) };
        let is_it = |file: &File| file.metadata().is_ok_and(|found| Device::of(found.dev()) == device);
        match open(&self.path) {
            Ok(file) if is_it(&file) => return Ok(Some(Arc::new(file))),
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            Ok(_) | Err(_) => {}
        }
        // The path may be another file system by now, and the device be mounted elsewhere: it is frozen there, too.
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let elsewhere = mounts.lines().find_map(|line| mount_point_of(line, device));
        Ok(elsewhere.map(|path| open(&path)).transpose()?.filter(is_it).map(Arc::new))
    }
}

/// Whether a mount shows a folder of the file system above it, as each folder does that systemd makes writable or read-only for
/// one unit. The root is its own parent.
fn is_bound_within(mount: &Statx, above: &Statx) -> bool {
    let device = |status: &Statx| (status.stx_dev_major, status.stx_dev_minor);
    device(mount) == device(above) && mount.stx_ino != above.stx_ino
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The fifth field of proc_pid_mountinfo(5), if the third names the device. Blanks in it are octal.
fn mount_point_of(line: &str, device: Device) -> Option<PathBuf> {
    let mut fields = line.split(' ');
    if fields.nth(2)? != format!("{}:{}", device.major, device.minor) {
        return None;
    }
    let text = fields.nth(1)?;
    Some(text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_found_by_its_device() {
        let line = r"36 35 98:0 /mnt1 /mnt\040two rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(mount_point_of(line, Device { major: 98, minor: 0 }), Some("/mnt two".into()));
        assert_eq!(mount_point_of(line, Device { major: 98, minor: 1 }), None);
    }

    #[test]
    fn a_folder_that_is_no_mount_point_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let Outcome::NotBegun(why) = Mount::new(dir.path(), None).prepare() else { panic!("prepared") };
        let text =
            format!("{} is not a mount point: the file system that it is on would be frozen", dir.path().display());
        assert_eq!(why.to_string(), text);
    }
}
