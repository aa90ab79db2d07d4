//! The bearer token the mock agent asks for. Its debug text never shows it.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use rustls::crypto::{CryptoProvider, GetRandomFailed};
use serde::Deserialize;

/// A guest's bearer token.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// The token with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A fresh token of [`RANDOM_BYTES`] random bytes, in hexadecimal.
    pub(super) fn random(provider: &CryptoProvider) -> Result<Self, GetRandomFailed> {
        let mut bytes = [0; RANDOM_BYTES];
        provider.secure_random.fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token itself, for a client that is to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether these request headers carry this token, and carry it once.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let presented = values.next().and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        presented == Some(self.0.as_bytes()) && values.next().is_none()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(***)")
    }
}

/// Length of a random token in bytes: 128 bits cannot be guessed.
const RANDOM_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::Token;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().copied().map(HeaderValue::from_static);
        values.map(|value| (AUTHORIZATION, value)).collect()
    }

    #[test]
    fn only_one_exact_bearer_header_is_admitted() {
        let token = Token::new("secret");
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
        assert_eq!(format!("{:?}", Token::new("secret")), "Token(***)");
    }
}
