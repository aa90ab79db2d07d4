//! A POST of the notice as JSON. With a secret it is signed: `x-agentapi-signature: sha256=` and the HMAC-SHA-256 of the body
//! in hex.

use std::path::PathBuf;

use ring::hmac;

use crate::config::read_secret;
use crate::notify::post::Post;
use crate::notify::{Delivering, Delivery, Notice, Notifier};

/// Posts JSON.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) post: Post,
    /// Read for each delivery, so that it can be changed.
    pub(super) secret_file: Option<PathBuf>,
}

impl Notifier for Webhook {
    fn deliver(&self, notice: &Notice) -> Delivering {
        let (post, secret_file, body) = (self.post.clone(), self.secret_file.clone(), notice.to_json());
        Box::pin(async move {
            let mut headers = vec![("content-type", "application/json".to_owned())];
            match secret_file.as_deref().map(|file| read_secret(file, "secret_file")).transpose() {
                Ok(secret) => headers.extend(secret.map(|secret| (SIGNATURE, signature(&secret, &body)))),
                Err(why) => return Delivery::again(format!("the secret cannot be read: {why}")),
            }
            post.send(headers, body).await
        })
    }
}

fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body.as_bytes())))
}

const SIGNATURE: &str = "x-agentapi-signature";

#[cfg(test)]
mod tests {
    use super::signature;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }
}
