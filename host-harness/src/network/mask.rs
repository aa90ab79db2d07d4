//! Masking secrets in whatever comes back: an agent, or something on the way, may echo what it was sent.

use agentapi_contract::Token;
use bytes::Bytes;
use memchr::memmem::Finder;

use crate::error::Error;
use crate::records::{DiskRole, FormatResult, PendingOp};

/// What stands in place of a secret.
const REPLACEMENT: &str = "[masked]";
/// A shorter secret is not masked: it is part of too many words, such as the keys of an answer, and guards nothing.
const MIN_SECRET_BYTES: usize = 8;
// Masking must not make a body larger than the limit that it was read under.
const _: () = assert!(REPLACEMENT.len() <= MIN_SECRET_BYTES);

/// Replaces secrets wherever they stand, by `[masked]`. One of less than eight bytes is not replaced: it is part of too
/// many words, and guards nothing.
pub struct Mask(Vec<Secret>);

struct Secret {
    token: Token,
    /// Made once: making it takes longer than searching a short body.
    finder: Finder<'static>,
}

impl Mask {
    /// A mask of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Token>) -> Self {
        let secrets = secrets.into_iter().filter(|token| token.reveal().len() >= MIN_SECRET_BYTES);
        Self(secrets.cloned().map(Secret::new).collect())
    }

    /// The body of a message without the secrets, also where JSON writes them with escapes. Then, and only then, the JSON
    /// is written anew.
    pub fn body(&self, body: Bytes) -> Bytes {
        let body = self.bytes(body);
        // Without a backslash there is no escape, and the bytes were all that there is to search.
        if !body.contains(&b'\\') {
            return body;
        }
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&body) else { return body };
        let written = Bytes::from(value.to_string());
        let masked = self.bytes(written.clone());
        if masked == written { body } else { masked }
    }

    pub(crate) fn bytes(&self, bytes: Bytes) -> Bytes {
        self.0.iter().fold(bytes, |bytes, secret| secret.replace(bytes))
    }

    pub(crate) fn text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| match secret.finder.find(text.as_bytes()) {
            Some(_) => text.replace(secret.token.reveal(), REPLACEMENT),
            None => text,
        })
    }

    /// The same error with the secrets in its texts masked. The body was masked as it came, but JSON has escapes: a
    /// secret that is written with them shows only in what was decoded.
    pub(crate) fn error(&self, error: Error) -> Error {
        match error {
            Error::InvalidArgument(text) => Error::InvalidArgument(self.text(text)),
            Error::Denied(text) => Error::Denied(self.text(text)),
            Error::BadEnvelope(text) => Error::BadEnvelope(self.text(text)),
            Error::HttpStatus { route, status, text } => Error::HttpStatus { route, status, text: self.text(text) },
            Error::Agent(text) => Error::Agent(self.text(text)),
            Error::Decode(text) => Error::Decode(self.text(text)),
            Error::NeedsConfirmation(result) => Error::NeedsConfirmation(Box::new(self.format_result(*result))),
            Error::FormatRefused(result) => Error::FormatRefused(Box::new(self.format_result(*result))),
            // These hold no text of the agent. They are named, so that a new error must be decided on here.
            Error::NotConnected
            | Error::PinMismatch { .. }
            | Error::Unreachable { .. }
            | Error::Tls { .. }
            | Error::Interrupted { .. }
            | Error::Deadline { .. }
            | Error::ResponseTooLarge { .. }
            | Error::NoPolicy
            | Error::Component(_) => error,
        }
    }

    fn format_result(&self, result: FormatResult) -> FormatResult {
        FormatResult {
            device: self.text(result.device),
            reason: self.text(result.reason),
            durable_id: self.text(result.durable_id),
            pending_op: result.pending_op.map(|op| PendingOp {
                op: self.text(op.op),
                host_scope: self.text(op.host_scope),
                durable_id: self.text(op.durable_id),
                fstype: self.text(op.fstype),
            }),
            role: match result.role {
                DiskRole::Other(text) => DiskRole::Other(self.text(text)),
                named => named,
            },
            ..result
        }
    }
}

impl Secret {
    fn new(token: Token) -> Self {
        let finder = Finder::new(token.reveal().as_bytes()).into_owned();
        Self { token, finder }
    }

    fn replace(&self, bytes: Bytes) -> Bytes {
        let mut rest = bytes.as_ref();
        // Nearly every body holds no secret. It is returned as it is, without a copy.
        let Some(mut found) = self.finder.find(rest) else { return bytes };
        let mut masked = Vec::with_capacity(rest.len());
        loop {
            let (before, from) = rest.split_at(found);
            masked.extend_from_slice(before);
            masked.extend_from_slice(REPLACEMENT.as_bytes());
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
    use super::{Error, Mask, Token};

    fn mask(secrets: &[&str]) -> Mask {
        let secrets: Vec<Token> = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
        Mask::new(&secrets)
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
    fn a_secret_in_a_body_is_replaced_also_where_it_is_written_with_escapes() {
        let mask = mask(&["token-01"]);
        for (body, expected) in [
            (r#"{"a": "token-01"}"#, r#"{"a": "[masked]"}"#),
            (r#"{"a": "\u0074oken-01"}"#, r#"{"a":"[masked]"}"#),
            (r#"{"a": "x\u0074oken\u002d01"}"#, r#"{"a":"x[masked]"}"#),
            // Escapes without a secret: not a byte is changed.
            (r#"{"a": "\n"}"#, r#"{"a": "\n"}"#),
            (r#"{"a": "\n"#, r#"{"a": "\n"#),
        ] {
            assert_eq!(mask.body(body.into()), expected);
        }
    }

    #[test]
    fn a_secret_that_is_part_of_every_word_is_left() {
        assert_eq!(mask(&["t", "vmid"]).text("the vmid".into()), "the vmid");
    }

    #[test]
    fn every_text_that_a_component_or_an_agent_wrote_is_masked() {
        let mask = mask(&["guest-token"]);
        let kinds = [Error::InvalidArgument, Error::Denied, Error::BadEnvelope, Error::Agent, Error::Decode];
        for kind in kinds {
            let masked = mask.error(kind("with guest-token".into()));
            assert!(masked.to_string().ends_with("with [masked]"), "{masked}");
            assert!(!format!("{masked:?}").contains("guest-token"), "{masked:?}");
        }
    }
}
