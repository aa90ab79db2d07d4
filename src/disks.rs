//! The disks that the host lets this guest see.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use agentapi_contract::Route;
use serde::Serialize;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::disks::Guest;
use crate::bindings::felhom::agentapi::types::{
    AssignRequest, Disk, DiskList, DiskRole, EjectResult, Error, FormatError, FormatRequest, FormatResult, PendingOp,
    StorageClass,
};
use crate::envelope;
use crate::error::invalid_argument;
use crate::json::{Field, Named, Record};
use crate::{format, opsign};

impl Guest for Component {
    fn list() -> Result<DiskList, Error> {
        envelope::get(Route::Disks)
    }

    fn assign(request: AssignRequest) -> Result<(), Error> {
        let AssignRequest { uuid, where_, fstype, options } = &request;
        let body = to_json(&AssignBody { uuid, r#where: where_, fstype, options })?;
        envelope::post_only(Route::AssignDisk, &body)
    }

    fn eject(where_: String) -> Result<EjectResult, Error> {
        let body = to_json(&EjectBody { r#where: &where_ })?;
        envelope::post(Route::EjectDisk, &body)
    }

    fn format(request: FormatRequest) -> Result<FormatResult, FormatError> {
        format::format(&request)
    }

    fn fs_uuid(durable_id: String) -> Option<String> {
        durable_id.strip_prefix("uuid:").map(String::from)
    }

    fn opsign_command(op: PendingOp) -> Result<String, Error> {
        opsign::command(&op)
    }
}

/// Source: `role` of GET /disks and POST /disks/format.
impl Named for DiskRole {
    fn set(&mut self, text: &str) {
        *self = match text {
            "system" => DiskRole::System,
            "backup" => DiskRole::Backup,
            "user-data" => DiskRole::UserData,
            _ => DiskRole::Other(text.to_string()),
        };
    }
}

/// The body of a POST.
pub(crate) fn to_json<T: Serialize>(body: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body).map_err(|why| invalid_argument("arguments", &why))
}

/// Source: body of POST /disks/assign.
#[derive(Serialize)]
struct AssignBody<'a> {
    uuid: &'a str,
    r#where: &'a str,
    fstype: &'a str,
    options: &'a str,
}

/// Source: body of POST /disks/eject.
#[derive(Serialize)]
struct EjectBody<'a> {
    r#where: &'a str,
}

/// Source: data of GET /disks.
impl Record for DiskList {
    fn zero() -> Self {
        DiskList { vmid: 0, disks: Vec::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "disks" => Field::Records(&mut self.disks),
            _ => return None,
        })
    }
}

impl Record for Disk {
    fn zero() -> Self {
        Disk {
            name: String::new(),
            type_: String::new(),
            state: String::new(),
            backing_device: String::new(),
            mount_path: String::new(),
            class: StorageClass::Unknown,
            role: DiskRole::Other(String::new()),
            data_bearing: false,
            data_reason: String::new(),
            total_bytes: 0,
            used_bytes: 0,
            used_fraction: 0.0,
            durable_id: String::new(),
        }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "name" => Field::Text(&mut self.name),
            "type" => Field::Text(&mut self.type_),
            "state" => Field::Text(&mut self.state),
            "backing_device" => Field::Text(&mut self.backing_device),
            "mount_path" => Field::Text(&mut self.mount_path),
            "class" => Field::Name(&mut self.class),
            "role" => Field::Name(&mut self.role),
            "data_bearing" => Field::Flag(&mut self.data_bearing),
            "data_reason" => Field::Text(&mut self.data_reason),
            "total_bytes" => Field::Int(&mut self.total_bytes),
            "used_bytes" => Field::Int(&mut self.used_bytes),
            "used_fraction" => Field::Real(&mut self.used_fraction),
            "durable_id" => Field::Text(&mut self.durable_id),
            _ => return None,
        })
    }
}

/// Source: data of POST /disks/eject.
impl Record for EjectResult {
    fn zero() -> Self {
        EjectResult { vmid: 0, ejected: String::new(), dependent_guests: Vec::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "ejected" => Field::Text(&mut self.ejected),
            "dependent_guests" => Field::Ints(&mut self.dependent_guests),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::named;
    use crate::transport::Answer;

    fn read<T: Record>(data: &str) -> T {
        let body = format!(r#"{{"ok":true,"data":{data}}}"#).into_bytes();
        envelope::record(Route::Disks, &Answer { status: 200, body }).unwrap()
    }

    #[test]
    fn every_field_of_a_disk_is_read() {
        let list = read::<DiskList>(
            r#"{"vmid":101,"disks":[{"name":"sdb1","type":"disk","state":"mounted","backing_device":"/dev/sdb1",
                "mount_path":"/mnt/media","class":"fast","role":"user-data","data_bearing":true,"data_reason":"ext4",
                "total_bytes":4000787030016,"used_bytes":1000,"used_fraction":0.25,"durable_id":"uuid:0f3c"}]}"#,
        );
        let disk = &list.disks[0];
        assert_eq!(list.vmid, 101);
        assert_eq!((&*disk.name, &*disk.type_, &*disk.state), ("sdb1", "disk", "mounted"));
        assert_eq!((&*disk.backing_device, &*disk.mount_path), ("/dev/sdb1", "/mnt/media"));
        assert!(matches!(disk.role, DiskRole::UserData));
        assert_eq!((disk.data_bearing, &*disk.data_reason, &*disk.durable_id), (true, "ext4", "uuid:0f3c"));
        assert_eq!((disk.total_bytes, disk.used_bytes, disk.used_fraction), (4_000_787_030_016, 1000, 0.25));
    }

    #[test]
    fn what_is_missing_is_zero() {
        let list = read::<DiskList>(r#"{"disks":[{}]}"#);
        assert_eq!((list.disks[0].total_bytes, list.disks[0].used_fraction), (0, 0.0));
        assert!(matches!(&list.disks[0].role, DiskRole::Other(text) if text.is_empty()));
        assert!(read::<EjectResult>("{}").dependent_guests.is_empty());
    }

    #[test]
    fn the_answer_to_an_eject_is_read() {
        let result = read::<EjectResult>(r#"{"vmid":101,"ejected":"/mnt/media","dependent_guests":[104,null]}"#);
        assert_eq!((&*result.ejected, result.dependent_guests), ("/mnt/media", vec![104, 0]));
    }

    #[test]
    fn the_roles_have_names_and_others_keep_their_text() {
        assert!(matches!(named(DiskRole::System, "system"), DiskRole::System));
        assert!(matches!(named(DiskRole::System, "backup"), DiskRole::Backup));
        assert!(matches!(named(DiskRole::System, "spare"), DiskRole::Other(text) if text == "spare"));
    }

    #[test]
    fn a_file_system_uuid_is_what_follows_its_prefix() {
        assert_eq!(Component::fs_uuid("uuid:0f3c".into()).as_deref(), Some("0f3c"));
        assert_eq!(Component::fs_uuid("uuid:".into()).as_deref(), Some(""));
        assert_eq!(Component::fs_uuid("uuid:uuid:0f3c".into()).as_deref(), Some("uuid:0f3c"));
        assert_eq!(Component::fs_uuid("byid:ata".into()), None);
        assert_eq!(Component::fs_uuid("UUID:0f3c".into()), None);
    }

    #[test]
    fn arguments_become_json_strings() {
        let body = AssignBody { uuid: "u", r#where: "/a\"b", fstype: "ext4", options: "" };
        let json = String::from_utf8(to_json(&body).unwrap()).unwrap();
        assert_eq!(json, r#"{"uuid":"u","where":"/a\"b","fstype":"ext4","options":""}"#);
    }
}
