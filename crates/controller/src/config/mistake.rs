//! A mistake in the configuration: where it is, and what was expected. All of them are collected, so that nobody mends one
//! to be told of the next.

use std::fmt;
use std::path::PathBuf;

use agentapi_contract::visible;

/// One mistake. It never holds a value that may be a secret: those that are printed are of kinds that no secret has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1; none where the file itself is at fault, or a key that is not in it.
    pub place: Option<Place>,
    /// The key with its table, such as `backup.window`; empty where it is none.
    pub key: String,
    /// What was expected and what was found.
    pub text: String,
}

/// A place in a text: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// Of the byte at this offset.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

impl fmt::Display for Mistake {
    /// As compilers do, so that editors find the place: `controller.toml:3:1: backup.window: expected ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", visible(&self.key))?;
        }
        write!(f, " {}", visible(&self.text))
    }
}

impl std::error::Error for Mistake {}

/// The known key that is nearest to one that is not known, if it is near enough to be meant.
pub(super) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong, and two of a short word.
    let most = (found.len() / 3).max(2);
    let distances = known.into_iter().map(|key| (strsim::osa_distance(found, key), key));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "a = 1\nß = 2\r\nend";
        for (offset, line, column) in [(0, 1, 1), (4, 1, 5), (6, 2, 1), (9, 2, 3), (14, 3, 1), (17, 3, 4), (99, 3, 4)] {
            assert_eq!(Place::of(text, offset), Place { line, column }, "{offset}");
        }
    }

    #[test]
    fn the_nearest_key_is_named_if_it_may_be_meant() {
        let known = ["endpoint", "fingerprints", "token_file"];
        for (found, expected) in [
            ("endpiont", Some("endpoint")),
            ("fingerprint", Some("fingerprints")),
            ("tokenfile", Some("token_file")),
            ("end", None),
            ("x", None),
        ] {
            assert_eq!(nearest(found, known), expected, "{found}");
        }
    }
}
