//! A directory and files that nobody but this user can write to.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Creates a directory for this user alone, or checks the one that is there.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    check_private(&fs::metadata(dir)?)
}

/// Checks that something belongs to this user, that nobody else may write to it, and that it is no link: the target of
/// one may lie in a directory that others can write to.
pub(super) fn check_private(found: &Metadata) -> io::Result<()> {
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let (owner, user) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(io::Error::other(format!("expected it to belong to user {user}, found user {owner}")));
    }
    if found.mode() & OTHERS_MAY_WRITE != 0 {
        let mode = found.mode() & 0o777;
        return Err(io::Error::other(format!("expected that only its owner can write to it, found mode {mode:o}")));
    }
    if found.is_symlink() { Err(io::Error::other("expected a file, found a link")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::check_private;

    #[test]
    fn a_file_that_is_a_link_or_that_others_may_write_to_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("code");
        fs::write(&file, b"").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let checked = |file: &Path| check_private(&fs::symlink_metadata(file).unwrap()).map_err(|why| why.to_string());
        assert_eq!(checked(&file), Ok(()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
        assert_eq!(checked(&file), Err("expected that only its owner can write to it, found mode 622".into()));
        let link = dir.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(checked(&link).is_err());
    }
}
