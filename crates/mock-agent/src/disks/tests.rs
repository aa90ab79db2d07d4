//! Tests of the decisions in `disks.rs`, against the default scenario's four disks.

use http::StatusCode;
use serde_json::json;

use super::{AssignRequest, EjectRequest, FormatRequest, State};
use crate::clock::BackupClock;
use crate::inventory::{Disk, Role};
use crate::scenario::Scenario;

const MEDIA_UUID: &str = "0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const SPARE_UUID: &str = "5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";

fn state() -> State {
    State::new(Scenario::default(), BackupClock::default())
}

fn assign(uuid: &str, mount_point: &str) -> AssignRequest {
    AssignRequest { uuid: uuid.to_owned(), mount_point: mount_point.to_owned() }
}

fn eject(mount_point: &str) -> EjectRequest {
    EjectRequest { mount_point: mount_point.to_owned() }
}

fn format(device: &str) -> FormatRequest {
    FormatRequest { device: device.to_owned(), fstype: "ext4".to_owned(), ..FormatRequest::default() }
}

fn confirmed(device: &str, durable_id: &str) -> FormatRequest {
    FormatRequest { confirmed: true, durable_id: durable_id.to_owned(), ..format(device) }
}

fn disk<'a>(state: &'a State, name: &str) -> &'a Disk {
    state.disks.iter().find(|disk| disk.name == name).unwrap()
}

fn mount_points(state: &State) -> Vec<&str> {
    let points = state.mounts.iter().map(|mount| mount.mount_point.as_str());
    points.collect()
}

#[test]
fn an_assigned_disk_is_mounted_and_in_both_lists() {
    let mut state = state();
    let answer = state.assign(&assign(SPARE_UUID, "/mnt/felhom/photos"));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(disk(&state, "spare").state, "mounted");
    assert_eq!(disk(&state, "spare").mount_path, "/mnt/felhom/photos");
    assert!(mount_points(&state).contains(&"/mnt/felhom/photos"));
}

#[test]
fn a_disk_that_is_assigned_elsewhere_moves() {
    let mut state = state();
    state.assign(&assign(MEDIA_UUID, "/mnt/felhom/films"));
    let wanted = ["/mnt/felhom/appdata", "/mnt/felhom/films", "/mnt/felhom/scratch"];
    assert_eq!(mount_points(&state), wanted);
}

#[test]
fn a_disk_that_is_assigned_where_it_is_stays_there() {
    let mut state = state();
    let answer = state.assign(&assign(MEDIA_UUID, "/mnt/felhom/media"));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(state.disks, Scenario::default().disks);
    assert_eq!(state.mounts, Scenario::default().mounts);
}

#[test]
fn an_assignment_that_makes_no_sense_is_refused_and_changes_nothing() {
    let unknown = "00000000-0000-0000-0000-000000000000";
    for (request, status, error) in [
        (assign(unknown, "/mnt/x"), 404, "no disk with uuid \"00000000-0000-0000-0000-000000000000\""),
        (assign("", "/mnt/x"), 404, "no disk with uuid \"\""),
        (assign(SPARE_UUID, "mnt"), 400, "mount point \"mnt\" is not an absolute path"),
        (assign(SPARE_UUID, "/mnt/felhom/media"), 409, "something else is mounted at /mnt/felhom/media"),
        (assign(SPARE_UUID, "/mnt/felhom/scratch"), 409, "something else is mounted at /mnt/felhom/scratch"),
    ] {
        let mut state = state();
        let answer = state.assign(&request);
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, error));
        assert_eq!(state.disks, Scenario::default().disks);
    }
}

#[test]
fn an_ejected_disk_is_in_no_list_and_its_dependents_are_named() {
    let mut state = state();
    let answer = state.eject(&eject("/mnt/felhom/media"));
    let data = json!({"vmid":101,"ejected":"/mnt/felhom/media","dependent_guests":[101,104]});
    assert_eq!((answer.status, answer.data()), (StatusCode::OK, data));
    assert!(state.disks.iter().all(|disk| disk.name != "media"));
    assert!(!mount_points(&state).contains(&"/mnt/felhom/media"));
}

#[test]
fn a_disk_without_dependents_answers_with_an_empty_list() {
    let answer = state().eject(&eject("/mnt/felhom/usb-backup"));
    assert_eq!(answer.data()["dependent_guests"], json!([]));
}

#[test]
fn an_eject_of_nothing_or_of_the_system_is_refused() {
    for (mount_point, status) in [("/mnt/none", 404), ("", 404), ("/", 403)] {
        let mut state = state();
        assert_eq!(state.eject(&eject(mount_point)).status.as_u16(), status);
        assert_eq!(state.disks.len(), 4);
    }
}

#[test]
fn a_system_or_backup_disk_is_refused_whatever_the_caller_says() {
    for name in ["root", "usb-backup"] {
        let mut state = state();
        let known = disk(&state, name).clone();
        let (device, durable_id) = (&known.backing_device, &known.durable_id);
        for request in [format(device), confirmed(device, durable_id)] {
            let answer = state.format(&request);
            let wanted = json!({
                "vmid": 101, "device": device, "formatted": false, "data_bearing": true,
                "reason": known.data_reason, "role": known.role, "needs_confirmation": false,
                "durable_id": durable_id,
                "pending_op": {
                    "op": "storage_wipe", "host_scope": "host-7f3a",
                    "durable_id": durable_id, "fstype": "ext4",
                },
            });
            assert_eq!((answer.status, answer.data()), (StatusCode::FORBIDDEN, wanted));
        }
        assert_eq!(disk(&state, name), &known);
    }
}

#[test]
fn a_disk_of_unknown_role_is_refused() {
    let mut state = state();
    for disk in &mut state.disks {
        disk.role = Role::Other("cache".to_owned());
    }
    assert_eq!(state.format(&format("/dev/sdd1")).status, StatusCode::FORBIDDEN);
}

#[test]
fn a_user_data_disk_with_data_asks_for_confirmation_of_that_very_disk() {
    for request in [
        format("/dev/sdc1"),
        confirmed("/dev/sdc1", ""),
        confirmed("/dev/sdc1", &format!("uuid:{SPARE_UUID}")),
        FormatRequest { confirmed: false, ..confirmed("/dev/sdc1", &format!("uuid:{MEDIA_UUID}")) },
    ] {
        let mut state = state();
        let answer = state.format(&request);
        let wanted = json!({
            "vmid": 101, "device": "/dev/sdc1", "formatted": false, "data_bearing": true,
            "reason": "ext4 filesystem", "role": "user-data", "needs_confirmation": true,
            "durable_id": format!("uuid:{MEDIA_UUID}"),
        });
        assert_eq!((answer.status, answer.data()), (StatusCode::CONFLICT, wanted));
        assert_eq!(state.disks, Scenario::default().disks);
    }
}

#[test]
fn a_confirmed_disk_is_formatted_and_blank_afterwards() {
    let mut state = state();
    let answer = state.format(&confirmed("/dev/sdc1", &format!("uuid:{MEDIA_UUID}")));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.data()["formatted"], true);
    let blank = Disk {
        data_bearing: false,
        data_reason: String::new(),
        used_bytes: 0,
        used_fraction: 0.0,
        ..disk(&self::state(), "media").clone()
    };
    assert_eq!(disk(&state, "media"), &blank);
}

#[test]
fn a_blank_user_data_disk_is_formatted_without_confirmation() {
    let answer = state().format(&format("/dev/sdd1"));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.data()["formatted"], true);
    assert_eq!(answer.data()["needs_confirmation"], false);
}

#[test]
fn an_unknown_device_is_not_found() {
    let answer = state().format(&format("/dev/sdz"));
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::NOT_FOUND, "no device \"/dev/sdz\""));
}
