//! What is a finding, what is its text, and what it makes of the status.

use agentapi_host::records::{Disk, HostStatus, Smart, SmartHealth, ThinPool};
use anstream::adapter::strip_str;

use super::*;

fn well() -> Look {
    let target = StorageTarget { name: "pool".into(), reachable: true, total_bytes: 1, ..StorageTarget::default() };
    let host = HostStatus { node: "pve".into(), ..HostStatus::default() };
    Look {
        storage: Ok(StorageView { vmid: 7, mounts: vec![] }),
        due: Ok(BackupDue { vmid: 7, due: false, reason: "2 h ago".into() }),
        status: Ok(BackupStatus { vmid: 7, phase: BackupPhase::Done, job_id: "bk".into(), error: String::new() }),
        disks: Ok(DiskList { vmid: 7, disks: vec![Disk { total_bytes: 1, ..Disk::default() }] }),
        metrics: Ok(MetricsView { vmid: 7, host, storage_targets: vec![target] }),
    }
}

fn text(look: &Look) -> String {
    strip_str(&Report::of(look).text(None)).to_string()
}

#[test]
fn where_all_is_well_it_is_ok_and_says_what_was_looked_at() {
    let report = Report::of(&well());
    assert_eq!(report.status(), CheckStatus::Ok);
    assert_eq!(text(&well()), "OK - guest 7 on pve: 0 mounts, 1 disk, 1 storage target, no backup due\n");
}

#[test]
fn what_is_critical_comes_first_and_gives_the_status() {
    let mut look = well();
    look.due = Ok(BackupDue { vmid: 7, due: true, reason: "26h ago".into() });
    if let Ok(metrics) = &mut look.metrics {
        let target = &mut metrics.storage_targets[0];
        target.thin_pool = Some(ThinPool { data_used_fraction: 0.97, metadata_used_fraction: None });
        target.smart = Smart { health: SmartHealth::Passed, temperature_c: Some(78), percentage_used: Some(99) };
    }
    let expected = "\
CRITICAL - 2 critical, 2 warning: pool: data of the thin pool used: 97.0% (from 90.0% on)
critical  pool: data of the thin pool used: 97.0% (from 90.0% on)
critical  pool: disk at 78 °C (from 65 °C on)
warning   pool: rated life of the disk used: 99% (from 80% on)
warning   a backup of guest 7 is due: 26h ago
";
    assert_eq!(text(&look), expected);
    assert_eq!(Report::of(&look).status(), CheckStatus::Critical);
}

#[test]
fn a_backup_that_failed_is_critical_and_one_that_runs_is_not_due() {
    let with = |phase, due| {
        let mut look = well();
        look.status = Ok(BackupStatus { vmid: 7, phase, job_id: "bk".into(), error: "no space".into() });
        look.due = Ok(BackupDue { vmid: 7, due, reason: String::new() });
        text(&look)
    };
    assert_eq!(with(BackupPhase::Failed, false), "CRITICAL - backup bk of guest 7 failed: no space\n");
    assert!(with(BackupPhase::Running, true).starts_with("OK - "));
    assert!(with(BackupPhase::Done, true).starts_with("WARNING - a backup of guest 7 is due\n"));
    assert!(with(BackupPhase::Other("paused".into()), false).starts_with("UNKNOWN - backup bk of guest 7 is in"));
}

#[test]
fn a_request_that_fails_is_unknown_and_hides_neither_the_others_nor_what_is_worse() {
    let mut look = well();
    look.disks = Err(Error::Agent("down".into()));
    assert_eq!(Report::of(&look).status(), CheckStatus::Unknown);
    look.due = Ok(BackupDue { vmid: 7, due: true, reason: String::new() });
    assert_eq!(Report::of(&look).status(), CheckStatus::Warning);
    assert!(text(&look).starts_with("WARNING - 1 warning, 1 unknown: "));
    look.storage = Err(Error::Agent("down".into()));
    assert_eq!(Report::of(&look).findings.len(), 2, "the same reason is said once");
}

#[test]
fn a_text_of_the_agent_can_neither_begin_a_line_nor_the_figures_for_graphs() {
    let mut look = well();
    look.due = Ok(BackupDue { vmid: 7, due: true, reason: "a|b\nOK - \u{1b}[2Jc".into() });
    assert!(text(&look).ends_with("is due: a\\u{7c}b; OK - \\u{1b}[2Jc\n"), "{}", text(&look));
}

#[test]
fn json_has_the_measure_and_the_threshold() {
    let mut look = well();
    if let Ok(disks) = &mut look.disks {
        disks.disks[0] = Disk { name: "a".into(), total_bytes: 1, used_fraction: 0.9, ..Disk::default() };
    }
    let json = serde_json::to_value(Report::of(&look)).unwrap();
    let finding = serde_json::json!({
        "severity": "warning", "what": "disk-full", "where": "a ()", "text": "a (): used: 90.0% (from 85.0% on)",
        "measured": 0.9, "threshold": 0.85,
    });
    assert_eq!((&json["status"], &json["findings"][0]), (&"warning".into(), &finding));
}
