//! Where the journal of freezes is, read before anything else.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::places::DEFAULT_STATE;

/// The journal that this file names, whatever else is wrong with the file: what was left frozen must not wait until somebody
/// has mended the configuration. The default one where it names none or cannot be read.
pub fn journal_of(file: &Path) -> PathBuf {
    let text = fs::read_to_string(file).unwrap_or_default();
    let (document, _) = DeTable::parse_recoverable(&text);
    let named = |table: &str, key: &str| {
        let DeValue::Table(table) = document.get_ref().get(table)?.get_ref() else { return None };
        let DeValue::String(path) = table.get(key)?.get_ref() else { return None };
        Some(file.parent().unwrap_or(Path::new("")).join(path.as_ref()))
    };
    let in_state = || named("state", "folder").unwrap_or_else(|| DEFAULT_STATE.into()).join(FILE);
    named("quiesce", "journal").unwrap_or_else(in_state)
}

/// Its name in the state's folder.
pub(super) const FILE: &str = "freeze.journal";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::journal_of;

    #[test]
    fn it_is_found_whatever_else_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("controller.toml");
        for (text, journal) in [
            ("", Path::new("/var/lib/agentapi/freeze.journal").to_owned()),
            ("[state]\nfolder = \"/srv/state\"\n[agent", "/srv/state/freeze.journal".into()),
            ("[state]\nfolder = \"state\"", folder.path().join("state/freeze.journal")),
            ("nonsense = @\n[quiesce]\njournal = \"j\"", folder.path().join("j")),
            ("[quiesce]\njournal = 7", "/var/lib/agentapi/freeze.journal".into()),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(journal_of(&file), journal, "{text}");
        }
        assert_eq!(journal_of(&folder.path().join("none")), Path::new("/var/lib/agentapi/freeze.journal"));
    }
}
