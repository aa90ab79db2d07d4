//! Folders that are mount points, and yet only part of a file system that others use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agentapi_loop_disk::Disk;
use agentapi_quiesce::{Application, Applications, Coordinator, QuiesceError, Step};

use crate::support::{Fixture, parked, settings};

/// A folder as systemd shows it to one unit: mounted over itself.
struct Bound(PathBuf);

impl Bound {
    fn new(folder: &Path, over: PathBuf) -> Self {
        fs::create_dir_all(&over).unwrap();
        let bound = Command::new("mount").arg("--bind").arg(folder).arg(&over).status().unwrap();
        assert!(bound.success());
        Self(over)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_folder_that_is_bound_over_itself_is_not_frozen_and_a_disk_that_is_mounted_twice_is() {
    let Some(disk) = Disk::new() else { return };
    let fixture = Fixture::new();
    let folder = disk.path().join("folder");
    let bound = Bound::new(disk.path(), fixture.path("again"));
    fs::create_dir(&folder).unwrap();
    let over_itself = Bound::new(&folder, folder.clone());
    for (path, is_frozen) in [(&over_itself.0, false), (&bound.0, true)] {
        let applications = Applications::new([Application::file_system(path)]).unwrap();
        let journal = fixture.path(if is_frozen { "frozen" } else { "refused" });
        let coordinator = Coordinator::open(journal, applications, settings()).unwrap();
        match coordinator.freeze("nightly", &parked()).await {
            Ok(mut lease) => {
                assert!(is_frozen && disk.is_frozen());
                lease.thaw().await.unwrap();
            }
            Err(why) => {
                let QuiesceError::Failed { step: Step::Prepare, source } = why else { panic!("{why:?}") };
                assert!(!is_frozen && source.chain().contains("is not a mount point"), "{source}");
            }
        }
        assert!(!disk.is_frozen());
    }
}
