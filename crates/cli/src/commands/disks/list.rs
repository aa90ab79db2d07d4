//! `agentapi disks list`.

use agentapi_findings::{Severity, Thresholds, judge_disk};
use agentapi_host::records::{Disk, DiskList, DiskRole};
use anstyle::Style;

use crate::commands::disks::role::role_label;
use crate::print::Output;
use crate::print::severity;
use crate::print::table::{Cell, Column, Table};
use crate::print::units::{count, fraction, if_known, size};

/// Prints every disk.
pub(super) fn show(list: &DiskList, output: Output, columns: Option<usize>) -> anyhow::Result<()> {
    Ok(output.show(list, |list| describe(list, columns))?)
}

fn describe(list: &DiskList, columns: Option<usize>) -> String {
    let DiskList { vmid, disks } = list;
    if disks.is_empty() {
        return format!("Guest {vmid} has no disks.\n");
    }
    let mut table = Table::new(&COLUMNS);
    for disk in disks {
        table.row(cells(disk));
    }
    let locks = if disks.iter().any(is_locked) { LOCKED } else { "" };
    let marks = if disks.iter().any(|disk| judge(disk).is_some()) { severity::LEGEND } else { "" };
    format!("Guest {vmid}: {}\n\n{}{locks}{marks}", count(disks.len(), "disk"), table.render(columns))
}

fn is_locked(disk: &Disk) -> bool {
    matches!(disk.role, DiskRole::System | DiskRole::Backup)
}

fn judge(disk: &Disk) -> Option<Severity> {
    Some(judge_disk(&disk.name, disk.total_bytes, disk.used_fraction, &Thresholds::default())?.severity)
}

fn cells(disk: &Disk) -> [Cell; 11] {
    let data = match disk.data_reason.as_str() {
        _ if !disk.data_bearing => "none found",
        "" => "yes",
        reason => reason,
    };
    let role = if is_locked(disk) { Style::new().bold() } else { Style::new() };
    let known = |text: &dyn Fn() -> String| if_known(disk.total_bytes, text);
    [
        (&disk.name).into(),
        (&disk.backing_device).into(),
        Cell::styled(&role_label(&disk.role), role),
        (&disk.kind).into(),
        (&disk.state).into(),
        known(&|| size(disk.total_bytes)).into(),
        Cell::judged(&known(&|| fraction(disk.used_fraction)), judge(disk)),
        disk.class.as_str().into(),
        (&disk.mount_path).into(),
        data.into(),
        (&disk.durable_id).into(),
    ]
}

const COLUMNS: [Column; 11] = [
    Column::value("NAME", 1),
    Column::value("DEVICE", 2),
    Column::words("ROLE", 3),
    Column::words("TYPE", 7),
    Column::words("STATE", 6),
    Column::number("SIZE", 4),
    Column::number("USED", 5),
    Column::words("CLASS", 8),
    Column::value("MOUNTED AT", 9),
    Column::words("DATA ON IT", 10),
    Column::value("DURABLE ID", 11),
];
const LOCKED: &str = "\n🔒 locked: formatted only when the host's operator signs.\n";

#[cfg(test)]
mod tests {
    use agentapi_host::records::{Disk, DiskList};

    use super::describe;

    #[test]
    fn no_disks_are_said_in_words() {
        assert_eq!(describe(&DiskList { vmid: 7, disks: vec![] }, None), "Guest 7 has no disks.\n");
    }

    #[test]
    fn a_size_that_is_not_known_is_a_question_mark_and_not_judged() {
        let unknown = Disk { name: "a".into(), total_bytes: 0, used_bytes: 7, used_fraction: 1.0, ..Disk::default() };
        let text = describe(&DiskList { vmid: 7, disks: vec![unknown] }, None);
        let row: Vec<_> = text.lines().nth(3).unwrap().split_whitespace().collect();
        assert_eq!(row, ["a", "-", "-", "-", "-", "?", "?", "-", "-", "none", "found", "-"]);
    }
}
