//! The token of one agent's client: put into requests, masked in answers, and replaced while calls run.

use std::sync::{Arc, PoisonError, RwLock};

use agentapi_contract::Token;
use bytes::Bytes;
use http::HeaderValue;
use rustls::crypto::CryptoProvider;

use crate::error::Error;
use crate::network::mask::Mask;

/// Replaced tokens that are still masked: an answer that is under way may hold them, and so may the error text of an
/// agent that remembers what it was sent.
const MAX_OLD_TOKENS: usize = 4;

/// The secrets of one agent's client: what authorises its requests, and what must not be seen in the answers.
pub(crate) struct Credentials {
    /// What the component is given in place of the token.
    stand_in: Token,
    tokens: RwLock<Tokens>,
}

/// The token in use and those before it. Header and mask are made from them once, not for each request.
struct Tokens {
    authorization: HeaderValue,
    mask: Arc<Mask>,
    newest_first: Vec<Token>,
}

impl Credentials {
    pub(crate) fn new(token: Token, stand_in: Token) -> Result<Self, Error> {
        let tokens = RwLock::new(Tokens::new(vec![token], &stand_in)?);
        Ok(Self { stand_in, tokens })
    }

    /// Authorises requests with this token from now on. Those that are under way were sent with the old one.
    pub(crate) fn replace(&self, token: Token) -> Result<(), Error> {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let old = tokens.newest_first.iter().take(MAX_OLD_TOKENS).cloned();
        let newest_first = [token].into_iter().chain(old).collect();
        // Assigned as a whole or not at all: after an error the old token is still in use.
        *tokens = Tokens::new(newest_first, &self.stand_in)?;
        Ok(())
    }

    pub(crate) fn stand_in(&self) -> &Token {
        &self.stand_in
    }

    /// The value of the `authorization` header, marked as sensitive so that no debug text shows it.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).authorization.clone()
    }

    /// A body of the agent with the secrets in it masked.
    pub(crate) fn mask(&self, body: Bytes) -> Bytes {
        self.latest_mask().bytes(body)
    }

    /// The same error with the secrets in its texts masked.
    pub(crate) fn mask_error(&self, error: Error) -> Error {
        self.latest_mask().error(error)
    }

    /// A text with the secrets in it masked.
    pub(crate) fn mask_text(&self, text: String) -> String {
        self.latest_mask().text(text)
    }

    fn latest_mask(&self) -> Arc<Mask> {
        // Cloned, so that a body of a megabyte is not searched under the lock.
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner).mask)
    }
}

impl Tokens {
    fn new(newest_first: Vec<Token>, stand_in: &Token) -> Result<Self, Error> {
        let authorization = newest_first.first().map(Token::authorization).unwrap_or_default();
        let mut authorization = HeaderValue::try_from(authorization).map_err(|why| Error::Component(why.into()))?;
        authorization.set_sensitive(true);
        let mask = Arc::new(Mask::new(newest_first.iter().chain([stand_in])));
        Ok(Self { authorization, mask, newest_first })
    }
}

/// A token that nobody can guess, from the system's random numbers.
pub(crate) fn random_token(provider: &CryptoProvider) -> Result<Token, Error> {
    let mut bytes = [0; Token::RANDOM_BYTES];
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| Error::Component("the system gives no random numbers".into()))?;
    Ok(Token::from_random_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Token, random_token};

    fn token(text: &str) -> Token {
        text.parse().unwrap()
    }

    #[test]
    fn a_replaced_token_is_sent_no_more_and_masked_all_the_same() {
        let credentials = Credentials::new(token("first-token"), token("the-stand-in")).unwrap();
        credentials.replace(token("second-token")).unwrap();
        assert_eq!(credentials.authorization().to_str().unwrap(), "Bearer second-token");
        let masked = credentials.mask("first-token second-token the-stand-in".into());
        assert_eq!(masked, "[masked] [masked] [masked]");
    }

    #[test]
    fn debug_text_of_the_header_does_not_show_the_token() {
        let credentials = Credentials::new(token("first-token"), token("the-stand-in")).unwrap();
        assert_eq!(format!("{:?}", credentials.authorization()), "Sensitive");
    }

    #[test]
    fn two_random_tokens_differ() {
        let provider = rustls::crypto::ring::default_provider();
        assert_ne!(random_token(&provider).unwrap(), random_token(&provider).unwrap());
    }
}
