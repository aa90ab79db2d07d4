//! The file of allowed signers, in the format that ssh-keygen(1) describes: each line has principals, options, and a key.
//!
//! | option | here |
//! | --- | --- |
//! | `namespaces="..."` | the key signs in these only |
//! | `valid-after="..."`, `valid-before="..."` | the key counts then only, by the guest's clock |
//! | `cert-authority` | a mistake: certificates are not looked at |
//!
//! Names and namespaces are lists of patterns, as everywhere in OpenSSH: `*`, `?`, and `!` for what is not meant.

mod line;
mod pattern;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use agentapi_host::error_chain;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ssh_key::public::KeyData;

use crate::signed::Refusal;
use line::Line;

/// Who may sign. With nobody in it by default.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners(Vec<Line>);

/// Why the file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignersError {
    /// It cannot be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line is wrong. One wrong line makes the whole file unusable: it may be one that was to take a key away.
    #[error("{}:{line}: {text}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was expected and what was found.
        text: String,
    },
}

impl AllowedSigners {
    /// Of the file in the configuration; nobody without one.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSigners`].
    pub(crate) fn of(file: Option<&Path>) -> Result<Self, Refusal> {
        let read = file.map(Self::read).transpose();
        Ok(read.map_err(|why| Refusal::NoSigners(error_chain(&why)))?.unwrap_or_default())
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`SignersError`].
    pub fn read(file: &Path) -> Result<Self, SignersError> {
        let unreadable = |source| SignersError::Unreadable { file: file.to_owned(), source };
        let text = fs::read_to_string(file).map_err(unreadable)?;
        let wrong = |(line, text)| SignersError::Line { file: file.to_owned(), line, text };
        Self::parse(&text, &TimeZone::system()).map_err(wrong)
    }

    /// Parses the text of a file. Times without a `Z` are in `zone`.
    ///
    /// # Errors
    ///
    /// The first line that is wrong, from 1, and what was expected there.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, (usize, String)> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| Line::parse(line, zone).map_err(|why| (number, why)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a key is in it, for anything.
    pub fn has(&self, key: &KeyData) -> bool {
        self.0.iter().any(|line| line.key == *key)
    }

    /// Whether a key may sign in a namespace as `name` at that time.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongNamespace`] where it may sign as `name`, but not in that namespace.
    pub(super) fn may_sign(
        &self,
        key: &KeyData,
        name: &str,
        namespace: &'static str,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let is_for = |line: &&Line| line.key == *key && line.principals.matches(name) && line.is_valid_at(now);
        let mut lines = self.0.iter().filter(is_for).peekable();
        if lines.peek().is_none() {
            return Ok(false);
        }
        let mut others = Vec::new();
        for line in lines {
            match &line.namespaces {
                Some(namespaces) if !namespaces.matches(namespace) => others.push(namespaces.to_string()),
                _ => return Ok(true),
            }
        }
        Err(Refusal::WrongNamespace { expected: namespace, found: format!("a key for {} alone", others.join(",")) })
    }
}

#[cfg(test)]
mod tests;
