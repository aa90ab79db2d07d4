//! A guest's bearer token (RFC 6750): the one secret of the client.
//!
//! No error, `Debug` text or serialised form made here shows it, and its memory is wiped when it is dropped.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use zeroize::Zeroizing;

/// A guest's bearer token: printable ASCII, no blank at either end. Wiped from memory when it is dropped.
///
/// There is no `Display`, so that a token cannot get into a log line by accident: code that needs the text calls
/// [`reveal`](Self::reveal) or [`authorization`](Self::authorization), and is easy to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

/// Why a text is no token. It holds no part of the text, which may be a secret with one character too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is empty.
    Empty,
    /// There is a blank at an end, a control character, or a character beyond ASCII. A header value cannot carry any of
    /// them unchanged (RFC 9110, section 5.5).
    Character {
        /// The kind of the character, in words. Not the character: it may be part of a secret.
        kind: &'static str,
        /// Where in the text it is.
        end: End,
        /// Its place, counted in characters from 1.
        place: usize,
        /// The characters of the whole text.
        length: usize,
    },
    /// The text begins with a byte-order mark (U+FEFF), as some editors write it.
    ByteOrderMark,
    /// The text was encoded in UTF-16.
    Utf16,
}

/// Where in a text a character is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is the first.
    Beginning,
    /// There is something on both sides of it.
    Inside,
    /// It is the last, or only blanks and line ends follow it.
    End,
}

impl Token {
    /// Bytes of randomness in a token made by [`from_random_bytes`](Self::from_random_bytes): 128 bits cannot be
    /// guessed.
    pub const RANDOM_BYTES: usize = 16;

    /// A token made of random bytes, in hexadecimal. The bytes must come from a cryptographically secure generator.
    pub fn from_random_bytes(bytes: [u8; Self::RANDOM_BYTES]) -> Self {
        Self(Zeroizing::new(hex::encode(bytes)))
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of a request's `authorization` header: `Bearer ` and the token. Unlike the token it is not wiped,
    /// because what it is put into, a header of a request, is not either.
    pub fn authorization(&self) -> String {
        [SCHEME, self.reveal()].concat()
    }

    /// Whether the values of a request's `authorization` headers carry this token exactly once. Two headers are
    /// refused, because a proxy and the agent could disagree on which of them counts.
    ///
    /// The comparison does not take constant time, and need not: it is made by the mock agent, which guards nothing, and by
    /// the host for the stand-in, which the component that is compared already holds.
    pub fn admits<'a>(&self, authorization: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut values = authorization.into_iter();
        let presented = values.next().and_then(|value| value.strip_prefix(SCHEME.as_bytes()));
        presented == Some(self.reveal().as_bytes()) && values.next().is_none()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    /// Accepts printable ASCII without a blank at either end. Blanks within a token are allowed.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        match find_fault(text) {
            Some(fault) => Err(fault),
            None => Ok(Self(Zeroizing::new(text.into()))),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected printable ASCII, no blank at either end, found ")?;
        match self {
            Self::Empty => f.write_str("nothing"),
            Self::ByteOrderMark => {
                f.write_str("a byte-order mark at the beginning: save the file as UTF-8 without one")
            }
            Self::Utf16 => f.write_str("what looks like UTF-16: save the file as UTF-8"),
            Self::Character { kind, end, place, length } => {
                f.write_str(kind)?;
                f.write_str(match end {
                    End::Beginning => " at the beginning, character ",
                    End::Inside => " inside, character ",
                    End::End => " at the end, character ",
                })?;
                place.fmt(f)?;
                f.write_str(" of ")?;
                length.fmt(f)
            }
        }
    }
}

impl core::error::Error for TokenError {}

/// The first thing in a text that no token has.
fn find_fault(text: &str) -> Option<TokenError> {
    let (mut fault, mut end, mut last) = (None, End::End, '!');
    let (mut length, mut nuls) = (0, 0);
    for c in text.chars() {
        length += 1;
        nuls += usize::from(c == '\0');
        match fault {
            None if !matches!(c, ' '..='~') || (c == ' ' && length == 1) => fault = Some((c, length)),
            Some(_) if !c.is_ascii_whitespace() => end = End::Inside,
            _ => {}
        }
        last = c;
    }
    // A blank inside is allowed, so this one is found last.
    let (c, place) = fault.or((last == ' ').then_some((' ', length)))?;
    // Read as UTF-8, every second character of UTF-16 is a NUL, and its byte-order mark two that cannot be read.
    if nuls * 2 + 3 > length && nuls > 1 {
        return Some(TokenError::Utf16);
    }
    if place == 1 {
        end = End::Beginning;
    }
    if c == '\u{feff}' && place == 1 {
        return Some(TokenError::ByteOrderMark);
    }
    Some(TokenError::Character { kind: kind(c), end, place, length })
}

const fn kind(c: char) -> &'static str {
    match c {
        ' ' => "a blank",
        '\n' | '\r' => "a line end",
        '\t' => "a tab",
        '\u{fffd}' => "what is not UTF-8",
        c if c.is_ascii_control() => "a control character",
        _ => "a character beyond ASCII",
    }
}

/// What stands before the token in the header. Agents compare it as it is, so it has exactly this spelling.
const SCHEME: &str = "Bearer ";

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn only_one_exact_bearer_header_is_admitted() {
        let token: Token = "secret".parse().unwrap();
        assert_eq!(token.authorization(), "Bearer secret");
        assert!(token.admits([token.authorization().as_bytes()]));
        for refused in [
            &[][..],
            &["secret"],
            &["Bearer "],
            &["Bearer secre"],
            &["Bearer secrets"],
            &["bearer secret"],
            &["Bearer secret", "Bearer secret"],
        ] {
            assert!(!token.admits(refused.iter().map(|value| value.as_bytes())), "{refused:?}");
        }
    }

    #[test]
    fn random_bytes_become_hexadecimal() {
        assert_eq!(Token::from_random_bytes([0xa5; 16]).reveal(), "a5".repeat(16));
    }

    #[test]
    fn debug_text_does_not_show_the_token() {
        assert_eq!(format!("{:?}", "secret".parse::<Token>().unwrap()), "Token(***)");
    }

    #[test]
    fn only_what_fits_into_a_header_is_a_token() {
        assert_eq!("a.b-c_1/+= ~".parse::<Token>().unwrap().reveal(), "a.b-c_1/+= ~");
        let error = "".parse::<Token>().unwrap_err();
        assert_eq!(error.to_string(), "expected printable ASCII, no blank at either end, found nothing");
    }

    /// Tokens as files hold them: the rows of a list that was kept of what went wrong.
    #[test]
    fn an_error_says_what_is_wrong_and_where_and_shows_nothing_of_the_token() {
        let cases = [
            ("s3cret\n", "a line end at the end, character 7 of 7"),
            ("s3cret\r\n", "a line end at the end, character 7 of 8"),
            ("s3cret ", "a blank at the end, character 7 of 7"),
            ("s3c\nret", "a line end inside, character 4 of 7"),
            ("\ns3cret", "a line end at the beginning, character 1 of 7"),
            (" s3cret", "a blank at the beginning, character 1 of 7"),
            (" ", "a blank at the beginning, character 1 of 1"),
            ("s3c\tret", "a tab inside, character 4 of 7"),
            ("s3c\u{7f}ret", "a control character inside, character 4 of 7"),
            ("s3c\0ret", "a control character inside, character 4 of 7"),
            ("s3cr\u{e9}t", "a character beyond ASCII inside, character 5 of 6"),
            ("s3cret\u{200b}", "a character beyond ASCII at the end, character 7 of 7"),
            ("s3c\u{fffd}ret", "what is not UTF-8 inside, character 4 of 7"),
            ("\u{feff}s3cret", "a byte-order mark at the beginning: save the file as UTF-8 without one"),
            ("\u{fffd}\u{fffd}s\x003\0c\0\n\0", "what looks like UTF-16: save the file as UTF-8"),
            ("\u{fffd}\u{fffd}\0s\x003\0c", "what looks like UTF-16: save the file as UTF-8"),
            ("s\x003\0c\0r\0e\0t\0", "what looks like UTF-16: save the file as UTF-8"),
        ];
        for (text, found) in cases {
            let message = text.parse::<Token>().unwrap_err().to_string();
            assert_eq!(message, format!("expected printable ASCII, no blank at either end, found {found}"), "{text:?}");
        }
    }
}
