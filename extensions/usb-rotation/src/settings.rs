//! The extension's input: which disks take turns, and where. README.md describes it.

use serde::Deserialize;

/// What whoever runs it sets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The disks that take turns, in this order; after the last one comes the first.
    pub(crate) disks: Vec<RotatedDisk>,
    /// Where the one is mounted whose turn it is.
    pub(crate) mount_path: String,
    #[serde(default = "ext4")]
    pub(crate) fstype: String,
    #[serde(default = "noatime_nofail")]
    pub(crate) options: String,
    /// From which used fraction on a disk is full enough to be swapped, 0 to 1.
    #[serde(default)]
    pub(crate) full_from: f64,
    /// Who swaps the disks, for the message.
    #[serde(default)]
    pub(crate) who: String,
}

/// One of the disks that take turns.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotatedDisk {
    /// What is written on it, for people.
    pub(crate) label: String,
    /// The UUID of its file system, as in its durable id `uuid:…`.
    pub(crate) uuid: String,
}

impl Settings {
    /// Checks what could make it take one disk for another.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.disks.len() < 2 {
            return Err(format!("input: disks: expected two or more, found {}", self.disks.len()));
        }
        for (index, disk) in self.disks.iter().enumerate() {
            if disk.uuid.trim().is_empty() || disk.label.trim().is_empty() {
                return Err(format!("input: disks[{index}]: expected a label and a uuid, found an empty one"));
            }
            if self.disks.iter().take(index).any(|other| other.uuid == disk.uuid || other.label == disk.label) {
                return Err(format!(
                    "input: disks[{index}]: expected a label and a uuid of its own, found one of an earlier disk"
                ));
            }
        }
        if !self.mount_path.starts_with('/') || self.mount_path.ends_with('/') {
            return Err(format!(
                "input: mount_path: expected an absolute path without / at its end, found {:?}",
                self.mount_path
            ));
        }
        if !(0.0..=1.0).contains(&self.full_from) {
            return Err(format!("input: full_from: expected 0 to 1, found {}", self.full_from));
        }
        Ok(())
    }

    pub(crate) fn disk(&self, uuid: &str) -> Option<&RotatedDisk> {
        self.disks.iter().find(|disk| disk.uuid == uuid)
    }

    /// The disk whose turn it is after this one.
    pub(crate) fn next_after(&self, uuid: &str) -> Option<&RotatedDisk> {
        let at = self.disks.iter().position(|disk| disk.uuid == uuid)?;
        self.disks.iter().cycle().nth(at + 1)
    }
}

fn ext4() -> String {
    "ext4".into()
}

/// `nofail`: a guest starts although the disk is in somebody's drawer.
fn noatime_nofail() -> String {
    "noatime,nofail".into()
}
