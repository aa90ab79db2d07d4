//! Checks a signature of [minisign](https://jedisct1.github.io/minisign/) over the bytes of an extension.
//!
//! A signature file has two signatures: one of the bytes, and one of the first with the *trusted comment*. They are checked
//! apart, because they fail for different reasons: a comment that the key never signed is a forged file, a comment that holds
//! with other bytes is an extension that was changed, or the signature of another one. Only prehashed signatures are
//! accepted, which every minisign since 2021 makes.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Serialize, Serializer};

use crate::sha256_hex;

/// What the signature of a file is called: its name with this at the end.
pub const SUFFIX: &str = ".minisig";

/// The number that minisign gives a key, and shows as 16 hex digits. It names a key and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(u64);

/// A public key of minisign.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    text: String,
    key: minisign_verify::PublicKey,
    ed25519: [u8; 32],
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// The key that made it.
    pub key: KeyId,
    /// What the signer says of the file, signed with it.
    pub trusted_comment: String,
}

/// Why a text is no public key. It does not repeat the text: somebody may have given a secret key in its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// It is something else.
    #[error(
        "expected a public key of minisign, 56 characters that begin with RW, or a file with one, found something else"
    )]
    NoKey,
    /// It is no key, and no file that can be read.
    #[error("expected a public key of minisign, 56 characters that begin with RW, or a file with one that can be read")]
    Unreadable(#[source] io::Error),
}

/// Why an extension does not count as signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature.
    #[error("expected a signature by {}, found none: there is no {found}", ids(expected))]
    Missing {
        /// The keys that were asked for.
        expected: Vec<KeyId>,
        /// Where one was looked for.
        found: String,
    },
    /// The file of the signature cannot be read.
    #[error("the signature {} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is no signature.
    #[error("expected a signature of minisign in four lines, found something else")]
    Malformed,
    /// It is one of the form without a hash, which minisign made until 2021.
    #[error("expected a prehashed signature, found one in the old form: sign it again")]
    Legacy,
    /// None of the keys made it.
    #[error("unknown key: expected a signature by {}, found one by key {found}", ids(expected))]
    UnknownKey {
        /// The keys that were asked for.
        expected: Vec<KeyId>,
        /// The key that it names.
        found: KeyId,
    },
    /// It names a key that did not make it.
    #[error("wrong signature: it names key {key}, which did not make it")]
    Forged {
        /// The key that it names.
        key: KeyId,
    },
    /// The key made it for other bytes.
    #[error("changed bytes: the signature by key {key} is for other bytes ({trusted_comment}), found sha256={sha256}")]
    OtherBytes {
        /// The key that made it.
        key: KeyId,
        /// What it says of the bytes that it is for.
        trusted_comment: String,
        /// The digest of those that were found.
        sha256: String,
    },
}

impl PublicKey {
    /// The key's number.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key as one word of base64.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a key that is given as itself, or as the name of a file with it.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError`].
    pub fn from_text_or_file(text: &str, folder: &Path) -> Result<Self, PublicKeyError> {
        match text.parse() {
            Err(PublicKeyError::NoKey) => {
                fs::read_to_string(folder.join(text)).map_err(PublicKeyError::Unreadable)?.parse()
            }
            key => key,
        }
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    /// Reads the key itself, or the two lines of a file with it.
    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let word = match (lines.next(), lines.next(), lines.next()) {
            (Some(word), None, None) => word,
            (Some(comment), Some(word), None) if comment.starts_with("untrusted comment:") => word,
            _ => return Err(PublicKeyError::NoKey),
        };
        let key = minisign_verify::PublicKey::from_base64(word).map_err(|_| PublicKeyError::NoKey)?;
        let bytes = BASE64_STANDARD.decode(word).map_err(|_| PublicKeyError::NoKey)?;
        let id = key_id(&bytes).ok_or(PublicKeyError::NoKey)?;
        let ed25519 = bytes.get(10..).and_then(|key| key.try_into().ok()).ok_or(PublicKeyError::NoKey)?;
        Ok(Self { id, text: word.to_owned(), key, ed25519 })
    }
}

/// Checks that one of these keys signed these bytes.
///
/// # Errors
///
/// [`SignatureError`], never [`SignatureError::Missing`].
pub fn verify(wasm: &[u8], signature: &str, keys: &[PublicKey]) -> Result<Signed, SignatureError> {
    let Parsed { key: found, trusted_comment, signed, proof } = parse(signature)?;
    let decoded = minisign_verify::Signature::decode(signature).map_err(|_| SignatureError::Malformed)?;
    let named: Vec<_> = keys.iter().filter(|key| key.id == found).collect();
    if named.is_empty() {
        let expected = keys.iter().map(PublicKey::id).collect();
        return Err(SignatureError::UnknownKey { expected, found });
    }
    // A number is no proof, and two keys may have the same.
    let made_it = |key: &&&PublicKey| UnparsedPublicKey::new(&ED25519, &key.ed25519).verify(&signed, &proof).is_ok();
    let Some(key) = named.iter().find(made_it) else { return Err(SignatureError::Forged { key: found }) };
    match key.key.verify(wasm, &decoded, false) {
        Ok(()) => Ok(Signed { key: found, trusted_comment }),
        Err(minisign_verify::Error::UnexpectedAlgorithm) => Err(SignatureError::Legacy),
        Err(_) => Err(SignatureError::OtherBytes { key: found, trusted_comment, sha256: sha256_hex(wasm) }),
    }
}

/// As [`verify`], with the signature in the file beside the extension.
///
/// # Errors
///
/// [`SignatureError`].
pub fn verify_beside(file: &Path, wasm: &[u8], keys: &[PublicKey]) -> Result<Signed, SignatureError> {
    let beside = beside(file);
    match fs::read_to_string(&beside) {
        Ok(signature) => verify(wasm, &signature, keys),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(keys, &beside.display().to_string())),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(SignatureError::Malformed),
        Err(source) => Err(SignatureError::Unreadable { file: beside, source }),
    }
}

/// That there is no signature where one was looked for.
pub fn missing(keys: &[PublicKey], place: &str) -> SignatureError {
    SignatureError::Missing { expected: keys.iter().map(PublicKey::id).collect(), found: place.to_owned() }
}

/// Where the signature of a file is.
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// What a signature says of itself, unchecked: the key that it names and its comment.
///
/// # Errors
///
/// [`SignatureError::Malformed`].
pub fn unchecked(signature: &str) -> Result<Signed, SignatureError> {
    let Parsed { key, trusted_comment, .. } = parse(signature)?;
    Ok(Signed { key, trusted_comment })
}

struct Parsed {
    key: KeyId,
    trusted_comment: String,
    /// What the second signature is of: the first, and the comment.
    signed: Vec<u8>,
    proof: Vec<u8>,
}

fn parse(signature: &str) -> Result<Parsed, SignatureError> {
    let mut lines = signature.lines().skip(1);
    let mut line = || lines.next().ok_or(SignatureError::Malformed);
    let decode = |line: &str| BASE64_STANDARD.decode(line).map_err(|_| SignatureError::Malformed);
    let first = decode(line()?)?;
    let comment = line()?.strip_prefix("trusted comment: ").ok_or(SignatureError::Malformed)?;
    let proof = decode(line()?)?;
    let key = key_id(&first).ok_or(SignatureError::Malformed)?;
    let signed = [first.get(10..).unwrap_or_default(), comment.as_bytes()].concat();
    Ok(Parsed { key, trusted_comment: comment.to_owned(), signed, proof })
}

/// Two bytes name the algorithm; then comes the number, the lowest byte first.
fn key_id(bytes: &[u8]) -> Option<KeyId> {
    let id = bytes.get(2..10)?.try_into().ok()?;
    Some(KeyId(u64::from_le_bytes(id)))
}

fn ids(keys: &[KeyId]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| format!("key {key}")).collect();
    if keys.is_empty() { "a key".to_owned() } else { keys.join(" or ") }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

#[cfg(test)]
mod tests;
