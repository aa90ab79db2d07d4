//! What is to be done next, from what is remembered and what the agent shows now. Pure: nothing is called.
//!
//! The agent's list decides, not what was remembered: an answer that was lost, a run that was stopped, and a person who has
//! swapped by hand all show in it.

use agentapi_extension::backup::{BackupPhase, BackupStatus};
use agentapi_extension::disks::{Disk, DiskRole};
use serde::{Deserialize, Serialize};

use crate::settings::{RotatedDisk, Settings};

/// What is remembered from run to run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Memory {
    /// The backup after which disks were swapped last: one swap for each backup.
    pub(crate) rotated_after: Option<String>,
    /// The swap that has begun.
    pub(crate) begun: Option<Rotation>,
}

/// A swap, remembered before the disk is ejected.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Rotation {
    /// The backup after which it is done.
    pub(crate) job: String,
    /// The UUID of the disk that goes, which holds that backup.
    pub(crate) from: String,
    /// The UUID of the disk that comes.
    pub(crate) to: String,
    /// Whether the agent has said that the disk was ejected.
    pub(crate) ejected: bool,
    /// Whether it had to be waited for the disk that comes.
    pub(crate) waited: bool,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing, for this reason.
    Rest(Outcome),
    /// The disk is to be ejected; nothing else is to be done before this is remembered.
    Eject(Rotation),
    /// The other disk is there, and nothing is mounted: it is to be assigned.
    Assign(Rotation),
    /// The other disk has to be plugged in.
    AwaitDisk(Rotation),
    /// The other disk is mounted.
    Finish(Rotation),
    /// What was begun is not to be gone on with: somebody has decided otherwise.
    Drop(Rotation),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The disks were swapped.
    Rotated,
    /// The disk was ejected, and the other one has to be plugged in.
    WaitsForDisk,
    /// The disk was ejected, and the agent has not let go of it yet, or somebody has mounted it again.
    StillMounted,
    /// The other disk was assigned, and the agent does not show it as mounted yet.
    NotYetMounted,
    /// They were swapped after this backup already.
    AlreadyRotated,
    /// A backup runs, or may run.
    BackupRunning,
    /// The latest backup has not succeeded, or there was none.
    NoGoodBackup,
    /// The disk has room left.
    NotFull,
    /// No disk is mounted there.
    NothingMounted,
}

/// Why nothing may be done: what is mounted is not surely the right disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Doubt(pub(crate) String);

/// Decides. What it returns holds only for as long as `status` and `disks` do, so they are asked for anew before each step.
pub(crate) fn next(memory: &Memory, status: &BackupStatus, disks: &[Disk], settings: &Settings) -> Result<Step, Doubt> {
    // A phase that is not known may be one in which the agent writes to the disk.
    if matches!(status.phase, BackupPhase::Running | BackupPhase::Other(_)) {
        return Ok(Step::Rest(Outcome::BackupRunning));
    }
    let mounted = mounted(disks, settings)?;
    match &memory.begun {
        Some(rotation) => go_on(rotation, mounted, status, disks, settings),
        None => begin(memory, mounted, status, settings),
    }
}

fn begin(memory: &Memory, mounted: Option<&Disk>, status: &BackupStatus, settings: &Settings) -> Result<Step, Doubt> {
    // Without a name nobody could tell this backup from the next one.
    if status.phase != BackupPhase::Done || status.job_id.is_empty() {
        return Ok(Step::Rest(Outcome::NoGoodBackup));
    }
    if memory.rotated_after.as_ref() == Some(&status.job_id) {
        return Ok(Step::Rest(Outcome::AlreadyRotated));
    }
    let Some(disk) = mounted else { return Ok(Step::Rest(Outcome::NothingMounted)) };
    let from = ejectable(disk, settings)?;
    if disk.used_fraction < settings.full_from {
        return Ok(Step::Rest(Outcome::NotFull));
    }
    let to = settings.next_after(&from).map(|next| next.uuid.clone()).unwrap_or_default();
    Ok(Step::Eject(Rotation { job: status.job_id.clone(), from, to, ejected: false, waited: false }))
}

fn go_on(
    rotation: &Rotation,
    mounted: Option<&Disk>,
    status: &BackupStatus,
    disks: &[Disk],
    settings: &Settings,
) -> Result<Step, Doubt> {
    let rotation = rotation.clone();
    let is_listed = |uuid: &str| settings.disk(uuid).is_some();
    if !is_listed(&rotation.from) || !is_listed(&rotation.to) {
        return Ok(Step::Drop(rotation));
    }
    let Some(disk) = mounted else {
        return Ok(match disks.iter().find(|disk| uuid(disk) == Some(&rotation.to)) {
            None => Step::AwaitDisk(rotation),
            Some(other) if other.role == DiskRole::System => return Err(doubt(other, "is a system disk")),
            Some(other) if !other.mount_path.is_empty() => {
                return Err(doubt(other, &format!("is mounted at {}", other.mount_path)));
            }
            Some(_) => Step::Assign(rotation),
        });
    };
    if uuid(disk) == Some(&rotation.to) {
        return Ok(Step::Finish(rotation));
    }
    let is_same_backup = status.phase == BackupPhase::Done && status.job_id == rotation.job;
    if ejectable(disk, settings)? != rotation.from || !is_same_backup {
        return Ok(Step::Drop(rotation));
    }
    if rotation.ejected {
        return Ok(Step::Rest(Outcome::StillMounted));
    }
    // The eject has failed, or its answer was lost and it had not been done.
    Ok(Step::Eject(rotation))
}

/// The one disk that is mounted at the path. Each file system in the input is there once at most: a copy of a disk has its
/// UUID, and the agent would assign either of them.
fn mounted<'a>(disks: &'a [Disk], settings: &Settings) -> Result<Option<&'a Disk>, Doubt> {
    for RotatedDisk { label, uuid: wanted } in &settings.disks {
        if disks.iter().filter(|disk| uuid(disk) == Some(wanted)).count() > 1 {
            return Err(Doubt(format!("expected one disk with the uuid of {label:?}, found more")));
        }
    }
    let mut there = disks.iter().filter(|disk| disk.mount_path == settings.mount_path);
    match (there.next(), there.next()) {
        (_, Some(_)) => Err(Doubt(format!("expected one disk at {}, found more", settings.mount_path))),
        (disk, None) => Ok(disk),
    }
}

/// The UUID of a disk that may be ejected: one of the input's, which holds backups.
fn ejectable(disk: &Disk, settings: &Settings) -> Result<String, Doubt> {
    let Some(listed) = uuid(disk).and_then(|uuid| settings.disk(uuid)) else {
        return Err(doubt(disk, "is none of the disks that take turns"));
    };
    if disk.role != DiskRole::Backup {
        return Err(doubt(disk, "is no backup disk for the agent"));
    }
    Ok(listed.uuid.clone())
}

fn doubt(disk: &Disk, why: &str) -> Doubt {
    Doubt(format!("{} ({}) {why}", disk.name, disk.durable_id))
}

fn uuid(disk: &Disk) -> Option<&str> {
    disk.durable_id.strip_prefix("uuid:")
}

#[cfg(test)]
pub(crate) mod tests;
