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
    /// It looks like base64, in which the SHA-256 of a *key* is usually written.
    Base64,
}

impl Fingerprint {
    /// Bytes in a SHA-256.
    pub const LEN: usize = 32;

    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Reads what a person pastes: 64 hex digits as tools print them. Besides what [`from_str`](Self::from_str) drops, these
    /// are dropped: `-`, blanks of any kind, line ends, quotes and marks of direction, wherever they stand, and a label in
    /// front of it: the words `SHA256`, `SHA-256` and `Fingerprint`, in any case and order, with `=`, `(` and `)` among
    /// them.
    ///
    /// `sha256 Fingerprint=AB:CD:..` is what openssl prints, `Fingerprint (sha256): ab:cd:..` Proxmox Backup.
    ///
    /// # Errors
    ///
    /// A text with more or fewer than 64 digits, and one with any other character, a `+` among them.
    pub fn from_pasted(text: &str) -> Result<Self, FingerprintError> {
        let text = without_label(text);
        let outcome = read(text, is_pasted_separator);
        let is_base64 = matches!(outcome, Err(FingerprintError::Character(_))) && looks_like_base64(text);
        if is_base64 { Err(FingerprintError::Base64) } else { outcome }
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Parses 64 hex digits of any case. Dropped are `:`, blanks and tabs, wherever they stand.
    ///
    /// # Errors
    ///
    /// A text with more or fewer than 64 digits, and one with any other character, a line break or a `+` among them.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        read(text, is_separator)
    }
}

fn read(text: &str, is_separator: impl Fn(char) -> bool) -> Result<Fingerprint, FingerprintError> {
    let mut bytes = [0; Fingerprint::LEN];
    let mut digits = 0;
    for found in text.chars().filter(|&c| !is_separator(c)) {
        let Some(digit) = found.to_digit(16) else { return Err(FingerprintError::Character(found)) };
        // Past the end digits are only counted, so that the error has their number.
        if let Some(byte) = bytes.get_mut(digits / 2) {
            *byte = *byte << 4 | digit as u8;
        }
        digits += 1;
    }
    if digits == 2 * Fingerprint::LEN { Ok(Fingerprint(bytes)) } else { Err(FingerprintError::Length(digits)) }
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
        f.write_str("expected 64 hex digits (a SHA-256), found ")?;
        match self {
            Self::Length(found) => {
                found.fmt(f)?;
                f.write_str(if *found == SHA1_DIGITS { ": that is a SHA-1" } else { "" })
            }
            Self::Character(found) => write!(f, "'{}' among them", found.escape_default()),
            Self::Base64 => f.write_str(
                "what looks like base64, perhaps of the key (an SPKI pin); the SHA-256 of the certificate in hex is \
                 needed: `agentapi fingerprint`",
            ),
        }
    }
}

impl core::error::Error for FingerprintError {}

/// What stands behind a label.
fn without_label(text: &str) -> &str {
    let mut rest = behind_punctuation(text);
    // The words of a label come in any order. None of them begins with a hex digit.
    while let Some(after) = LABEL_WORDS.iter().find_map(|word| behind_word(rest, word)) {
        rest = behind_punctuation(after);
    }
    rest
}

fn behind_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// What stands behind the punctuation of a label. `/` is some, because curl writes `sha256//` before base64.
fn behind_punctuation(text: &str) -> &str {
    let mut rest = text.chars();
    loop {
        let text = rest.as_str();
        match rest.next() {
            Some(c) if is_pasted_separator(c) || matches!(c, '=' | '(' | ')' | '/') => {}
            _ => return text,
        }
    }
}

/// Whether a character may stand among the digits.
fn is_separator(c: char) -> bool {
    matches!(c, ':' | ' ' | '\t')
}

/// Whether a character may stand among pasted digits: what tools put between pairs, blanks of any kind, quotes, and the marks
/// of direction that are copied from a certificate's window.
fn is_pasted_separator(c: char) -> bool {
    matches!(
        c,
        ':' | '-' | '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{200e}'..='\u{200f}' | '\u{2018}'..='\u{201f}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    ) || c.is_whitespace()
}

/// 32 bytes are 43 characters of base64, and one of padding.
fn looks_like_base64(text: &str) -> bool {
    let mut length = 0;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let is_base64 = text.chars().filter(|&c| !is_pasted_separator(c)).all(|c| {
        length += 1;
        is_allowed(c)
    });
    is_base64 && matches!(length, 42..=44)
}

const LABEL_WORDS: [&str; 5] = ["sha256", "sha-256", "sha1", "sha-1", "fingerprint"];
const SHA1_DIGITS: usize = 40;

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
            (format!("{PLAIN}\n"), FingerprintError::Character('\n')),
            (PLAIN.replace("ef", "-"), FingerprintError::Character('-')),
            (format!("sha256:{PLAIN}"), FingerprintError::Character('s')),
            (String::new(), FingerprintError::Length(0)),
            (PLAIN[1..].to_owned(), FingerprintError::Length(63)),
            (format!("{PLAIN}0"), FingerprintError::Length(65)),
            (format!("{PLAIN}00"), FingerprintError::Length(66)),
            (format!("+{}", &PLAIN[1..]), FingerprintError::Character('+')),
            (format!("{}g", &PLAIN[1..]), FingerprintError::Character('g')),
            (format!("{PLAIN}\0"), FingerprintError::Character('\0')),
            (format!("{PLAIN}\u{200b}"), FingerprintError::Character('\u{200b}')),
            (format!("{PLAIN}="), FingerprintError::Character('=')),
            (format!("sha512:{PLAIN}"), FingerprintError::Character('s')),
            (format!("{PLAIN} (SHA-256)"), FingerprintError::Character('(')),
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

    /// Fingerprints as people paste them: the rows of a list that was kept of them.
    #[test]
    fn a_fingerprint_is_taken_as_tools_and_windows_show_it() {
        let plain: Fingerprint = PLAIN.parse().unwrap();
        let upper = plain.to_string();
        let lower = upper.to_lowercase();
        let accepted = [
            format!("sha256 Fingerprint={upper}"),
            format!("SHA256 Fingerprint={upper}\n"),
            format!("Fingerprint (sha256): {lower}"),
            format!("SHA256:{PLAIN}"),
            format!("SHA-256: {upper}"),
            format!("Fingerprint: {lower}"),
            format!("{PLAIN}\r\n"),
            format!("{}\n  {}", &upper[..48], &upper[48..]),
            upper.replace(':', "\u{a0}"),
            upper.replace(':', "-"),
            format!("\u{200e}{upper}"),
            format!("\u{202a}{PLAIN}\u{202c}"),
            format!("\"{upper}\""),
            format!("'{PLAIN}'"),
            format!("\u{201c}{upper}\u{201d}"),
            format!("sha256 Fingerprint=\"{upper}\""),
        ];
        for text in accepted {
            assert_eq!(Fingerprint::from_pasted(&text), Ok(plain), "{text:?}");
        }
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let spki = "what looks like base64, perhaps of the key (an SPKI pin); the SHA-256 of the certificate in hex is \
                    needed: `agentapi fingerprint`";
        let refused = [
            (PLAIN[..40].to_owned(), "40: that is a SHA-1"),
            (format!("SHA1 Fingerprint={}", &upper[..59]), "40: that is a SHA-1"),
            (base64.to_owned(), spki),
            (format!("sha256//{base64}"), spki),
            (format!("SHA256:{}", &base64[..43]), spki),
        ];
        for (text, found) in refused {
            let message = Fingerprint::from_pasted(&text).unwrap_err().to_string();
            assert_eq!(message, format!("expected 64 hex digits (a SHA-256), found {found}"), "{text:?}");
        }
    }
}
