//! What is forecast from samples, and what of it is told.

use agentapi_extension::disks::{Disk, DiskRole};
use agentapi_extension::host_metrics::{HostStatus, Smart, SmartHealth, StorageTarget};
use agentapi_extension::storage::StorageClass;

use super::*;

const DAY: u64 = 86_400;
const GIB: i64 = 1 << 30;

fn disk(name: &str, durable_id: &str, mount_path: &str, used_bytes: i64) -> Disk {
    Disk {
        name: name.into(),
        kind: "sata".into(),
        state: String::new(),
        backing_device: "/dev/sdb1".into(),
        mount_path: mount_path.into(),
        class: StorageClass::Slow,
        role: DiskRole::UserData,
        data_bearing: true,
        data_reason: String::new(),
        total_bytes: 100 * GIB,
        used_bytes,
        used_fraction: 0.5,
        durable_id: durable_id.into(),
    }
}

/// The root file system of `pve`, and the storage target `usb`.
fn metrics(is_reachable: bool) -> MetricsView {
    let host = HostStatus {
        node: "pve".into(),
        cpu_percent: 0.0,
        memory_total_bytes: 1,
        memory_used_bytes: 0,
        memory_percent: 0.0,
        disk_total_bytes: 1000,
        disk_used_bytes: 0,
        disk_percent: 0.0,
        loadavg: Vec::new(),
        uptime_seconds: 1,
        cpu_temp_c: None,
    };
    let target = StorageTarget {
        name: "usb".into(),
        kind: "dir".into(),
        state: String::new(),
        reachable: is_reachable,
        total_bytes: 1000,
        used_bytes: 0,
        avail_bytes: 1000,
        used_fraction: 0.0,
        content: "backup".into(),
        mount_path: String::new(),
        class_hint: StorageClass::Slow,
        thin_pool: None,
        smart: Smart { health: SmartHealth::Unknown, temperature_c: None, percentage_used: None },
    };
    MetricsView { vmid: 101, host, storage_targets: vec![target] }
}

fn places(disks: &[Disk]) -> Vec<Place> {
    places::of(Some(&DiskList { vmid: 101, disks: disks.to_vec() }), None)
}

/// A place of 100 GiB, of which this many were used on days 0, 1, 2 and so on.
fn forecast(used_gib: &[i64]) -> Forecast {
    let mut samples = Samples::default();
    for (day, used) in (0..).zip(used_gib) {
        samples.add(1_000_000_000 + day * DAY, used * GIB, 14 * DAY);
    }
    let place = &places(&[disk("media", "uuid:1", "/mnt", used_gib.last().unwrap() * GIB)])[0];
    Forecast::of(place, &samples, &Settings::default())
}

fn told(forecast: &Forecast) -> Option<(Severity, String)> {
    message(forecast, &Settings::default()).map(|message| (message.severity, message.title))
}

#[test]
fn what_grows_is_full_when_the_line_says_so() {
    let grows = forecast(&[40, 42, 44, 46]);
    assert_eq!(grows.full_in_days(), Some(27.0));
    assert_eq!(told(&grows), Some((Severity::Warning, "disk media will be full within 30 days".into())));
    let fast = forecast(&[40, 50, 60, 70]);
    assert_eq!(told(&fast), Some((Severity::Critical, "disk media will be full within 7 days".into())));
    assert_eq!(told(&forecast(&[100])), Some((Severity::Critical, "disk media will be full within 7 days".into())));
}

#[test]
fn what_does_not_grow_or_is_not_known_yet_is_not_told() {
    for used in [&[40, 40, 40, 40][..], &[46, 44, 42, 40], &[40, 50]] {
        assert_eq!((forecast(used).full_in_days(), told(&forecast(used))), (None, None), "{used:?}");
    }
    let settings = Settings::default();
    // Too little is known: what was raised before a state was lost stays raised.
    assert!(forecast(&[40, 50]).is_undecided(&settings));
    assert!(!forecast(&[46, 44, 42, 40]).is_undecided(&settings));
    // 33 days are within a fifth of the 30 that are told, 43 are not.
    let near = forecast(&[28, 30, 32, 34]);
    assert_eq!((near.full_in_days(), told(&near), near.is_undecided(&settings)), (Some(33.0), None, true));
    let far = forecast(&[8, 10, 12, 14]);
    assert_eq!((far.full_in_days(), told(&far), far.is_undecided(&settings)), (Some(43.0), None, false));
}

#[test]
fn a_place_is_known_by_what_stays_and_one_of_unknown_size_is_none() {
    let unmounted = disk("c", "uuid:3", "", 1);
    let unknown = Disk { total_bytes: 0, ..disk("d", "uuid:4", "/d", 0) };
    let same = disk("e", "uuid:1", "/e", 1);
    let places = places(&[disk("a", "uuid:1", "/a", 1), disk("b\n", "", "/b", 1), unmounted, unknown, same]);
    let keys: Vec<_> = places.iter().map(|place| (place.state_key(), &*place.label)).collect();
    assert_eq!(keys, [("used/disk uuid:1".to_owned(), "disk a"), ("used/disk b ".to_owned(), "disk b ")]);
    let long = places::of(Some(&DiskList { vmid: 1, disks: vec![disk(&"é".repeat(300), "", "/a", 1)] }), None);
    assert_eq!((long[0].state_key().len(), long[0].label.len()), (256, 99));
}

#[test]
fn a_message_stays_where_it_is_not_known_whether_it_is_over() {
    let settings = Settings::default();
    let (list, view) = (DiskList { vmid: 101, disks: Vec::new() }, metrics(false));
    let unknown = |key, forecasts: &[Forecast], disks, metrics| is_unknown(key, forecasts, disks, metrics, &settings);
    for (key, without_disks, without_metrics, with_both) in [
        ("full-soon:disk media", true, false, false),
        ("full-soon:storage usb", true, true, true),
        ("full-soon:storage gone", false, true, false),
        ("full-soon:root of pve", false, true, false),
    ] {
        assert_eq!(unknown(key, &[], None, Some(&view)), without_disks, "{key}");
        assert_eq!(unknown(key, &[], Some(&list), None), without_metrics, "{key}");
        assert_eq!(unknown(key, &[], Some(&list), Some(&view)), with_both, "{key}");
    }
    let undecided = [forecast(&[40, 50])];
    assert!(unknown("full-soon:disk media", &undecided, Some(&list), Some(&view)));
}

#[test]
fn storage_and_root_are_places_where_they_answer() {
    let labels = |is_reachable| -> Vec<String> {
        places::of(None, Some(&metrics(is_reachable))).into_iter().map(|place| place.label).collect()
    };
    assert_eq!(labels(true), ["storage usb", "root of pve"]);
    assert_eq!(labels(false), ["root of pve"]);
}

#[test]
fn the_soonest_comes_first() {
    let mut forecasts = [forecast(&[40, 40, 40]), forecast(&[40, 42, 44]), forecast(&[40, 50, 60])];
    forecasts.sort_by(Forecast::soonest_first);
    assert_eq!(forecasts.each_ref().map(Forecast::full_in_days), [Some(4.0), Some(28.0), None]);
    assert_eq!(forecasts[0].line(), Some("disk media: full in 4.0 days".into()));
}

#[test]
fn an_input_that_cannot_be_right_is_refused() {
    for (input, message) in [
        (r#"{"days": 0}"#, "input: days: expected above 0 and at most 366, found 0"),
        (r#"{"min_days": 15}"#, "input: min_days: expected above 0 and at most 14, found 15"),
        (r#"{"critical_days": 31}"#, "input: critical_days: expected above 0 and at most 30, found 31"),
    ] {
        let error = agentapi_extension::run::<SpaceForecast>(input).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}
