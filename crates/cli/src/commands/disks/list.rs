//! `agentapi disks list`.

use agentapi_host::Agent;
use agentapi_host::records::{Disk, DiskList, DiskRole};
use anstyle::{AnsiColor, Style};

use crate::commands::disks::role::role_label;
use crate::print::Output;
use crate::print::table::Table;
use crate::print::units::{count, fraction, gib};

/// Prints every disk.
pub(super) async fn show(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.show(&agent.disks().await?, describe)?)
}

fn describe(list: &DiskList) -> String {
    let DiskList { vmid, disks } = list;
    if disks.is_empty() {
        return format!("Guest {vmid} has no disks.\n");
    }
    let mut table = Table::new(HEADINGS);
    for disk in disks {
        add_row(&mut table, disk);
    }
    let legend = if disks.iter().any(is_locked) { LEGEND } else { "" };
    format!("Guest {vmid}: {}\n\n{}{legend}", count(disks.len(), "disk"), table.render(&["SIZE", "USED"]))
}

fn is_locked(disk: &Disk) -> bool {
    matches!(disk.role, DiskRole::System | DiskRole::Backup)
}

fn add_row(table: &mut Table, disk: &Disk) {
    let data = match disk.data_reason.as_str() {
        _ if !disk.data_bearing => "none found",
        "" => "yes",
        reason => reason,
    };
    let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    table.row_in(
        if is_locked(disk) { yellow } else { Style::new() },
        [
            &disk.name,
            &disk.backing_device,
            &role_label(&disk.role),
            &disk.kind,
            &disk.state,
            &gib(disk.total_bytes),
            &fraction(disk.used_fraction),
            disk.class.as_str(),
            &disk.mount_path,
            data,
            &disk.durable_id,
        ],
    );
}

const HEADINGS: [&str; 11] =
    ["NAME", "DEVICE", "ROLE", "TYPE", "STATE", "SIZE", "USED", "CLASS", "MOUNTED AT", "DATA ON IT", "DURABLE ID"];
const LEGEND: &str = "\n🔒 locked: formatted only when the host's operator signs.\n";

#[cfg(test)]
mod tests {
    use agentapi_host::records::DiskList;

    use super::describe;

    #[test]
    fn no_disks_are_said_in_words() {
        assert_eq!(describe(&DiskList { vmid: 7, disks: vec![] }), "Guest 7 has no disks.\n");
    }
}
