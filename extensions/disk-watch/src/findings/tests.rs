//! What is found, and what is not.

use alloc::string::String;
use alloc::vec;

use agentapi_extension::types::{
    DiskRole, HostStatus, MetricsView, Smart, SmartHealth, StorageClass, StorageTarget, ThinPool,
};
use agentapi_findings::{Measure, Problem, Severity};

use super::*;

pub(crate) fn healthy() -> Smart {
    Smart { health: SmartHealth::Passed, temperature_c: Some(38), percentage_used: Some(3) }
}

pub(crate) fn target(name: &str, used_fraction: f64, smart: Smart) -> StorageTarget {
    StorageTarget {
        name: name.into(),
        kind: "dir".into(),
        state: "available".into(),
        reachable: true,
        total_bytes: 1000,
        used_bytes: 0,
        avail_bytes: 0,
        used_fraction,
        content: String::new(),
        mount_path: String::new(),
        class_hint: StorageClass::Unknown,
        thin_pool: None,
        smart,
    }
}

pub(crate) fn thin_pool(name: &str, data_used_fraction: f64, metadata_used_fraction: Option<f64>) -> StorageTarget {
    let pool = ThinPool { data_used_fraction, metadata_used_fraction };
    StorageTarget { thin_pool: Some(pool), ..target(name, data_used_fraction, healthy()) }
}

pub(crate) fn metrics(cpu_temp_c: i64, targets: impl Into<Vec<StorageTarget>>) -> MetricsView {
    let host = HostStatus {
        node: "pve".into(),
        cpu_percent: 12.5,
        memory_total_bytes: 1000,
        memory_used_bytes: 500,
        memory_percent: 50.0,
        disk_total_bytes: 1000,
        disk_used_bytes: 250,
        disk_percent: 25.0,
        loadavg: vec![],
        uptime_seconds: 1,
        cpu_temp_c: Some(cpu_temp_c),
    };
    MetricsView { vmid: 101, host, storage_targets: targets.into() }
}

pub(crate) fn disk(name: &str, used_fraction: f64) -> Disk {
    Disk {
        name: name.into(),
        kind: "sata".into(),
        state: "mounted".into(),
        backing_device: "/dev/sdb1".into(),
        mount_path: String::new(),
        class: StorageClass::Slow,
        role: DiskRole::UserData,
        data_bearing: true,
        data_reason: String::new(),
        total_bytes: 1000,
        used_bytes: 0,
        used_fraction,
        durable_id: String::new(),
    }
}

/// The findings of one target, as severity, what, measured.
fn of_target(target: StorageTarget) -> Vec<(Severity, Problem, Measure)> {
    let findings = judge_metrics(&metrics(47, [target]), &Thresholds::default());
    findings.into_iter().map(|finding| (finding.severity, finding.what, finding.measured)).collect()
}

fn state(text: &str) -> Measure {
    Measure::State(text.into())
}

#[test]
fn a_thin_pool_is_judged_by_its_data_and_its_metadata_and_not_twice_as_a_target() {
    use {
        Measure::Number,
        Severity::{Critical, Warning},
    };
    assert_eq!(of_target(thin_pool("local-lvm", 0.79, Some(0.79))), []);
    assert_eq!(of_target(thin_pool("local-lvm", 0.85, None)), [(Warning, Problem::ThinPoolData, Number(0.85))]);
    assert_eq!(
        of_target(thin_pool("local-lvm", 0.1, Some(0.96))),
        [(Critical, Problem::ThinPoolMetadata, Number(0.96))]
    );
    assert_eq!(
        of_target(thin_pool("local-lvm", 0.97, Some(0.82))),
        [(Critical, Problem::ThinPoolData, Number(0.97)), (Warning, Problem::ThinPoolMetadata, Number(0.82))]
    );
}

#[test]
fn a_disk_that_says_that_it_fails_is_critical_and_an_unknown_verdict_is_none() {
    use Severity::{Critical, Warning};
    let of = |health| of_target(target("usb", 0.5, Smart { health, ..healthy() }));
    assert_eq!(of(SmartHealth::Failing), [(Critical, Problem::SmartHealth, state("FAILING"))]);
    assert_eq!(of(SmartHealth::Other("PREFAIL".into())), [(Warning, Problem::SmartHealth, state("PREFAIL"))]);
    for (word, severity) in
        [("FAILED!", Critical), ("FAILURE PREDICTION THRESHOLD EXCEEDED", Critical), ("NOT OK", Warning)]
    {
        assert_eq!(of(SmartHealth::Other(word.into())), [(severity, Problem::SmartHealth, state(word))]);
    }
    for word in ["OK", "UNKNOWN!"] {
        assert_eq!(of(SmartHealth::Other(word.into())), [], "{word}");
    }
    for health in [SmartHealth::Passed, SmartHealth::Unknown, SmartHealth::Other(String::new())] {
        assert_eq!(of(health), []);
    }
}

#[test]
fn wear_and_heat_are_judged_where_they_are_known() {
    use {
        Measure::Number,
        Severity::{Critical, Warning},
    };
    let of = |temperature_c, percentage_used| {
        of_target(target("local-nvme", 0.5, Smart { temperature_c, percentage_used, ..healthy() }))
    };
    assert_eq!(of(None, None), []);
    assert_eq!(of(Some(58), None), [(Warning, Problem::DiskHot, Number(58.0))]);
    assert_eq!(of(Some(70), None), [(Critical, Problem::DiskHot, Number(70.0))]);
    assert_eq!(of(None, Some(80)), [(Warning, Problem::DiskWorn, Number(80.0))]);
    assert_eq!(of(None, Some(104)), [(Critical, Problem::DiskWorn, Number(104.0))]);
}

#[test]
fn a_target_is_full_or_does_not_answer() {
    use {
        Measure::Number,
        Severity::{Critical, Warning},
    };
    assert_eq!(of_target(target("local-hdd", 0.9, healthy())), [(Warning, Problem::TargetFull, Number(0.9))]);
    assert_eq!(of_target(StorageTarget { total_bytes: 0, ..target("local-hdd", 1.0, healthy()) }), []);
    let away = || StorageTarget { reachable: false, state: "offline".into(), ..target("nfs", 0.99, healthy()) };
    assert_eq!(of_target(away()), [(Critical, Problem::Unreachable, state("offline"))]);
    let unnamed = StorageTarget { state: String::new(), ..away() };
    assert_eq!(of_target(unnamed), [(Critical, Problem::Unreachable, state("unreachable"))]);

    let failing = Smart { health: SmartHealth::Failing, temperature_c: Some(90), percentage_used: None };
    let found = of_target(StorageTarget { smart: failing, ..away() });
    let expected =
        [(Critical, Problem::SmartHealth, state("FAILING")), (Critical, Problem::Unreachable, state("offline"))];
    assert_eq!(found, expected, "the verdict holds, the temperature is an old one");
}

#[test]
fn the_host_is_judged_by_its_processor_and_its_root_file_system() {
    let mut full_and_hot = metrics(96, []);
    full_and_hot.host.disk_percent = 90.0;
    let found = judge_metrics(&full_and_hot, &Thresholds::default());
    let summary: Vec<_> = found.iter().map(|found| (found.severity, found.what, found.place.as_str())).collect();
    assert_eq!(
        summary,
        [(Severity::Warning, Problem::DiskFull, "pve (/)"), (Severity::Critical, Problem::CpuHot, "pve")]
    );
    full_and_hot.host.cpu_temp_c = None;
    full_and_hot.host.disk_total_bytes = 0;
    assert_eq!(judge_metrics(&full_and_hot, &Thresholds::default()), []);
}

#[test]
fn a_disk_is_full_if_its_size_is_known() {
    let unknown = Disk { total_bytes: 0, ..disk("b", 1.0) };
    let found = judge_disks(&[disk("a", 0.5), unknown, disk("c", 0.95)], &Thresholds::default());
    let summary: Vec<_> = found.iter().map(|found| (found.severity, found.place.as_str())).collect();
    assert_eq!(summary, [(Severity::Critical, "c (/dev/sdb1)")]);
}

#[test]
fn within_a_severity_the_kind_counts_and_then_the_number() {
    let disks = [disk("fuller", 0.99), disk("full", 0.96), disk("filling", 0.9)];
    let mut found = judge_disks(&disks, &Thresholds::default());
    found.extend(judge_metrics(&metrics(96, [thin_pool("local-lvm", 0.91, None)]), &Thresholds::default()));
    found.reverse();
    found.sort_by(Finding::most_urgent_first);
    let places: Vec<_> = found.iter().map(|found| found.place.as_str()).collect();
    assert_eq!(places, ["local-lvm", "fuller (/dev/sdb1)", "full (/dev/sdb1)", "pve", "filling (/dev/sdb1)"]);
}
