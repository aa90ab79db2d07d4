//! One line of the file.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, PublicKey};

use super::pattern::Patterns;

/// A key, and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) principals: Patterns,
    pub(super) key: KeyData,
    /// All, where there are none.
    pub(super) namespaces: Option<Patterns>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Line {
    /// Parses a line that is neither empty nor a comment. The error says what was expected.
    pub(super) fn parse(line: &str, zone: &TimeZone) -> Result<Self, String> {
        let (principals, rest) = word(line)?;
        let principals = Patterns::new(&unquoted(principals));
        let of_key = |key| Self { principals, key, namespaces: None, valid_after: None, valid_before: None };
        let why = match key(rest) {
            Ok(key) => return Ok(of_key(key)),
            Err(why) => why,
        };
        // No kind of key has a '=' in its name, and each option but one.
        let (options, rest) = word(rest)?;
        if !options.contains('=') && options != "cert-authority" {
            return Err(why);
        }
        let mut line = of_key(key(rest)?);
        for option in split_options(options) {
            line.set(option, zone)?;
        }
        Ok(line)
    }

    fn set(&mut self, option: &str, zone: &TimeZone) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = unquoted(value);
        match name.to_ascii_lowercase().as_str() {
            "namespaces" if self.namespaces.is_none() && !value.is_empty() => {
                self.namespaces = Some(Patterns::new(&value));
            }
            "valid-after" if self.valid_after.is_none() => self.valid_after = Some(time(&value, zone)?),
            "valid-before" if self.valid_before.is_none() => self.valid_before = Some(time(&value, zone)?),
            "cert-authority" => return Err("expected a key that signs itself, found a cert-authority".into()),
            _ => {
                return Err(format!("expected namespaces, valid-after and valid-before, each once, found {option:?}"));
            }
        }
        if self.valid_after.zip(self.valid_before).is_some_and(|(after, before)| after >= before) {
            return Err("expected a valid-after before valid-before".into());
        }
        Ok(())
    }

    pub(super) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid_after.is_none_or(|after| now >= after) && self.valid_before.is_none_or(|before| now <= before)
    }
}

/// The first word, which may have quoted parts, and what follows it.
fn word(text: &str) -> Result<(&str, &str), String> {
    let mut is_quoted = false;
    let end = text.char_indices().find(|(_, char)| {
        is_quoted ^= *char == '"';
        !is_quoted && char.is_ascii_whitespace()
    });
    if end.is_none() && is_quoted {
        return Err("expected a second '\"'".into());
    }
    let (word, rest) = text.split_at(end.map_or(text.len(), |(end, _)| end));
    Ok((word, rest.trim_start()))
}

fn split_options(options: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    options.split(move |char| {
        is_quoted ^= char == '"';
        !is_quoted && char == ','
    })
}

fn unquoted(text: &str) -> String {
    text.replace('"', "")
}

fn key(text: &str) -> Result<KeyData, String> {
    let found = text.split_ascii_whitespace().next().unwrap_or("nothing");
    let wrong =
        |why: String| format!("expected principals, options, and a key as in a .pub file, found {found:?}: {why}");
    let key = PublicKey::from_openssh(text).map_err(|why| wrong(why.to_string()))?;
    match key.algorithm() {
        Algorithm::Ed25519
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => Ok(key.key_data().clone()),
        other => Err(wrong(format!("expected ed25519 or ecdsa-sha2-nistp256, or the sk- kind of them, found {other}"))),
    }
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with a `Z` for UTC.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || format!("expected YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z], found {text:?}");
    let (digits, zone) = text.strip_suffix('Z').map_or((text, zone.clone()), |digits| (digits, TimeZone::UTC));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return Err(wrong());
    }
    let part = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |part| part.parse::<i8>().ok());
    let year = digits.get(..4).and_then(|year| year.parse::<i16>().ok());
    let parsed = (|| {
        let date = Date::new(year?, part(4, 6)?, part(6, 8)?).ok()?;
        let time = Time::new(part(8, 10)?, part(10, 12)?, part(12, 14)?, 0).ok()?;
        DateTime::from_parts(date, time).to_zoned(zone).ok()
    })();
    parsed.map(|at| at.timestamp()).ok_or_else(wrong)
}
