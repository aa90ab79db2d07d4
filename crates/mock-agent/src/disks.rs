//! Disks and mounts: assign, eject and format change them, the two lists show them.
//!
//! Whether a device is formatted is decided by its own role and content, in this order:
//!
//! | role | data on it | answer |
//! | --- | --- | --- |
//! | anything but user-data | | 403, with the pending operation that the operator has to sign |
//! | user-data | yes, and not confirmed | 409, which asks for the customer's confirmation |
//! | user-data | yes, and confirmed | formatted |
//! | user-data | no | formatted |
//!
//! What the caller says about a device counts for nothing, except a confirmation that names this very disk by its
//! durable id: `/dev/sdc1` may have become another disk since the customer was asked.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::envelope::Answer;
use crate::inventory::{Disk, Mount, Role};
use crate::state::State;

/// Body of POST /disks/assign. The file system type and the mount options in it are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AssignRequest {
    pub(crate) uuid: String,
    #[serde(rename = "where")]
    pub(crate) mount_point: String,
}

/// Body of POST /disks/eject.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EjectRequest {
    #[serde(rename = "where")]
    pub(crate) mount_point: String,
}

/// Body of POST /disks/format.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormatRequest {
    pub(crate) device: String,
    pub(crate) fstype: String,
    pub(crate) confirmed: bool,
    pub(crate) durable_id: String,
}

/// Data of GET /storage.
#[derive(Serialize)]
struct MountsData<'a> {
    vmid: i64,
    mounts: &'a [Mount],
}

/// Data of GET /disks.
#[derive(Serialize)]
struct DisksData<'a> {
    vmid: i64,
    disks: &'a [Disk],
}

/// Data of POST /disks/assign.
#[derive(Serialize)]
struct AssignData<'a> {
    vmid: i64,
    mount: &'a str,
}

/// Data of POST /disks/eject.
#[derive(Serialize)]
struct EjectData<'a> {
    vmid: i64,
    ejected: &'a str,
    dependent_guests: Vec<i64>,
}

/// Data of POST /disks/format.
#[derive(Debug, Serialize)]
struct FormatData {
    vmid: i64,
    device: String,
    formatted: bool,
    data_bearing: bool,
    reason: String,
    role: Role,
    needs_confirmation: bool,
    durable_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_op: Option<PendingOperation>,
}

/// What the operator has to sign before a disk that is not the customer's is wiped.
#[derive(Debug, Serialize)]
struct PendingOperation {
    op: &'static str,
    host_scope: String,
    durable_id: String,
    fstype: String,
}

impl State {
    /// GET /storage.
    pub(crate) fn mount_list(&self) -> Answer {
        Answer::granted(StatusCode::OK, MountsData { vmid: self.vmid, mounts: &self.mounts })
    }

    /// GET /disks.
    pub(crate) fn disk_list(&self) -> Answer {
        Answer::granted(StatusCode::OK, DisksData { vmid: self.vmid, disks: &self.disks })
    }

    /// POST /disks/assign: mounts the disk whose file system has this UUID there.
    pub(crate) fn assign(&mut self, request: &AssignRequest) -> Answer {
        let mount_point = &request.mount_point;
        if !mount_point.starts_with('/') {
            let error = format!("mount point {mount_point:?} is not an absolute path");
            return Answer::refused(StatusCode::BAD_REQUEST, error);
        }
        let durable_id = format!("uuid:{}", request.uuid);
        let Some(at) = self.disks.iter().position(|disk| disk.durable_id == durable_id) else {
            let error = format!("no disk with uuid {:?}", request.uuid);
            return Answer::refused(StatusCode::NOT_FOUND, error);
        };
        if self.is_taken(mount_point, at) {
            let error = format!("something else is mounted at {mount_point}");
            return Answer::refused(StatusCode::CONFLICT, error);
        }
        self.mount(at, mount_point);
        Answer::granted(StatusCode::OK, AssignData { vmid: self.vmid, mount: mount_point })
    }

    /// POST /disks/eject: unmounts what is mounted there, and removes it from both lists.
    pub(crate) fn eject(&mut self, request: &EjectRequest) -> Answer {
        let ejected = &request.mount_point;
        let is_there = |disk: &Disk| !ejected.is_empty() && disk.mount_path == *ejected;
        if self.disks.iter().any(|disk| is_there(disk) && disk.role == Role::System) {
            let error = format!("{ejected} is on the system disk");
            return Answer::refused(StatusCode::FORBIDDEN, error);
        }
        // A mount need not be of a disk that the agent lists, nor a mounted disk of one that the guest sees.
        let listed_before = self.disks.len() + self.mounts.len();
        self.disks.retain(|disk| !is_there(disk));
        self.mounts.retain(|mount| mount.mount_point != *ejected);
        if self.disks.len() + self.mounts.len() == listed_before {
            let error = format!("nothing is mounted at {ejected:?}");
            return Answer::refused(StatusCode::NOT_FOUND, error);
        }
        let dependent_guests = self.dependent_guests.remove(ejected).unwrap_or_default();
        Answer::granted(StatusCode::OK, EjectData { vmid: self.vmid, ejected, dependent_guests })
    }

    /// POST /disks/format.
    pub(crate) fn format(&mut self, request: &FormatRequest) -> Answer {
        let is_named = |disk: &&mut Disk| disk.backing_device == request.device;
        let Some(disk) = self.disks.iter_mut().find(is_named) else {
            let error = format!("no device {:?}", request.device);
            return Answer::refused(StatusCode::NOT_FOUND, error);
        };
        if disk.role != Role::UserData {
            return refuse_to_format(self.vmid, &self.host_scope, disk, &request.fstype);
        }
        if disk.data_bearing && !request.confirms(disk) {
            let result = FormatData { needs_confirmation: true, ..FormatData::of(self.vmid, disk) };
            return Answer::granted(StatusCode::CONFLICT, result);
        }
        wipe(disk);
        let result = FormatData { formatted: true, ..FormatData::of(self.vmid, disk) };
        Answer::granted(StatusCode::OK, result)
    }

    /// Whether anything but the disk at this index is mounted there.
    fn is_taken(&self, mount_point: &str, except: usize) -> bool {
        let mut disks = self.disks.iter().enumerate();
        match disks.find(|(_, disk)| disk.mount_path == mount_point) {
            Some((at, _)) => at != except,
            None => self.mounts.iter().any(|mount| mount.mount_point == mount_point),
        }
    }

    /// Mounts the disk at this index there, and unmounts it from where it was.
    fn mount(&mut self, at: usize, mount_point: &str) {
        let Some(disk) = self.disks.get_mut(at) else {
            return;
        };
        let before = std::mem::replace(&mut disk.mount_path, mount_point.to_owned());
        disk.state = "mounted".to_owned();
        // The guest knows the mount by its key, so a disk that moves keeps its entry and its place in the list.
        let is_its_own = |mount: &&mut Mount| !before.is_empty() && mount.mount_point == before;
        match self.mounts.iter_mut().find(is_its_own) {
            Some(mount) => mount.mount_point = mount_point.to_owned(),
            None => self.mounts.push(Mount {
                key: disk.name.clone(),
                storage: disk.name.clone(),
                mount_point: mount_point.to_owned(),
                class: disk.class.clone(),
                backup: false,
            }),
        }
    }
}

impl FormatRequest {
    /// Whether the customer has confirmed that this very disk may be wiped.
    fn confirms(&self, disk: &Disk) -> bool {
        self.confirmed && self.durable_id == disk.durable_id
    }
}

impl FormatData {
    /// The disk as it is, not formatted.
    fn of(vmid: i64, disk: &Disk) -> Self {
        Self {
            vmid,
            device: disk.backing_device.clone(),
            formatted: false,
            data_bearing: disk.data_bearing,
            reason: disk.data_reason.clone(),
            role: disk.role.clone(),
            needs_confirmation: false,
            durable_id: disk.durable_id.clone(),
            pending_op: None,
        }
    }
}

fn refuse_to_format(vmid: i64, host_scope: &str, disk: &Disk, fstype: &str) -> Answer {
    let result = FormatData {
        data_bearing: true,
        pending_op: Some(PendingOperation {
            op: "storage_wipe",
            host_scope: host_scope.to_owned(),
            durable_id: disk.durable_id.clone(),
            fstype: fstype.to_owned(),
        }),
        ..FormatData::of(vmid, disk)
    };
    let error = "only the operator can have this device formatted";
    Answer::refused_with(StatusCode::FORBIDDEN, error, result)
}

fn wipe(disk: &mut Disk) {
    disk.data_bearing = false;
    disk.data_reason.clear();
    disk.used_bytes = 0;
    disk.used_fraction = 0.0;
}

#[cfg(test)]
mod tests;
