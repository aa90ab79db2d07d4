//! A guest's bearer token. Nothing that it is printed to shows it.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use rustls::crypto::CryptoProvider;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

use crate::Error;

/// A guest's bearer token: printable ASCII, no blank at either end. Wiped from memory when dropped.
#[derive(Clone)]
pub struct Token(SecretString);

/// Why a text is no token. Says nothing of the text: it may be most of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no text.
    #[error("token: expected printable ASCII, no blank at either end, found nothing")]
    Empty,
    /// There is a blank at an end, a control character or one beyond ASCII.
    #[error("token: expected printable ASCII, no blank at either end, found another character")]
    Character,
}

impl Token {
    /// A fresh token of [`RANDOM_BYTES`] random bytes, in hexadecimal.
    pub(crate) fn random(provider: &CryptoProvider) -> Result<Self, Error> {
        let mut bytes = [0; RANDOM_BYTES];
        let filled = provider.secure_random.fill(&mut bytes);
        filled.map_err(|_| Error::Component("the system gives no random numbers".into()))?;
        Ok(Self(hex::encode(bytes).into()))
    }

    /// The token itself, for whoever sends it.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether these request headers carry this token, and carry it once.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let presented = values.next().and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        presented == Some(self.reveal().as_bytes()) && values.next().is_none()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.trim() != text || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(TokenError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(***)")
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for Token {}

/// Length of a random token in bytes: 128 bits cannot be guessed.
const RANDOM_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::{Token, TokenError};

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().copied().map(HeaderValue::from_static);
        values.map(|value| (AUTHORIZATION, value)).collect()
    }

    #[test]
    fn only_one_exact_bearer_header_is_admitted() {
        let token: Token = "secret".parse().unwrap();
        assert!(token.admits(&headers(&["Bearer secret"])));
        for refused in [
            &[][..],
            &["secret"],
            &["Bearer "],
            &["Bearer secre"],
            &["Bearer secrets"],
            &["bearer secret"],
            &["Bearer secret", "Bearer secret"],
        ] {
            assert!(!token.admits(&headers(refused)), "{refused:?}");
        }
    }

    #[test]
    fn two_random_tokens_differ() {
        let provider = rustls::crypto::ring::default_provider();
        let first = Token::random(&provider).unwrap();
        assert_eq!(first.reveal().len(), 32);
        assert_ne!(first, Token::random(&provider).unwrap());
    }

    #[test]
    fn debug_text_does_not_show_the_token() {
        assert_eq!(format!("{:?}", "secret".parse::<Token>().unwrap()), "Token(***)");
    }

    #[test]
    fn only_what_fits_into_a_header_is_a_token() {
        assert_eq!("a.b-c_1/+= ~".parse::<Token>().unwrap().reveal(), "a.b-c_1/+= ~");
        assert_eq!("".parse::<Token>(), Err(TokenError::Empty));
        for text in [" a", "a ", " ", "a\nb", "a\tb", "a\u{7f}b", "é"] {
            assert_eq!(text.parse::<Token>(), Err(TokenError::Character), "{text:?}");
        }
    }
}
