//! A certificate chain with the key that signs for it, and the fingerprints that a pin may name.

use std::io::{Error, Result};
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use sha2::{Digest, Sha256};

use crate::der::spki;
use crate::weak_rsa::WeakRsaKey;

/// What a peer presents and signs with. The two need not belong together: an impostor's do not.
pub(crate) struct Identity {
    /// Leaf first, never empty.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<dyn SigningKey>,
}

impl Identity {
    /// A fresh self-signed certificate.
    pub(crate) fn generate(provider: &CryptoProvider) -> Self {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { chain: vec![certificate.der().clone()], key: signing_key(provider, key).unwrap() }
    }

    /// The chain and the key of a PEM file: PKCS#8, PKCS#1 or SEC1.
    pub(crate) fn load(provider: &CryptoProvider, file: &Path) -> Result<Self> {
        let in_file = |error| Error::other(format!("{}: {error}", file.display()));
        let certificates = CertificateDer::pem_file_iter(file).map_err(in_file)?;
        let chain: Vec<_> = certificates.collect::<std::result::Result<_, _>>().map_err(in_file)?;
        if chain.is_empty() {
            return Err(Error::other(format!("{}: no certificate in it", file.display())));
        }
        let key = PrivateKeyDer::from_pem_file(file).map_err(in_file)?;
        let key = signing_key(provider, key).map_err(Error::other)?;
        Ok(Self { chain, key })
    }

    /// SHA-256 of the leaf certificate's DER, in lower-case hex.
    pub(crate) fn fingerprint(&self) -> String {
        hex_sha256(&self.chain[0])
    }

    /// SHA-256 of the last certificate's DER, in lower-case hex.
    pub(crate) fn last_fingerprint(&self) -> String {
        hex_sha256(&self.chain[self.chain.len() - 1])
    }

    /// SHA-256 of the leaf certificate's SPKI, in lower-case hex.
    pub(crate) fn spki_fingerprint(&self) -> String {
        hex_sha256(spki(&self.chain[0]).expect("the leaf certificate has a public key"))
    }
}

fn signing_key(
    provider: &CryptoProvider,
    key: PrivateKeyDer<'static>,
) -> std::result::Result<Arc<dyn SigningKey>, rustls::Error> {
    let weak = WeakRsaKey::from_der(key.secret_der());
    let refused = match provider.key_provider.load_private_key(key) {
        Ok(key) => return Ok(key),
        Err(refused) => refused,
    };
    match weak {
        Some(key) => Ok(Arc::new(key)),
        None => Err(refused),
    }
}

fn hex_sha256(der: &[u8]) -> String {
    format!("{:x}", Sha256::digest(der))
}
