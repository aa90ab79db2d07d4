//! `[secrets]`: names for files that hold secrets, so that what uses one says which and not where it is.
//!
//! | form | the secret is in |
//! | --- | --- |
//! | `NAME = { file = ".." }` | this file |
//! | `NAME = { credential = ".." }` | the credential of this name that systemd hands to the service |
//!
//! They are used by name, in `[[notify]]`, and read each time. No extension is given one, and none is printed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::section::Section;
use super::{Surroundings, check_name};

/// The files by name. None of one with a mistake, so that its use is not told as another.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, Option<PathBuf>>);

impl Secrets {
    pub(super) fn check(sections: Vec<(String, Section<'_>)>, surroundings: &Surroundings) -> Self {
        let checked = sections.into_iter().map(|(name, section)| {
            let file = check_one(&name, &section, surroundings);
            section.finish();
            (name, file)
        });
        Self(checked.collect())
    }

    /// The files. None with a mistake.
    pub(super) fn files(&self) -> Option<BTreeMap<String, PathBuf>> {
        self.0.iter().map(|(name, file)| Some((name.clone(), file.clone()?))).collect()
    }

    /// The secret that a table names in one of these two ways; `Some(None)` where it names none.
    pub(super) fn named_in(
        &self,
        section: &Section<'_>,
        file_key: &'static str,
        name_key: &'static str,
    ) -> Option<Option<PathBuf>> {
        let (file, name) = (section.file(file_key), section.text(name_key));
        match (section.has(file_key), section.has(name_key)) {
            (false, false) => Some(None),
            (true, false) => file.map(Some),
            (false, true) => self.file(section, name_key, name?).map(Some),
            (true, true) => {
                section.mistake(name_key, format!("expected {file_key} or {name_key}, found both"));
                None
            }
        }
    }

    fn file(&self, section: &Section<'_>, key: &str, name: &str) -> Option<PathBuf> {
        if let Some(file) = self.0.get(name) {
            return file.clone();
        }
        // What was found is not printed: somebody may have given the secret in the place of its name.
        let names: Vec<_> = self.0.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "is empty".to_owned() } else { format!("has {}", names.join(", ")) };
        section.mistake(key, format!("expected the name of a secret in [secrets], which {there}; found another"));
        None
    }
}

fn check_one(name: &str, section: &Section<'_>, surroundings: &Surroundings) -> Option<PathBuf> {
    let is_named_well = check_name(name).map_err(|why| section.mistake("", why)).is_ok();
    let (file, credential) = (section.file("file"), section.text("credential"));
    let found = match (section.has("file"), section.has("credential")) {
        (true, false) => file,
        (false, true) => credential_file(section, credential?, surroundings),
        (has_both, _) => {
            let found = if has_both { "both" } else { "neither" };
            section.mistake("", format!("expected file or credential, found {found}"));
            None
        }
    };
    found.filter(|_| is_named_well)
}

fn credential_file(section: &Section<'_>, name: &str, surroundings: &Surroundings) -> Option<PathBuf> {
    let name = section.checked("credential", check_name(name))?;
    let Some(folder) = &surroundings.credentials else {
        section.mistake("credential", "expected to be started by systemd with LoadCredential=, found no credentials");
        return None;
    };
    let file = folder.join(name);
    section.watch(&file);
    if !file.is_file() {
        section.mistake("credential", "expected a credential that systemd has handed over, found none of this name");
        return None;
    }
    Some(file)
}
