//! Reads the tables of the file. A key is known because it is asked for, so no list of keys can fall behind; what was not
//! asked for when a table is [finished](Section::finish) is a mistake.
//!
//! Not by serde: it ends at the first mistake, and an operator who changes ten keys wants to see all that is wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use agentapi_host::error_chain;
use agentapi_host::quiesce::{Program, ProgramsError};
use agentapi_registry::signature::PublicKey;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Place, nearest};
use crate::schedule::parse_period;

/// What is gathered while a file is read.
pub(super) struct Notes<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
    places: RefCell<BTreeMap<String, Place>>,
    files: RefCell<Vec<PathBuf>>,
}

/// A table of the file.
pub(super) struct Section<'a> {
    notes: &'a Notes<'a>,
    /// As in the file, such as `extension.limits`; empty for the file itself.
    name: String,
    /// The file's own table has no place.
    span: Option<Range<usize>>,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let (mistakes, places, files) = Default::default();
        Self { file, text, mistakes, places, files }
    }

    pub(super) fn add(&self, span: Option<Range<usize>>, key: String, text: String) {
        let place = span.map(|span| Place::of(self.text, span.start));
        self.mistakes.borrow_mut().push(Mistake { file: self.file.to_owned(), place, key, text });
    }

    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    /// In the order of the file.
    pub(super) fn into_parts(self) -> (Vec<Mistake>, BTreeMap<String, Place>, Vec<PathBuf>) {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by(|a, b| (a.place, &a.key).cmp(&(b.place, &b.key)));
        (mistakes, self.places.into_inner(), self.files.into_inner())
    }
}

impl<'a> Section<'a> {
    pub(super) fn root(notes: &'a Notes<'a>, table: &'a DeTable<'a>) -> Self {
        Self { notes, name: String::new(), span: None, table, asked: RefCell::default() }
    }

    /// Adds a mistake at a key, or at the table if the key is not there.
    pub(super) fn mistake(&self, key: &str, text: impl Display) {
        let span = self.table.get(key).map(Spanned::span).or_else(|| self.span.clone());
        self.notes.add(span, self.path(key), text.to_string());
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text as it is.
    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.value(key, "text", |value| value.as_str())
    }

    /// A text that is parsed, with the parser's own words for what is wrong.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<T> {
        self.checked(key, self.text(key)?.parse())
    }

    /// The value, or its mistake at this key.
    pub(super) fn checked<T>(&self, key: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|error| self.mistake(key, error)).ok()
    }

    /// One of these texts.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let found = self.text(key)?;
        let choice = choices.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
        if choice.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            self.mistake(key, format!("expected {}, found {found:?}", names.join(" or ")));
        }
        choice
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.value(key, "true or false", |value| value.as_bool())
    }

    /// A whole number, not negative.
    pub(super) fn number(&self, key: &'static str) -> Option<u64> {
        let integer = self.value(key, "a whole number", |value| value.as_integer())?;
        let number = u64::from_str_radix(integer.as_str(), integer.radix());
        self.checked(key, number.map_err(|_| "expected a whole number from 0 to 18446744073709551615"))
    }

    /// A duration that is not zero.
    pub(super) fn period(&self, key: &'static str) -> Option<Duration> {
        let text = self.value(key, "a duration such as \"10m\"", |value| value.as_str())?;
        let period = self.checked(key, parse_period(text))?;
        let wrong = format!("expected more than nothing, found {text:?}");
        self.checked(key, Some(period).filter(|period| !period.is_zero()).ok_or(wrong))
    }

    /// A path; a relative one is in the folder of the file.
    pub(super) fn path_of(&self, key: &'static str) -> Option<PathBuf> {
        let path = self.text(key)?;
        if path.is_empty() {
            self.mistake(key, "expected a path, found an empty text");
            return None;
        }
        Some(self.notes.file.parent().unwrap_or(Path::new("")).join(path))
    }

    /// A file that must be there. It is watched: when it changes, the configuration is read again.
    pub(super) fn file(&self, key: &'static str) -> Option<PathBuf> {
        let path = self.path_of(key)?;
        self.watch(&path);
        // Its name is not printed: somebody may have given a secret in its place.
        let found = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => return Some(path),
            Ok(_) => "something else".to_owned(),
            Err(error) => error.to_string(),
        };
        self.mistake(key, format!("expected a file that can be read, found: {found}"));
        None
    }

    /// A command line. Its words are not printed: they may hold a password.
    pub(super) fn program(&self, key: &'static str) -> Option<Program> {
        let program = Program::parse(self.text(key)?);
        self.checked(
            key,
            program.map_err(|error| match error {
                ProgramsError::Unreadable(_) => "expected a command line, found one with an open quote",
                _ => "expected a program to run, found none",
            }),
        )
    }

    /// Whether a key is not there, or has no mistake noted.
    pub(super) fn is_right(&self, key: &str) -> bool {
        let path = self.path(key);
        !self.notes.mistakes.borrow().iter().any(|mistake| mistake.key == path)
    }

    /// Has this file watched.
    pub(super) fn watch(&self, path: &Path) {
        self.notes.files.borrow_mut().push(path.to_owned());
    }

    /// A list of texts, each with its own mistakes.
    pub(super) fn list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let array = self.value(key, "a list of texts", |value| value.as_array())?;
        let mut list = Vec::new();
        for value in array {
            let text = value.get_ref().as_str().ok_or_else(|| wrong_kind("text", value.get_ref()));
            match text.and_then(&parse) {
                Ok(item) => list.push(item),
                Err(text) => self.notes.add(Some(value.span()), self.path(key), text),
            }
        }
        (list.len() == array.len()).then_some(list)
    }

    /// A public key that signs extensions: itself, or the file that has it, which is watched.
    pub(super) fn public_key(&self, text: &str) -> Result<PublicKey, String> {
        let folder = self.notes.file.parent().unwrap_or(Path::new(""));
        if text.parse::<PublicKey>().is_err() {
            self.watch(&folder.join(text));
        }
        PublicKey::from_text_or_file(text, folder).map_err(|error| error_chain(&error))
    }

    /// Any table, for what is not ours.
    pub(super) fn table(&self, key: &'static str) -> Option<&'a DeTable<'a>> {
        self.value(key, "a table", |value| value.as_table())
    }

    /// The table with this name.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let table = self.table(key)?;
        Some(Section::new(self.notes, self.path(key), self.key_span(key), table))
    }

    /// The tables in the table with this name, each with a name that the operator has chosen.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let Some(table) = self.table(key) else { return Vec::new() };
        let sections = table.iter().filter_map(|(name, value)| {
            let path = format!("{}.{}", self.path(key), name.get_ref());
            let Some(inner) = value.get_ref().as_table() else {
                self.notes.add(Some(value.span()), path, wrong_kind("a table", value.get_ref()));
                return None;
            };
            Some((name.get_ref().to_string(), Section::new(self.notes, path, Some(name.span()), inner)))
        });
        sections.collect()
    }

    /// The tables with this name, written `[[name]]` or as a list; none where the key is not there.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(array) = self.value(key, "a list of tables", |value| value.as_array()) else { return Vec::new() };
        let sections = array.iter().filter_map(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.notes.add(Some(value.span()), self.path(key), wrong_kind("a table", value.get_ref()));
            }
            Some(Section::new(self.notes, self.path(key), Some(value.span()), table?))
        });
        sections.collect()
    }

    /// Adds a mistake if the key is not there.
    pub(super) fn require(&self, key: &'static str, expected: &str) {
        if !self.has(key) {
            self.mistake(key, format!("expected {expected}, found none"));
        }
    }

    /// Adds a mistake for each key that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !asked.contains(&key.get_ref().as_ref())) {
            let known = nearest(key.get_ref(), asked.iter().copied());
            let hint = known
                .map_or_else(|| format!("there are {}", asked.join(", ")), |known| format!("did you mean {known}?"));
            self.notes.add(Some(key.span()), self.path(key.get_ref()), format!("unknown key; {hint}"));
        }
    }

    fn new(notes: &'a Notes<'a>, name: String, span: Option<Range<usize>>, table: &'a DeTable<'a>) -> Self {
        Self { notes, name, span, table, asked: RefCell::default() }
    }

    fn value<T>(
        &self,
        key: &'static str,
        expected: &str,
        take: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        let value = self.table.get(key)?;
        let place = Place::of(self.notes.text, value.span().start);
        self.notes.places.borrow_mut().insert(self.path(key), place);
        let taken = take(value.get_ref());
        if taken.is_none() {
            self.mistake(key, wrong_kind(expected, value.get_ref()));
        }
        taken
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    fn path(&self, key: &str) -> String {
        let dot = if self.name.is_empty() || key.is_empty() { "" } else { "." };
        format!("{}{dot}{key}", self.name)
    }
}

fn wrong_kind(expected: &str, found: &DeValue<'_>) -> String {
    format!(
        "expected {expected}, found {}",
        match found {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    )
}
