//! A guest's bearer token. Nothing that it is printed to shows it.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use zeroize::Zeroizing;

/// A guest's bearer token: printable ASCII, no blank at either end. Wiped from memory when it is dropped.
///
/// There is no `Display`: whoever wants the text says so with [`reveal`](Self::reveal).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

/// Why a text is no token. Says nothing of the text itself, because it may be most of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// There is no text.
    Empty,
    /// There is a blank at an end, a control character or one beyond ASCII. None of them can be in a header as it is.
    Character,
}

impl Token {
    /// Bytes of randomness in a token that is made here: 128 bits cannot be guessed.
    pub const RANDOM_BYTES: usize = 16;

    /// A token made of random bytes, in hexadecimal. The bytes must come from a cryptographic generator.
    pub fn from_random_bytes(bytes: [u8; Self::RANDOM_BYTES]) -> Self {
        Self(Zeroizing::new(hex::encode(bytes)))
    }

    /// The token itself, for whoever sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the values of a request's `authorization` headers carry this token, and carry it once: two headers are
    /// refused, because a proxy and the agent could disagree on which of them counts.
    pub fn admits<'a>(&self, authorization: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut values = authorization.into_iter();
        let presented = values.next().and_then(|value| value.strip_prefix(b"Bearer "));
        presented == Some(self.reveal().as_bytes()) && values.next().is_none()
    }
}

impl FromStr for Token {
    type Err = TokenError;

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

#[cfg(test)]
mod tests {
    use super::{Token, TokenError};

    #[test]
    fn only_one_exact_bearer_header_is_admitted() {
        let token: Token = "secret".parse().unwrap();
        assert!(token.admits([&b"Bearer secret"[..]]));
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
