//! The token of one agent's client: put in on the way out, masked on the way in, and replaced while calls run.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::HeaderValue;
use rustls::crypto::CryptoProvider;

use crate::network::mask::Mask;
use crate::{Error, Token};

/// Tokens that were replaced and are still masked: an answer that is under way, or an agent that logs what it was sent,
/// may still hold them.
const REMEMBERED_TOKENS: usize = 4;

/// What authorises the requests to one agent, and what must not be seen in its answers.
pub(crate) struct Credentials {
    /// What the component is given in the token's place.
    stand_in: Token,
    current: RwLock<Current>,
}

struct Current {
    authorization: HeaderValue,
    mask: Arc<Mask>,
    /// The newest first.
    tokens: Vec<Token>,
}

impl Credentials {
    pub(crate) fn new(token: Token, stand_in: Token) -> Result<Self, Error> {
        let current = RwLock::new(Current::new(vec![token], &stand_in)?);
        Ok(Self { stand_in, current })
    }

    /// The token for requests from now on; those that are under way have gone out with the old one.
    pub(crate) fn replace(&self, token: Token) -> Result<(), Error> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut tokens = vec![token];
        tokens.extend(current.tokens.drain(..).take(REMEMBERED_TOKENS));
        *current = Current::new(tokens, &self.stand_in)?;
        Ok(())
    }

    pub(crate) fn stand_in(&self) -> &Token {
        &self.stand_in
    }

    /// The value of the `authorization` header, marked as sensitive so that no debug text shows it.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.current.read().unwrap_or_else(PoisonError::into_inner).authorization.clone()
    }

    /// A body of the agent without the secrets in it.
    pub(crate) fn mask(&self, body: Bytes) -> Bytes {
        self.current_mask().bytes(body)
    }

    /// The same error without the secrets that the agent may have put into its texts.
    pub(crate) fn mask_error(&self, error: Error) -> Error {
        self.current_mask().error(error)
    }

    fn current_mask(&self) -> Arc<Mask> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).mask)
    }
}

impl Current {
    fn new(tokens: Vec<Token>, stand_in: &Token) -> Result<Self, Error> {
        let token = tokens.first().map_or("", Token::reveal);
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|why| Error::Component(why.into()))?;
        authorization.set_sensitive(true);
        let mask = Arc::new(Mask::new(tokens.iter().chain([stand_in])));
        Ok(Self { authorization, mask, tokens })
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
    use super::*;

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
