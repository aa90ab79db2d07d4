//! Keys of minisign, and signatures made with them. Files are those of the tool `minisign`, both ways.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minisign::{KeyPair, SecretKeyBox};

use crate::manifest::Manifest;
use crate::sha256_hex;

/// A secret key, ready to sign with.
pub struct SecretKey(minisign::SecretKey);

/// The two files of a new key.
pub struct NewKey {
    /// The secret half. Whoever has it, and its password where it has one, signs as its owner.
    pub secret: String,
    /// The public half.
    pub public: String,
}

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It is no secret key.
    #[error("expected a secret key of minisign in two lines, found something else")]
    NoSecretKey,
    /// The key is encrypted.
    #[error("the key has a password, found none")]
    NeedsPassword,
    /// The key is not encrypted with this password, or damaged.
    #[error("the key cannot be opened: wrong password, or a damaged file")]
    WrongPassword,
    /// A comment has several lines.
    #[error("expected a comment of one line, found several")]
    Comment,
    /// The system has no random numbers or memory.
    #[error("the key cannot be used: {0}")]
    Failed(String),
}

impl NewKey {
    /// Makes a key. Without a password, whoever reads the file can sign: for a machine that signs alone.
    ///
    /// # Errors
    ///
    /// [`SignError::Failed`].
    pub fn generate(password: Option<&str>) -> Result<Self, SignError> {
        let failed = |error: minisign::PError| SignError::Failed(error.to_string());
        let pair = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
            None => KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.map_err(failed)?;
        let comment = format!("secret key of {}", id_of(&pair.pk));
        let secret = pair.sk.to_box(Some(&comment)).map_err(failed)?.into_string();
        Ok(Self { secret, public: pair.pk.to_box().map_err(failed)?.into_string() })
    }
}

impl SecretKey {
    /// Whether the text of a key needs a password.
    ///
    /// # Errors
    ///
    /// [`SignError::NoSecretKey`].
    pub fn needs_password(text: &str) -> Result<bool, SignError> {
        let bytes = decode(text)?;
        // Two bytes name the signature's algorithm, the next two how the key is derived from a password: zeros for not at all.
        match (bytes.len(), bytes.get(..2), bytes.get(2..4)) {
            (KEY_BYTES, Some(b"Ed"), Some([0, 0])) => Ok(false),
            (KEY_BYTES, Some(b"Ed"), Some(b"Sc")) => Ok(true),
            _ => Err(SignError::NoSecretKey),
        }
    }

    /// Opens the text of a key. Never asks anybody.
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn open(text: &str, password: Option<&str>) -> Result<Self, SignError> {
        let key = match (Self::needs_password(text)?, password) {
            (true, None) => return Err(SignError::NeedsPassword),
            // `None` would have the library ask at the terminal.
            (true, Some(password)) => SecretKeyBox::from_string(text)
                .and_then(|sealed| sealed.into_secret_key(Some(password.to_owned())))
                .map_err(|_| SignError::WrongPassword)?,
            // Not by the library's own function, which wants a checksum where Debian's minisign writes zeros. A damaged
            // key is found when it signs.
            (false, _) => minisign::SecretKey::from_bytes(&decode(text)?).map_err(|_| SignError::NoSecretKey)?,
        };
        Ok(Self(key))
    }

    /// The file of a signature over these bytes.
    ///
    /// # Errors
    ///
    /// [`SignError::Comment`], [`SignError::Failed`].
    pub fn sign(&self, wasm: &[u8], trusted_comment: &str) -> Result<String, SignError> {
        if trusted_comment.chars().any(char::is_control) {
            return Err(SignError::Comment);
        }
        let failed = |error: minisign::PError| SignError::Failed(error.to_string());
        let public = minisign::PublicKey::from_secret_key(&self.0).map_err(failed)?;
        let comment = Some("signature of an extension");
        // With the public half, so that the library checks what it has made.
        let signature = minisign::sign(Some(&public), &self.0, Cursor::new(wasm), Some(trusted_comment), comment);
        Ok(signature.map_err(failed)?.into_string())
    }
}

/// What a signature says of the file: `name=.. version=.. sha256=..`, and a comment of the signer's own.
pub fn trusted_comment(wasm: &[u8], manifest: &Manifest, comment: Option<&str>) -> String {
    let field = |name: &str, text: Option<&str>| text.map(|text| format!("{name}={}", one_word(text)));
    let fields = [
        field("name", manifest.name.as_deref()),
        field("version", manifest.version.as_deref()),
        field("sha256", Some(&sha256_hex(wasm))),
        comment.map(str::to_owned),
    ];
    fields.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A file that another tool has named may have anything in its name: it must not add a field.
fn one_word(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c.is_control() || c == '=' { '_' } else { c }).collect()
}

/// A comment, and then the key in base64.
fn decode(text: &str) -> Result<Vec<u8>, SignError> {
    let word = text.lines().nth(1).ok_or(SignError::NoSecretKey)?;
    BASE64_STANDARD.decode(word.trim()).map_err(|_| SignError::NoSecretKey)
}

fn id_of(key: &minisign::PublicKey) -> String {
    key.keynum().iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

/// Length of a secret key: three algorithms, salt and limits of the derivation, number, both halves and a checksum.
const KEY_BYTES: usize = 158;

#[cfg(test)]
mod tests;
