//! `agentapi storage`: what is mounted in the guest.

use agentapi_host::records::StorageView;

use crate::print::Output;
use crate::print::table::{Column, Table};
use crate::print::units::{count, yes_no};

/// Prints what is mounted in this guest.
pub(crate) fn show(view: &StorageView, output: Output, columns: Option<usize>) -> anyhow::Result<()> {
    Ok(output.show(view, |view| describe(view, columns))?)
}

fn describe(view: &StorageView, columns: Option<usize>) -> String {
    let StorageView { vmid, mounts } = view;
    if mounts.is_empty() {
        return format!("Nothing is mounted in guest {vmid}.\n");
    }
    let mut table = Table::new(&COLUMNS);
    for mount in mounts {
        let (class, backup) = (mount.class.as_str(), yes_no(mount.backup));
        table.row([&mount.key, &mount.storage, &mount.mount_point, class, backup].map(Into::into));
    }
    format!("Guest {vmid}: {}\n\n{}", count(mounts.len(), "mount"), table.render(columns))
}

const COLUMNS: [Column; 5] = [
    Column::value("KEY", 1),
    Column::value("STORAGE", 4),
    Column::value("MOUNTED AT", 2),
    Column::words("CLASS", 5),
    Column::words("IN BACKUP", 3),
];

#[cfg(test)]
mod tests {
    use agentapi_host::records::StorageView;

    use super::describe;

    #[test]
    fn no_mounts_are_said_in_words() {
        assert_eq!(describe(&StorageView { vmid: 7, mounts: vec![] }, None), "Nothing is mounted in guest 7.\n");
    }
}
