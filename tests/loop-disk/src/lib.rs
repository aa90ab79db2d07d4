//! A real ext4 on a loop device, and what the kernel makes of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Mounted while it lives. Thawed and unmounted whatever becomes of the test.
pub struct Disk {
    mount: PathBuf,
    /// What its image lies on: as long as that is frozen nothing can be done with this one.
    below: Option<PathBuf>,
    _dir: TempDir,
}

impl Disk {
    /// `None` where there are no loop devices, which is said; under CI that is a failure.
    pub fn new() -> Option<Self> {
        Self::on(tempfile::tempdir().unwrap(), None)
    }

    /// One whose image lies on another disk: what the other one holds up, holds up this one.
    pub fn on_disk(other: &Self) -> Option<Self> {
        Self::on(tempfile::tempdir_in(&other.mount).unwrap(), Some(other.mount.clone()))
    }

    fn on(dir: TempDir, below: Option<PathBuf>) -> Option<Self> {
        let (image, mount) = (dir.path().join("image"), dir.path().join("mount"));
        std::fs::create_dir(&mount).unwrap();
        std::fs::File::create(&image).unwrap().set_len(MEGABYTES << 20).unwrap();
        let ready = run("mkfs.ext4", &["-q", "-F", text(&image)])
            .and_then(|()| run("mount", &["-o", "loop", text(&image), text(&mount)]));
        match ready {
            Ok(()) => Some(Self { mount, below, _dir: dir }),
            Err(why) => {
                assert!(std::env::var_os("CI").is_none(), "no loop device on a machine for CI: {why}");
                eprintln!("skipped: no loop device: {why}");
                None
            }
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// The same as a text.
    pub fn text(&self) -> &str {
        text(&self.mount)
    }

    /// Runs `fsfreeze` with this option, and returns what it said where it failed.
    pub fn fsfreeze(&self, option: &str) -> Result<(), String> {
        run("fsfreeze", &[option, self.text()])
    }

    /// As a kernel leaves it that has found an error on the disk: what is written fails, what is there can be read.
    pub fn abort(&self) {
        run("mount", &["-o", "remount,abort", self.text()]).unwrap();
    }

    /// Makes it read-only, which no open file may prevent.
    pub fn make_read_only(&self) {
        run("mount", &["-o", "remount,ro", self.text()]).unwrap();
    }

    /// Leaves no space, in a file that is to be removed to have it again.
    pub fn fill(&self) -> PathBuf {
        let filler = self.mount.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        for size in [1 << 20, PAGE_BYTES, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        filler
    }

    /// Frozen by hand until this is dropped. To be made after the fixture that lies on it: a test that fails would else wait
    /// for its own disk when it cleans up.
    pub fn frozen_by_hand(&self) -> ByHand<'_> {
        self.fsfreeze("-f").unwrap();
        ByHand(self)
    }

    /// A program line that thaws it, also where it is not frozen.
    pub fn thaw_line(&self) -> String {
        let script = format!(
            "e=$(LC_ALL=C fsfreeze -u {0} 2>&1) || case $e in (*Invalid\\ argument*) ;; (*) echo \"$e\" >&2; exit 1; esac",
            self.text()
        );
        shlex::try_join(["sh", "-c", &script]).unwrap()
    }

    /// A program line that freezes it.
    pub fn freeze_line(&self) -> String {
        format!("fsfreeze -f {}", self.text())
    }

    /// Whether a write does not come to its end. The writer is left behind, and ends with the thaw.
    pub fn is_frozen(&self) -> bool {
        let mut writer = self.write_in_background("probe");
        let until = Instant::now() + Duration::from_millis(700);
        while Instant::now() < until {
            if writer.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = writer.kill();
        // Reaped when it ends, which is after the thaw.
        std::thread::spawn(move || writer.wait());
        true
    }

    /// A process that writes through to the disk, and may never return.
    pub fn write_in_background(&self, name: &str) -> Child {
        let file = format!("of={}/{name}", self.text());
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", "bs=64k", "count=1", "oflag=sync", "status=none", &file]);
        dd.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// Thaws when it is dropped.
pub struct ByHand<'a>(&'a Disk);

impl Drop for ByHand<'_> {
    fn drop(&mut self) {
        let _ = self.0.fsfreeze("-u");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(below) = &self.below {
            let _ = run("fsfreeze", &["-u", text(below)]);
        }
        // Twice: a freeze that is on its way may complete after the first.
        for _ in 0..2 {
            let _ = self.fsfreeze("-u");
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = run("umount", &["-l", self.text()]);
    }
}

/// A file system in memory that holds a few pages. Unmounted when dropped.
pub struct SmallDisk {
    mount: PathBuf,
}

impl SmallDisk {
    /// Mounted in this folder, which is made.
    pub fn new(mount: &Path) -> Self {
        std::fs::create_dir(mount).unwrap();
        let size = format!("size={}", 4 * PAGE_BYTES);
        run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(mount)]).unwrap();
        Self { mount: mount.to_owned() }
    }

    /// Nothing that takes another page can be written to it.
    pub fn fill(&self) {
        let mut filler = std::fs::OpenOptions::new().create(true).append(true).open(self.filler()).unwrap();
        while filler.write_all(&[0; PAGE_BYTES]).is_ok() {}
    }

    /// There is space again.
    pub fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.mount.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", text(&self.mount)]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|why| format!("{program}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The smallest in which ext4 keeps a journal without complaint.
const MEGABYTES: u64 = 32;
/// What such a file system counts in.
pub const PAGE_BYTES: usize = 4096;
