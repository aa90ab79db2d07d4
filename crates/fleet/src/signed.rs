//! What people sign with their SSH keys: orders, and votes on wipes. A bus and a coordinator carry them and cannot make them,
//! because a guest believes nothing but a signature by a key in its own file of allowed signers.
//!
//! What is signed is a canonical JSON text: keys in their order, no spaces, no fields beside the known ones. The signature is
//! an SSHSIG, as `ssh-keygen -Y sign` makes it, in a namespace of its own for each kind of statement: an order cannot be
//! passed off as a vote, nor a signed mail as either.

pub mod allowed;
mod keygen;
mod list;
mod refusal;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use crate::bus::Table;
use crate::name::GuestName;
use crate::signed::allowed::AllowedSigners;

pub use keygen::SignError;
pub use list::{MAX_LISTED, PutError, listed, put};
pub use refusal::Refusal;

/// Something that a person signs for one guest.
pub trait Statement: Serialize + DeserializeOwned {
    /// The namespace of its signatures.
    const NAMESPACE: &'static str;
    /// Where it is put for the guest.
    const TABLE: Table;
    /// What it is called.
    const KIND: &'static str;

    /// What it is called among others of its kind, in events.
    fn title(&self) -> String;

    /// The guest that it is for.
    fn guest(&self) -> &GuestName;
    /// The signer's name: a principal in the file of allowed signers.
    fn issued_by(&self) -> &str;
    /// From when it counts.
    fn not_before(&self) -> Timestamp;
    /// Until when it counts.
    fn not_after(&self) -> Timestamp;
}

/// A statement with its signature, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is signed: canonical JSON.
    pub text: String,
    /// The SSHSIG of it, in PEM.
    pub signature: String,
}

/// A statement that somebody has signed who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<S> {
    /// What it says.
    pub statement: S,
    /// The fingerprint of the key, such as `SHA256:47DEQpj8..`.
    pub key: String,
}

/// The text of a statement that is signed.
///
/// # Errors
///
/// What serde says of a statement that is no JSON object.
pub fn canonical(statement: &impl Serialize) -> Result<String, serde_json::Error> {
    // By way of a `Value`, whose objects are sorted by their keys.
    serde_json::to_string(&serde_json::to_value(statement)?)
}

impl Signed {
    /// What tells it from every other one.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.text, &self.signature] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }

    /// What it says, once it is certain that somebody in `signers` has said so to this guest, and that it counts now.
    ///
    /// Nothing of the text is read before its signature is verified.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn verify<S: Statement>(
        &self,
        signers: &AllowedSigners,
        guest: &GuestName,
        now: Timestamp,
    ) -> Result<Verified<S>, Refusal> {
        if self.text.len().max(self.signature.len()) > MAX_BYTES {
            return Err(Refusal::Unreadable(format!("expected up to {MAX_BYTES} bytes, found more")));
        }
        let key = self.signed_by::<S>(signers)?;
        let statement = read::<S>(&self.text)?;
        if !signers.may_sign(&key, statement.issued_by(), S::NAMESPACE, now)? {
            let name = statement.issued_by().to_owned();
            return Err(Refusal::UnknownSigner { key: fingerprint(&key), name });
        }
        check(&statement, guest, now)?;
        Ok(Verified { statement, key: fingerprint(&key) })
    }

    /// The key that has signed the text, which is one of the allowed.
    fn signed_by<S: Statement>(&self, signers: &AllowedSigners) -> Result<KeyData, Refusal> {
        let signature = SshSig::from_pem(&self.signature).map_err(|why| Refusal::BadSignature(why.to_string()))?;
        let key = signature.public_key().clone();
        if !signers.has(&key) {
            return Err(Refusal::UnknownSigner { key: fingerprint(&key), name: String::new() });
        }
        if signature.namespace() != S::NAMESPACE {
            let found = signature.namespace().chars().take(MAX_NAMESPACE_CHARS).collect();
            return Err(Refusal::WrongNamespace { expected: S::NAMESPACE, found });
        }
        let verified = PublicKey::from(key.clone()).verify(S::NAMESPACE, self.text.as_bytes(), &signature);
        verified.map_err(|_| Refusal::Altered { key: fingerprint(&key) })?;
        if !was_touched(&signature) {
            return Err(Refusal::BadSignature(
                "expected a hardware key that was touched, found one that was not".into(),
            ));
        }
        Ok(key)
    }
}

/// The statement, if its text is the one that we would sign for it.
fn read<S: Statement>(text: &str) -> Result<S, Refusal> {
    let statement: S = serde_json::from_str(text).map_err(|why| Refusal::Unreadable(why.to_string()))?;
    let name = statement.issued_by();
    // It is shown in events. A pattern of principals would take any.
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Refusal::Unreadable(format!("expected a signer's name of 1 to {MAX_NAME_BYTES} bytes")));
    }
    match canonical(&statement) {
        Ok(canonical) if canonical == text => Ok(statement),
        _ => Err(Refusal::Unreadable("expected canonical JSON, found another form".into())),
    }
}

fn check(statement: &impl Statement, guest: &GuestName, now: Timestamp) -> Result<(), Refusal> {
    let (not_before, not_after) = (statement.not_before(), statement.not_after());
    if statement.guest() != guest {
        return Err(Refusal::OtherGuest { found: statement.guest().clone() });
    }
    if not_after.duration_since(not_before) > MAX_VALIDITY {
        return Err(Refusal::TooLong);
    }
    if now >= not_after {
        return Err(Refusal::Expired { not_after });
    }
    if now < not_before {
        return Err(Refusal::NotYet { not_before });
    }
    Ok(())
}

/// A hardware key says in its signature whether somebody has touched it; other keys say nothing.
fn was_touched(signature: &SshSig) -> bool {
    match signature.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            // One byte of flags and four of a counter end it. The lowest flag is that of the user's presence.
            let bytes = signature.signature_bytes();
            bytes.len().checked_sub(5).and_then(|flags| bytes.get(flags)).is_some_and(|flags| flags & 1 == 1)
        }
        _ => true,
    }
}

fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// A statement counts for a day at most, and for what clocks may differ by: what guests remember is bounded by it.
pub const MAX_VALIDITY: SignedDuration = SignedDuration::from_hours(25);
/// A text and a signature are this long at most: many times over what people sign.
const MAX_BYTES: usize = 4096;
const MAX_NAME_BYTES: usize = 256;
const MAX_NAMESPACE_CHARS: usize = 64;

#[cfg(test)]
mod tests;
