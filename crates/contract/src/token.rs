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
    Character,
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
        let has_blank_at_end = text.starts_with(' ') || text.ends_with(' ');
        if has_blank_at_end || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(TokenError::Character);
        }
        Ok(Self(Zeroizing::new(text.into())))
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
        f.write_str(match self {
            Self::Empty => "nothing",
            Self::Character => "another character",
        })
    }
}

impl core::error::Error for TokenError {}

/// What stands before the token in the header. Agents compare it as it is, so it has exactly this spelling.
const SCHEME: &str = "Bearer ";

#[cfg(test)]
mod tests {
    use super::{Token, TokenError};

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
        for text in [" a", "a ", " ", "a\nb", "a\tb", "a\u{7f}b", "é"] {
            assert_eq!(text.parse::<Token>(), Err(TokenError::Character), "{text:?}");
        }
    }
}
