//! What an extension is given: as the argument itself, from a file, or from standard input.

use std::io::{Read, stdin};
use std::str::FromStr;
use std::{fs, io};

use anyhow::Context;
use serde_json::Value;

use crate::error::UsageError;

/// Where the input of an extension comes from.
///
/// | form | input |
/// | --- | --- |
/// | `@FILE` | what is in the file |
/// | `-` | what comes on standard input |
/// | anything else | itself |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputSource {
    Text(String),
    File(String),
    Stdin,
}

impl FromStr for InputSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix('@') {
            Some(file) => Self::File(file.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Text(text.into()),
        })
    }
}

impl InputSource {
    /// Reads the input, which must be JSON.
    pub(super) fn read(&self) -> anyhow::Result<String> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(file) => fs::read_to_string(file).with_context(|| format!("--input: {file} cannot be read"))?,
            Self::Stdin => read_stdin().context("--input: standard input cannot be read")?,
        };
        if let Err(error) = serde_json::from_str::<Value>(&text) {
            let from = match self {
                Self::Text(_) => String::new(),
                Self::File(file) => format!(" in {file}"),
                Self::Stdin => " on standard input".into(),
            };
            // serde_json says where, and quotes nothing of what is there.
            return Err(UsageError(format!("--input: expected JSON{from}, {error}")).into());
        }
        Ok(text)
    }
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    // More than the widest limit of an input, so that what is too much is told by the limit's name.
    stdin().take(MAX_INPUT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::InputSource;

    #[test]
    fn a_text_a_file_or_standard_input() {
        let parse = |text: &str| text.parse::<InputSource>().unwrap();
        assert_eq!(parse("{}"), InputSource::Text("{}".into()));
        assert_eq!(parse("@in.json"), InputSource::File("in.json".into()));
        assert_eq!(parse("-"), InputSource::Stdin);
        assert_eq!(parse("-1"), InputSource::Text("-1".into()));
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place_and_without_what_is_there() {
        let error = InputSource::Text("{\"token\": s3cret}".into()).read().unwrap_err().to_string();
        assert!(error.starts_with("--input: expected JSON, expected value at line 1 column 11"), "{error}");
        assert!(!error.contains("s3cret"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{").unwrap();
        let error = InputSource::File(file.path().display().to_string()).read().unwrap_err().to_string();
        assert!(error.contains(" in /") && error.contains("EOF"), "{error}");
        let error = InputSource::File("/nowhere".into()).read().unwrap_err().to_string();
        assert_eq!(error, "--input: /nowhere cannot be read");
    }
}
