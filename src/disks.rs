//! The interface `disks`: the disks that the host lets this guest see. Formatting one is in `format.rs`, the operator's
//! command in `opsign.rs`.

use alloc::string::String;
use alloc::vec::Vec;

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::disks::Guest;
use crate::bindings::felhom::agentapi::types::{
    AssignRequest, Disk, DiskList, DiskRole, EjectResult, Error, FormatError, FormatRequest, FormatResult, PendingOp,
};
use crate::envelope;
use crate::json::{self, Value, record, variant};
use crate::{format, opsign};

impl Guest for Component {
    fn list() -> Result<DiskList, Error> {
        envelope::get(Route::Disks)
    }

    fn assign(request: AssignRequest) -> Result<(), Error> {
        envelope::post_only(Route::AssignDisk, &assign_body(&request))
    }

    fn eject(mount_path: String) -> Result<EjectResult, Error> {
        // Source: body of POST /disks/eject.
        let body = json::write(&[("where", Value::Text(&mount_path))]);
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

variant! {
    /// Source: `role` of GET /disks and POST /disks/format.
    DiskRole {
        "system" => System,
        "backup" => Backup,
        "user-data" => UserData,
    }
}

/// Source: body of POST /disks/assign.
fn assign_body(request: &AssignRequest) -> Vec<u8> {
    json::write(&[
        ("uuid", Value::Text(&request.uuid)),
        ("where", Value::Text(&request.mount_path)),
        ("fstype", Value::Text(&request.fstype)),
        ("options", Value::Text(&request.options)),
    ])
}

record! {
    /// Source: data of GET /disks.
    DiskList {
        "vmid" => vmid: Int,
        "disks" => disks: Records,
    }
}

record! {
    Disk {
        "name" => name: Text,
        "type" => kind: Text,
        "state" => state: Text,
        "backing_device" => backing_device: Text,
        "mount_path" => mount_path: Text,
        "class" => class: Variant,
        "role" => role: Variant,
        "data_bearing" => data_bearing: Flag,
        "data_reason" => data_reason: Text,
        "total_bytes" => total_bytes: Int,
        "used_bytes" => used_bytes: Int,
        "used_fraction" => used_fraction: Real,
        "durable_id" => durable_id: Text,
    }
}

record! {
    /// Source: data of POST /disks/eject.
    EjectResult {
        "vmid" => vmid: Int,
        "ejected" => ejected: Text,
        "dependent_guests" => dependent_guests: Ints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{decode, decode_data};
    use crate::json::Variant;
    use crate::transport::Answer;

    #[test]
    fn every_field_of_a_disk_is_read() {
        let list = decode_data::<DiskList>(
            r#"{"vmid":101,"disks":[{"name":"sdb1","type":"disk","state":"mounted","backing_device":"/dev/sdb1",
                "mount_path":"/mnt/media","class":"fast","role":"user-data","data_bearing":true,"data_reason":"ext4",
                "total_bytes":4000787030016,"used_bytes":1000,"used_fraction":0.25,"durable_id":"uuid:0f3c"}]}"#,
        );
        let disk = &list.disks[0];
        assert_eq!(list.vmid, 101);
        assert_eq!((&*disk.name, &*disk.kind, &*disk.state), ("sdb1", "disk", "mounted"));
        assert_eq!((&*disk.backing_device, &*disk.mount_path), ("/dev/sdb1", "/mnt/media"));
        assert!(matches!(disk.role, DiskRole::UserData));
        assert_eq!((disk.data_bearing, &*disk.data_reason, &*disk.durable_id), (true, "ext4", "uuid:0f3c"));
        assert_eq!((disk.total_bytes, disk.used_bytes, disk.used_fraction), (4_000_787_030_016, 1000, 0.25));
    }

    #[test]
    fn what_is_missing_is_zero() {
        let list = decode_data::<DiskList>(r#"{"disks":[{}]}"#);
        assert_eq!((list.disks[0].total_bytes, list.disks[0].used_fraction), (0, 0.0));
        assert!(matches!(&list.disks[0].role, DiskRole::Other(text) if text.is_empty()));
        assert!(decode_data::<EjectResult>("{}").dependent_guests.is_empty());
    }

    /// One value in one of several disks cannot be read: the disk is named, and the value.
    #[test]
    fn a_value_that_cannot_be_read_is_shown_with_its_disk() {
        let cases = [
            (
                r#"{"name":"sdd1","total_bytes":"4T"}"#,
                r#"disks[1] sdd1: total_bytes: expected a 64-bit integer, found a string ("4T")"#,
            ),
            (
                r#"{"total_bytes":1.5,"name":"sdd1"}"#,
                "disks[1] sdd1: total_bytes: expected a 64-bit integer, found another number (1.500)",
            ),
            (
                r#"{"name":"sdd1","used_fraction":"n/a\u001b[2J"}"#,
                r#"disks[1] sdd1: used_fraction: expected a number, found a string ("n/a\u{1b}[2J")"#,
            ),
            (
                r#"{"name":"sd\u200bd1","data_bearing":1}"#,
                r"disks[1] sd\u{200b}d1: data_bearing: expected a boolean, found a number (1)",
            ),
            (r#"{"name":7}"#, "disks[1]: name: expected a string, found a number (7)"),
            (r#"{"name":"sdd1","role":false}"#, "disks[1] sdd1: role: expected a string, found a boolean (false)"),
            (r#"7"#, "disks[1]: expected an object, found a number (7)"),
        ];
        for (disk, expected) in cases {
            let body = format!(r#"{{"ok":true,"data":{{"disks":[{{"name":"sda"}},{disk},{{"name":false}}]}}}}"#);
            let answer = Answer { status: 200, body: body.into() };
            let Err(Error::Decode(why)) = decode::<DiskList>(Route::Disks, &answer) else { panic!("{disk} is read") };
            assert_eq!(why, format!("data: {expected}"));
        }
    }

    #[test]
    fn a_long_value_is_not_shown_and_not_cut() {
        let body = format!(
            r#"{{"ok":true,"data":{{"disks":[{{"name":"{0}","vmid":0,"total_bytes":"{0}"}}]}}}}"#,
            "é".repeat(200)
        );
        let Err(Error::Decode(why)) = decode::<DiskList>(Route::Disks, &Answer { status: 200, body: body.into() })
        else {
            panic!("it is read")
        };
        assert_eq!(why, "data: disks[0]: total_bytes: expected a 64-bit integer, found a string (a text of 400 bytes)");
    }

    #[test]
    fn the_answer_to_an_eject_is_read() {
        let result = decode_data::<EjectResult>(r#"{"vmid":101,"ejected":"/mnt/media","dependent_guests":[104,null]}"#);
        assert_eq!((&*result.ejected, result.dependent_guests), ("/mnt/media", vec![104, 0]));
    }

    #[test]
    fn the_roles_have_names_and_others_keep_their_text() {
        assert!(matches!(DiskRole::from_text("system"), DiskRole::System));
        assert!(matches!(DiskRole::from_text("backup"), DiskRole::Backup));
        assert!(matches!(DiskRole::from_text("spare"), DiskRole::Other(text) if text == "spare"));
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
        let request =
            AssignRequest { uuid: "u".into(), mount_path: "/a\"b".into(), fstype: "ext4".into(), options: "".into() };
        let json = String::from_utf8(assign_body(&request)).unwrap();
        assert_eq!(json, r#"{"uuid":"u","where":"/a\"b","fstype":"ext4","options":""}"#);
    }
}
