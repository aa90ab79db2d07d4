//! Forms, and the token by which one is known to be of a page of this controller.

use std::sync::Arc;

use axum::extract::{Form, FromRequest, Request};
use ring::hmac;
use ring::rand::SystemRandom;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::access::Rights;
use crate::api::problem::{Problem, ProblemKind};
use crate::console::trouble::Trouble;

/// Makes and checks tokens. Lives as long as the controller: a page of an earlier one has to be looked at again before what
/// stands on it is acted on.
#[derive(Clone, Debug)]
pub(super) struct Secret(Option<Arc<hmac::Key>>);

impl Secret {
    pub(super) fn new() -> Self {
        // On a machine without random numbers no token is right, and the pages show and do not act.
        Self(hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok().map(Arc::new))
    }

    /// The token of pages that this user is shown.
    pub(super) fn token(&self, uid: u32) -> String {
        self.0.as_ref().map(|key| hex::encode(hmac::sign(key, &uid.to_be_bytes()))).unwrap_or_default()
    }

    fn is_of(&self, uid: u32, token: &str) -> bool {
        let is_right = |key: &hmac::Key, token: &[u8]| hmac::verify(key, &uid.to_be_bytes(), token).is_ok();
        self.0.as_ref().zip(hex::decode(token).ok()).is_some_and(|(key, token)| is_right(key, &token))
    }
}

/// What a form of a page of this controller holds beside the token.
pub(super) struct Sent<T>(pub(super) T);

#[derive(Deserialize)]
struct WithToken<T> {
    token: String,
    #[serde(flatten)]
    rest: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        let (secret, rights) =
            (request.extensions().get::<Secret>().cloned(), request.extensions().get::<Rights>().cloned());
        let Form(form) = Form::<WithToken<T>>::from_request(request, state)
            .await
            .map_err(|why| Problem::invalid(format!("the form is not one of these pages: {}", why.body_text())))?;
        let is_ours = secret.zip(rights).is_some_and(|(secret, rights)| secret.is_of(rights.peer.uid, &form.token));
        if !is_ours {
            let text = "the page is of an earlier controller, or of somebody else: nothing was done. Go back, load it again and look";
            return Err(Problem::new(ProblemKind::Denied, text).into());
        }
        Ok(Self(form.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_token_is_of_one_user_and_one_controller() {
        let secret = Secret::new();
        let token = secret.token(1000);
        assert!(secret.is_of(1000, &token));
        assert!(!secret.is_of(0, &token) && !Secret::new().is_of(1000, &token));
        assert!(!Secret(None).is_of(1000, &Secret(None).token(1000)), "without random numbers");
        for wrong in ["", "00", "x", &token[2..]] {
            assert!(!secret.is_of(1000, wrong), "{wrong}");
        }
    }
}
