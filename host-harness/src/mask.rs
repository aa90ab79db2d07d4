//! Secrets out of whatever comes back: an agent, or something on the way, may echo what it was sent.

use bytes::Bytes;
use memchr::memmem::Finder;

use crate::Token;

/// Replaces the secrets of one connection wherever they stand.
pub(crate) struct Mask(Vec<Secret>);

struct Secret {
    token: Token,
    /// Made once: that takes longer than searching a short body.
    finder: Finder<'static>,
}

/// What stands in a secret's place: no longer than a secret, so that a body does not grow.
const MASKED: &str = "[masked]";
/// A shorter secret is not masked: it is part of too many words, such as the keys of an answer, and is none.
const MIN_SECRET_BYTES: usize = 8;

impl Mask {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Token>) -> Self {
        let secrets = secrets.into_iter().filter(|token| token.reveal().len() >= MIN_SECRET_BYTES);
        Self(secrets.map(Secret::new).collect())
    }

    pub(crate) fn bytes(&self, bytes: Bytes) -> Bytes {
        self.0.iter().fold(bytes, |bytes, secret| secret.replace(bytes))
    }

    pub(crate) fn text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| match secret.finder.find(text.as_bytes()) {
            Some(_) => text.replace(secret.token.reveal(), MASKED),
            None => text,
        })
    }
}

impl Secret {
    fn new(token: Token) -> Self {
        let finder = Finder::new(token.reveal().as_bytes()).into_owned();
        Self { token, finder }
    }

    fn replace(&self, bytes: Bytes) -> Bytes {
        let mut rest = bytes.as_ref();
        let Some(mut found) = self.finder.find(rest) else { return bytes };
        let mut masked = Vec::with_capacity(rest.len());
        loop {
            let (before, from) = rest.split_at(found);
            masked.extend_from_slice(before);
            masked.extend_from_slice(MASKED.as_bytes());
            rest = from.get(self.finder.needle().len()..).unwrap_or_default();
            match self.finder.find(rest) {
                Some(next) => found = next,
                None => break,
            }
        }
        masked.extend_from_slice(rest);
        masked.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(secrets.iter().map(|secret| secret.parse().unwrap()))
    }

    #[test]
    fn every_secret_is_replaced_wherever_it_stands() {
        let mask = mask(&["token-01", "stand-in"]);
        let text = "token-01 and stand-in, token-01";
        assert_eq!(mask.text(text.into()), "[masked] and [masked], [masked]");
        assert_eq!(mask.bytes(text.into()), "[masked] and [masked], [masked]");
        assert_eq!(mask.bytes("token-02".into()), "token-02");
        assert_eq!(mask.bytes("token-01".into()), "[masked]");
    }

    #[test]
    fn a_secret_that_is_part_of_every_word_is_left() {
        assert_eq!(mask(&["t", "vmid"]).text("the vmid".into()), "the vmid");
    }
}
