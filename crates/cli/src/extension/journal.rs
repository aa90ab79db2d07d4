//! The default place of the freeze journal.

use std::env;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::process::directories::{BaseDirectory, base_directory};

/// The journal in the user's state directory, which is created if it is missing. One for all runs of this user, so that
/// two of them cannot freeze the same applications at once.
pub(super) fn journal_of_this_user() -> anyhow::Result<PathBuf> {
    let journal = default_journal()?;
    let dir = journal.parent().unwrap_or(Path::new("."));
    // mkdir(2) waits on a frozen file system even for a directory that exists, and what is frozen may be this one: the
    // recovery that thaws it needs the journal first.
    if dir.is_dir() {
        return Ok(journal);
    }
    let mut builder = DirBuilder::new();
    // The journal names programs and their failures, which are nobody else's business.
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    Ok(journal)
}

/// Where that journal is, if there is one.
pub(crate) fn default_journal() -> anyhow::Result<PathBuf> {
    journal_in_state(|name| env::var_os(name)).context("neither XDG_STATE_HOME nor HOME is set")
}

fn journal_in_state(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base_directory(BaseDirectory::State, variable).map(|states| states.join("agentapi/quiesce.jsonl"))
}

#[cfg(test)]
mod tests {
    use super::journal_in_state;

    #[test]
    fn the_journal_is_where_the_platform_keeps_state() {
        let found = |variables: &[(&str, &str)]| {
            journal_in_state(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        let home = ("HOME", "/home/me");
        assert_eq!(found(&[("XDG_STATE_HOME", "/states"), home]), Some("/states/agentapi/quiesce.jsonl".into()));
        let default = Some("/home/me/.local/state/agentapi/quiesce.jsonl".into());
        assert_eq!(found(&[("XDG_STATE_HOME", "relative"), home]), default);
        assert_eq!(found(&[]), None);
    }
}
