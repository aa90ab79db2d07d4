//! `agentapi storage`: what is mounted in the guest.

use agentapi_host::Agent;
use agentapi_host::records::StorageView;

use crate::print::Output;
use crate::print::table::Table;
use crate::print::units::{count, yes_no};

/// Prints what is mounted in this guest.
pub(crate) async fn show(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.show(&agent.storage().await?, describe)?)
}

fn describe(view: &StorageView) -> String {
    let StorageView { vmid, mounts } = view;
    if mounts.is_empty() {
        return format!("Nothing is mounted in guest {vmid}.\n");
    }
    let mut table = Table::new(["KEY", "STORAGE", "MOUNTED AT", "CLASS", "IN BACKUP"]);
    for mount in mounts {
        table.row([&mount.key, &mount.storage, &mount.mount_point, mount.class.as_str(), yes_no(mount.backup)]);
    }
    format!("Guest {vmid}: {}\n\n{}", count(mounts.len(), "mount"), table.render(&[]))
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::StorageView;

    use super::describe;

    #[test]
    fn no_mounts_are_said_in_words() {
        assert_eq!(describe(&StorageView { vmid: 7, mounts: vec![] }), "Nothing is mounted in guest 7.\n");
    }
}
