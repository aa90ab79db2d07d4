//! Files of this command on a file system that it is to freeze: refused before the freeze, where that can be seen.
//!
//! What is frozen by a program, or lies below another mount (a loop device, an overlay), cannot be seen. There the lines
//! wait in memory until the thaw all the same.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, statx};

use crate::error::UsageError;
use crate::print::escape::visible;

/// A file that is written while the extension runs.
struct Written {
    what: String,
    lies_on: FileSystem,
    instead: &'static str,
}

/// A mounted file system: the numbers of its superblock as text, by which it is known whichever way it is reached.
#[derive(PartialEq, Eq)]
struct FileSystem(String);

/// Lines of proc_pid_mountinfo(5).
struct Mounts(String);

/// Refuses an audit, a standard output and a standard error that lie on one of these mounts. The journal may: it is not
/// written between the freeze and the thaw.
pub(super) fn refuse_files_on<'a>(
    mut mounts: impl Iterator<Item = &'a str>,
    audit: Option<&Path>,
) -> Result<(), UsageError> {
    // What cannot be found out is not refused: no thaw depends on it.
    let Ok(table) = fs::read_to_string("/proc/self/mountinfo").map(Mounts) else { return Ok(()) };
    let audit = audit.and_then(|file| table.audit(file));
    let written: Vec<_> = audit.into_iter().chain(table.standard_files()).collect();
    let refused = mounts.find_map(|mount| {
        let frozen = table.of_path(Path::new(mount))?;
        Some((mount, written.iter().find(|file| file.lies_on == frozen)?))
    });
    let Some((mount, Written { what, instead, .. })) = refused else { return Ok(()) };
    Err(UsageError(format!(
        "{what} lies on {}, which --freeze-fs freezes: what is written there meanwhile would wait in memory until the thaw, \
         and be lost in a crash; {instead}",
        visible(mount)
    )))
}

impl Mounts {
    fn audit(&self, file: &Path) -> Option<Written> {
        // It is made if it is not there.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lies_on = self.of_path(file).or_else(|| self.of_path(folder))?;
        let what = format!("--audit {}", visible(&file.display().to_string()));
        Some(Written { what, lies_on, instead: "name a file elsewhere" })
    }

    fn standard_files(&self) -> impl Iterator<Item = Written> {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let both = [
            ("standard output", "/proc/self/fd/1", stdout.as_fd()),
            ("standard error", "/proc/self/fd/2", stderr.as_fd()),
        ];
        let both = both.map(|(name, link, file)| {
            let lies_on = self.of_file(file)?;
            let path = fs::read_link(link).unwrap_or_else(|_| PathBuf::from("a file"));
            let what = format!("{name} ({})", visible(&path.display().to_string()));
            Some(Written { what, lies_on, instead: "send it elsewhere, or through a pipe: `2>&1 | cat >> FILE`" })
        });
        both.into_iter().flatten()
    }

    fn of_path(&self, path: &Path) -> Option<FileSystem> {
        self.of(&statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?)
    }

    /// Of a regular file. A terminal, a pipe or a socket waits for no disk.
    fn of_file(&self, file: BorrowedFd<'_>) -> Option<FileSystem> {
        let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::TYPE | StatxFlags::MNT_ID).ok()?;
        if FileType::from_raw_mode(found.stx_mode.into()) != FileType::RegularFile {
            return None;
        }
        self.of(&found)
    }

    /// By the id of the mount, since Linux 5.8. The device number of stat(2) does not tell: each subvolume of a Btrfs has one
    /// of its own, and all of them are frozen together.
    fn of(&self, found: &Statx) -> Option<FileSystem> {
        let has_id = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
        has_id.then(|| self.by_id(found.stx_mnt_id)).flatten()
    }

    fn by_id(&self, id: u64) -> Option<FileSystem> {
        let id = id.to_string();
        let line = self.0.lines().find(|line| line.split(' ').next() == Some(&id))?;
        line.split(' ').nth(2).map(|device| FileSystem(device.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Mounts;

    #[test]
    fn a_file_system_is_known_whichever_way_it_is_mounted() {
        // Two subvolumes of a Btrfs, and another file system: proc_pid_mountinfo(5).
        let lines = "36 35 0:41 /@ / rw,noatime shared:1 - btrfs /dev/vda2 rw,subvol=/@\n\
                     37 36 0:41 /@home /home rw,noatime shared:2 - btrfs /dev/vda2 rw,subvol=/@home\n\
                     361 36 7:0 / /data rw - ext4 /dev/loop0 rw\n";
        let mounts = Mounts(lines.into());
        let [root, home, data, none] = [36, 37, 361, 3].map(|id| mounts.by_id(id).map(|found| found.0));
        assert_eq!((root.as_deref(), data.as_deref(), none), (Some("0:41"), Some("7:0"), None));
        assert_eq!(root, home);
    }
}
