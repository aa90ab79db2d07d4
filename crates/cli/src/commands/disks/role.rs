//! How the role of a disk is shown.

use agentapi_host::records::DiskRole;

/// A role in words, with a lock on the disks that only the host's operator can have formatted.
pub(crate) fn role_label(role: &DiskRole) -> String {
    match role {
        DiskRole::System => "🔒 system (locked)".into(),
        DiskRole::Backup => "🔒 backup (locked)".into(),
        DiskRole::UserData => "user data".into(),
        DiskRole::Other(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::DiskRole;

    use super::role_label;

    #[test]
    fn only_system_and_backup_disks_have_a_lock() {
        let cases = [
            (DiskRole::System, true),
            (DiskRole::Backup, true),
            (DiskRole::UserData, false),
            (DiskRole::Other("cache".into()), false),
        ];
        for (role, is_locked) in cases {
            let label = role_label(&role);
            assert_eq!((label.contains('🔒'), label.contains("(locked)")), (is_locked, is_locked), "{label}");
        }
    }
}
