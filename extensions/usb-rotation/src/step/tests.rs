//! Each step, and what keeps the wrong disk from being ejected.

use agentapi_extension::storage::StorageClass;

use super::*;

pub(crate) const PATH: &str = "/mnt/backup";

pub(crate) fn settings() -> Settings {
    let input = serde_json::json!({
        "disks": [{ "label": "red", "uuid": "R" }, { "label": "blue", "uuid": "B" }],
        "mount_path": PATH,
    });
    serde_json::from_value(input).unwrap()
}

fn disk(uuid: &str, mount_path: &str) -> Disk {
    Disk {
        name: "usb".into(),
        kind: "usb".into(),
        state: String::new(),
        backing_device: "/dev/sdb1".into(),
        mount_path: mount_path.into(),
        class: StorageClass::Slow,
        role: DiskRole::Backup,
        data_bearing: true,
        data_reason: String::new(),
        total_bytes: 100,
        used_bytes: 75,
        used_fraction: 0.75,
        durable_id: format!("uuid:{uuid}"),
    }
}

fn status(phase: BackupPhase, job: &str) -> BackupStatus {
    BackupStatus { vmid: 101, phase, job_id: job.into(), error: String::new() }
}

fn done(job: &str) -> BackupStatus {
    status(BackupPhase::Done, job)
}

/// From red to blue after the backup `one`.
pub(crate) fn rotation() -> Rotation {
    Rotation { job: "one".into(), from: "R".into(), to: "B".into(), ejected: false, waited: false }
}

fn ejected() -> Rotation {
    Rotation { ejected: true, ..rotation() }
}

fn begun(rotation: Rotation) -> Memory {
    Memory { rotated_after: None, begun: Some(rotation) }
}

fn step(memory: &Memory, status: &BackupStatus, disks: &[Disk]) -> Step {
    next(memory, status, disks, &settings()).unwrap()
}

#[test]
fn a_rotation_goes_from_step_to_step() {
    let (red, blue) = (disk("R", PATH), disk("B", ""));
    let (fresh, status) = (Memory::default(), done("one"));
    assert_eq!(step(&fresh, &status, &[red, blue.clone()]), Step::Eject(rotation()));
    assert_eq!(step(&begun(ejected()), &status, std::slice::from_ref(&blue)), Step::Assign(ejected()));
    assert_eq!(step(&begun(ejected()), &status, &[]), Step::AwaitDisk(ejected()));
    let blue = disk("B", PATH);
    assert_eq!(step(&begun(ejected()), &status, std::slice::from_ref(&blue)), Step::Finish(ejected()));
    let rotated = Memory { rotated_after: Some("one".into()), begun: None };
    assert_eq!(step(&rotated, &status, std::slice::from_ref(&blue)), Step::Rest(Outcome::AlreadyRotated));
    // After the last disk of the list comes the first.
    let back = Rotation { job: "two".into(), from: "B".into(), to: "R".into(), ..rotation() };
    assert_eq!(step(&rotated, &done("two"), &[blue]), Step::Eject(back));
}

#[test]
fn nothing_is_done_while_a_backup_runs_or_without_a_good_one() {
    let disks = [disk("R", PATH), disk("B", "")];
    for (phase, outcome) in [
        (BackupPhase::Running, Outcome::BackupRunning),
        (BackupPhase::Other("verifying".into()), Outcome::BackupRunning),
        (BackupPhase::Failed, Outcome::NoGoodBackup),
        (BackupPhase::Idle, Outcome::NoGoodBackup),
    ] {
        assert_eq!(step(&Memory::default(), &status(phase, "one"), &disks), Step::Rest(outcome));
    }
    assert_eq!(step(&Memory::default(), &done(""), &disks), Step::Rest(Outcome::NoGoodBackup));
    let running = status(BackupPhase::Running, "one");
    assert_eq!(step(&begun(rotation()), &running, &disks), Step::Rest(Outcome::BackupRunning));
    assert_eq!(step(&begun(ejected()), &running, &disks[1..]), Step::Rest(Outcome::BackupRunning));
}

#[test]
fn an_eject_whose_answer_was_lost_is_decided_by_what_is_mounted() {
    let (red, blue) = (disk("R", PATH), disk("B", ""));
    assert_eq!(step(&begun(rotation()), &done("one"), &[red, blue.clone()]), Step::Eject(rotation()));
    assert_eq!(step(&begun(rotation()), &done("one"), &[blue]), Step::Assign(rotation()));
}

#[test]
fn a_disk_that_somebody_mounts_again_is_left_until_the_next_backup() {
    let disks = [disk("R", PATH), disk("B", "")];
    assert_eq!(step(&begun(ejected()), &done("one"), &disks), Step::Rest(Outcome::StillMounted));
    assert_eq!(step(&begun(ejected()), &done("two"), &disks), Step::Drop(ejected()));
    assert_eq!(step(&begun(rotation()), &done("two"), &disks), Step::Drop(rotation()));
    let unlisted = Rotation { to: "G".into(), ..ejected() };
    assert_eq!(step(&begun(unlisted.clone()), &done("one"), &disks), Step::Drop(unlisted));
}

#[test]
fn a_disk_with_room_left_stays() {
    let settings = Settings { full_from: 0.8, ..settings() };
    let disks = [disk("R", PATH), disk("B", "")];
    let step = next(&Memory::default(), &done("one"), &disks, &settings);
    assert_eq!(step, Ok(Step::Rest(Outcome::NotFull)));
    assert_eq!(self::step(&Memory::default(), &done("one"), &disks[1..]), Step::Rest(Outcome::NothingMounted));
}

#[test]
fn what_is_not_surely_the_right_disk_is_refused() {
    let fresh = Memory::default();
    let by_id = Disk { durable_id: "byid:R".into(), ..disk("R", PATH) };
    let user_data = Disk { role: DiskRole::UserData, ..disk("R", PATH) };
    let system = Disk { role: DiskRole::System, ..disk("B", "") };
    for (memory, disks, why) in [
        (&fresh, vec![disk("X", PATH)], "usb (uuid:X) is none of the disks that take turns"),
        (&fresh, vec![by_id], "usb (byid:R) is none of the disks that take turns"),
        (&fresh, vec![user_data], "usb (uuid:R) is no backup disk for the agent"),
        (&fresh, vec![disk("R", PATH), disk("R", "")], "expected one disk with the uuid of \"red\", found more"),
        (&fresh, vec![disk("R", PATH), disk("X", PATH)], "expected one disk at /mnt/backup, found more"),
        (&begun(ejected()), vec![disk("X", PATH), disk("B", "")], "usb (uuid:X) is none of the disks that take turns"),
        (&begun(ejected()), vec![system], "usb (uuid:B) is a system disk"),
        (&begun(ejected()), vec![disk("B", "/srv")], "usb (uuid:B) is mounted at /srv"),
    ] {
        assert_eq!(next(memory, &done("one"), &disks, &settings()), Err(Doubt(why.into())));
    }
}
