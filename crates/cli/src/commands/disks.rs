//! `agentapi disks list|assign|eject`.

pub(crate) mod format;

use agentapi_host::Agent;
use agentapi_host::records::{AssignRequest, Disk, DiskList, DiskRole, EjectResult};
use anstyle::{AnsiColor, Style};

use crate::arguments::AssignArgs;
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::Table;
use crate::print::units::{count, fraction, gib};

/// Prints every disk.
pub(crate) async fn list(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.print(&agent.disks().await?, describe_list)?)
}

/// Mounts a disk.
pub(crate) async fn assign(agent: &Agent, output: Output, assign: AssignArgs) -> anyhow::Result<()> {
    // A durable id is taken too: it is what the list shows.
    let uuid = agent.fs_uuid(&assign.uuid).await?.unwrap_or(assign.uuid);
    let AssignArgs { mount_at, fstype, options, .. } = assign;
    let request = AssignRequest { uuid, mount_path: mount_at, fstype, options };
    agent.assign_disk(&request).await?;
    // The agent answers an assignment with nothing, which is null for programs.
    Ok(output.print(&(), |()| format!("Assigned {} to {}.\n", visible(&request.uuid), visible(&request.mount_path)))?)
}

/// Unmounts a disk.
pub(crate) async fn eject(agent: &Agent, output: Output, mounted_at: &str) -> anyhow::Result<()> {
    Ok(output.print(&agent.eject_disk(mounted_at).await?, describe_ejected)?)
}

/// What a role is called, with a lock where only the operator has the disk formatted.
pub(crate) fn role(role: &DiskRole) -> String {
    match role {
        DiskRole::System => "🔒 system (locked)".into(),
        DiskRole::Backup => "🔒 backup (locked)".into(),
        DiskRole::UserData => "user data".into(),
        DiskRole::Other(text) => text.clone(),
    }
}

fn describe_list(list: &DiskList) -> String {
    let DiskList { vmid, disks } = list;
    if disks.is_empty() {
        return format!("Guest {vmid} has no disks.\n");
    }
    let mut table = Table::new(HEADINGS);
    for disk in disks {
        add(&mut table, disk);
    }
    let is_locked = |disk: &Disk| matches!(disk.role, DiskRole::System | DiskRole::Backup);
    let legend = if disks.iter().any(is_locked) { LEGEND } else { "" };
    format!("Guest {vmid}: {}\n\n{}{legend}", count(disks.len(), "disk"), table.render(&["SIZE", "USED"]))
}

fn add(table: &mut Table, disk: &Disk) {
    let data = match disk.data_reason.as_str() {
        _ if !disk.data_bearing => "none found",
        "" => "yes",
        reason => reason,
    };
    let style = match disk.role {
        DiskRole::System | DiskRole::Backup => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        DiskRole::UserData | DiskRole::Other(_) => Style::new(),
    };
    table.row_in(
        style,
        [
            &disk.name,
            &disk.backing_device,
            &role(&disk.role),
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

fn describe_ejected(result: &EjectResult) -> String {
    let guests: Vec<_> = result.dependent_guests.iter().map(i64::to_string).collect();
    let used = match guests.as_slice() {
        [] => String::new(),
        guests => format!(" Guests that used it: {}.", guests.join(", ")),
    };
    format!("Ejected {}.{used}\n", visible(&result.ejected))
}

const HEADINGS: [&str; 11] =
    ["NAME", "DEVICE", "ROLE", "TYPE", "STATE", "SIZE", "USED", "CLASS", "MOUNTED AT", "DATA ON IT", "DURABLE ID"];
const LEGEND: &str = "\n🔒 locked: formatted only when the host's operator signs.\n";

#[cfg(test)]
mod tests {
    use agentapi_host::records::{DiskList, DiskRole, EjectResult};

    use super::{describe_ejected, describe_list, role};

    #[test]
    fn no_disks_are_said_in_words() {
        assert_eq!(describe_list(&DiskList { vmid: 7, disks: vec![] }), "Guest 7 has no disks.\n");
    }

    #[test]
    fn only_system_and_backup_disks_have_a_lock() {
        let cases = [
            (DiskRole::System, true),
            (DiskRole::Backup, true),
            (DiskRole::UserData, false),
            (DiskRole::Other("cache".into()), false),
        ];
        for (of, is_locked) in cases {
            let text = role(&of);
            assert_eq!((text.contains('🔒'), text.contains("(locked)")), (is_locked, is_locked), "{text}");
        }
    }

    #[test]
    fn an_ejected_disk_is_named_with_the_guests_that_used_it() {
        let say = |dependent_guests| describe_ejected(&EjectResult { vmid: 7, ejected: "/a".into(), dependent_guests });
        assert_eq!(say(vec![]), "Ejected /a.\n");
        assert_eq!(say(vec![101, 104]), "Ejected /a. Guests that used it: 101, 104.\n");
    }
}
