//! A fingerprint: the SHA-256 of a leaf certificate's DER.
//!
//! It is public information, like the certificate itself: it may be logged and shown, and comparing it needs no
//! constant time. What proves the agent's identity is its signature in the TLS handshake, made with the key in that
//! certificate.

use core::fmt;
use core::str::FromStr;

/// The SHA-256 of a leaf certificate's DER. Printed as `AA:BB:..`, as `openssl x509 -fingerprint -sha256` prints it;
/// parsed from that or from plain hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; Fingerprint::LEN]);

/// Why a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The number of hex digits is not 64; holds the number.
    Length(usize),
    /// A character is neither a hex digit nor a separator; holds the first such character.
    Character(char),
}

impl Fingerprint {
    /// Bytes in a SHA-256.
    pub const LEN: usize = 32;

    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Parses 64 hex digits of any case. `:`, blanks and tabs are dropped wherever they stand, so that the output of
    /// common tools can be pasted as it is.
    ///
    /// # Errors
    ///
    /// A text with more or fewer than 64 digits, and one with any other character, a line break or a `+` among them.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; Self::LEN];
        let mut digits = 0;
        for found in text.chars().filter(|&c| !is_separator(c)) {
            let Some(digit) = found.to_digit(16) else {
                return Err(FingerprintError::Character(found));
            };
            // Past the end digits are only counted, so that the error has their number.
            if let Some(byte) = bytes.get_mut(digits / 2) {
                *byte = *byte << 4 | digit as u8;
            }
            digits += 1;
        }
        if digits == 2 * Self::LEN { Ok(Self(bytes)) } else { Err(FingerprintError::Length(digits)) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(found) => write!(f, "expected 64 hex digits (a SHA-256), found {found}"),
            Self::Character(found) => {
                write!(f, "expected 64 hex digits (a SHA-256), found '{}' among them", found.escape_default())
            }
        }
    }
}

impl core::error::Error for FingerprintError {}

/// Whether a character may stand between the digits.
const fn is_separator(c: char) -> bool {
    matches!(c, ':' | ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn any_case_and_any_separators_give_the_same_fingerprint() {
        let plain: Fingerprint = PLAIN.parse().unwrap();
        let upper = PLAIN.to_uppercase();
        let spaced = format!(" {}\t{} ", &PLAIN[..31], &PLAIN[31..]);
        for text in [&upper, &plain.to_string(), &spaced] {
            assert_eq!(text.parse(), Ok(plain), "{text:?}");
        }
    }

    #[test]
    fn it_is_printed_in_upper_case_with_colons() {
        let printed = PLAIN.parse::<Fingerprint>().unwrap().to_string();
        assert!(printed.starts_with("01:23:45:67:89:AB:CD:EF:01:"), "{printed}");
        assert_eq!(printed.len(), 95);
    }

    #[test]
    fn anything_else_is_refused_with_what_was_found() {
        let cases = [
            (String::new(), FingerprintError::Length(0)),
            (PLAIN[1..].to_owned(), FingerprintError::Length(63)),
            (format!("{PLAIN}0"), FingerprintError::Length(65)),
            (format!("{PLAIN}00"), FingerprintError::Length(66)),
            (format!("+{}", &PLAIN[1..]), FingerprintError::Character('+')),
            (format!("{}g", &PLAIN[1..]), FingerprintError::Character('g')),
            (format!("{PLAIN}\n"), FingerprintError::Character('\n')),
            (PLAIN.replace('0', "\u{ff10}"), FingerprintError::Character('\u{ff10}')),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Fingerprint>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_messages_say_what_was_expected_and_found() {
        let message = |text: &str| text.parse::<Fingerprint>().unwrap_err().to_string();
        assert_eq!(message("abc"), "expected 64 hex digits (a SHA-256), found 3");
        assert_eq!(message("SHA"), "expected 64 hex digits (a SHA-256), found 'S' among them");
    }
}
