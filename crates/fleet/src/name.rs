//! The name of a guest on the bus.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The name of a guest: 1 to 63 letters, digits, `-` and `_`, the first a letter or digit. It is one token of a subject, so
/// no dot may be in it: `evt.web.>` would be another guest's `evt.web.1` as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestName(String);

/// A text that is no name of a guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected 1 to {MAX_BYTES} letters, digits, '-' and '_' as the name of a guest, the first a letter or digit; found {0:?}"
)]
pub struct NameError(String);

impl GuestName {
    /// The name as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A part of a time, in hundredths: the same for a guest each time, so that guests which begin something together, after a
    /// failure of their host, do not go on together.
    pub fn part_of(&self, time: Duration) -> Duration {
        let sum = self.0.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        time * (sum % 100) / 100
    }
}

impl FromStr for GuestName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        match starts_well && text.len() <= MAX_BYTES && text.bytes().all(is_allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError(text.chars().take(2 * MAX_BYTES).collect())),
        }
    }
}

impl TryFrom<String> for GuestName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<GuestName> for String {
    fn from(name: GuestName) -> Self {
        name.0
    }
}

impl fmt::Display for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As long as a DNS label.
const MAX_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::GuestName;

    #[test]
    fn a_name_is_one_token_of_a_subject() {
        for right in ["web1", "a", "Guest_7-b", &"x".repeat(63)] {
            assert_eq!(right.parse::<GuestName>().unwrap().as_str(), right);
        }
        for wrong in ["", "web.1", "*", ">", "a b", "-a", "_a", "ä", "a\n", &"x".repeat(64)] {
            let error = wrong.parse::<GuestName>().unwrap_err().to_string();
            assert!(error.contains("found"), "{wrong:?}: {error}");
        }
    }
}
