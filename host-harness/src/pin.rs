//! The pin: which leaf certificate a peer must present, and prove that it holds the key of.
//!
//! Checked: the SHA-256 of the leaf certificate's DER is one of the pins, and the handshake is signed with its key. The
//! second check is what makes the first mean anything: the certificate is public, and whoever copied it could present it.
//!
//! Not checked: the chain, the name, the dates. The agent signs its certificate itself, and the pin says more than they
//! could: which certificate, rather than who vouches for one.

use std::sync::Arc;

use agentapi_contract::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::spki::ObjectIdentifier;

/// Sessions that a client keeps for resuming. It talks to one agent, which hands out two tickets a connection.
const SESSIONS: usize = 8;

/// The DER of an RSA public key of 2048 bits, which is the least that signatures are checked with: 256 bytes of modulus, and
/// what stands around it.
const MIN_RSA_DER_BYTES: usize = 268;
/// Source: RFC 8017, appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The fingerprint of a leaf certificate.
pub(crate) fn fingerprint(leaf: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint::from_bytes(Sha256::digest(leaf).into())
}

/// The TLS of one client: its pins, and sessions that no other client sees. A resumed session does not present the
/// certificate again, so sessions must not be shared between pins.
pub(crate) fn client_config(
    provider: Arc<CryptoProvider>,
    pins: Arc<[Fingerprint]>,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = PinVerifier { pins, provider: Arc::clone(&provider) };
    config_with(provider, Arc::new(verifier))
}

/// TLS 1.2 and 1.3 with this verifier, no client certificate and sessions of its own.
pub(crate) fn config_with(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

/// How a peer failed the pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinMismatch {
    /// It presented another leaf certificate than a pinned one.
    #[error("expected fingerprint {}, presented {presented}", list(expected))]
    OtherLeaf {
        /// The pins.
        expected: Vec<Fingerprint>,
        /// The fingerprint of the leaf certificate that was presented.
        presented: Fingerprint,
    },
    /// It presented a pinned certificate and did not prove that it holds its key: somebody copied the certificate.
    #[error("the pinned certificate was presented by a peer that does not hold its key")]
    KeyNotProven,
}

impl PinMismatch {
    /// The mismatch behind a TLS error. `rustls::Error` has no source, so this is the one place that knows where it is.
    pub(crate) fn behind(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
                other.downcast_ref().cloned()
            }
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => Some(Self::KeyNotProven),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct PinVerifier {
    pins: Arc<[Fingerprint]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = fingerprint(end_entity);
        if self.pins.contains(&presented) {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = PinMismatch::OtherLeaf { expected: self.pins.to_vec(), presented };
        Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified =
            verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms);
        verified.map_err(|why| unless_weak(why, leaf))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified =
            verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms);
        verified.map_err(|why| unless_weak(why, leaf))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A signature by a key that is too weak to be checked is no proof, but no impostor's either.
fn unless_weak(why: rustls::Error, leaf: &CertificateDer<'_>) -> rustls::Error {
    let Ok(leaf) = Certificate::from_der(leaf) else { return why };
    let spki = leaf.tbs_certificate().subject_public_key_info();
    let bytes = spki.subject_public_key.raw_bytes().len();
    if spki.algorithm.oid == RSA_ENCRYPTION && bytes < MIN_RSA_DER_BYTES {
        return rustls::Error::General("expected an RSA key of at least 2048 bits, found a shorter one".into());
    }
    why
}

fn list(fingerprints: &[Fingerprint]) -> String {
    let texts: Vec<_> = fingerprints.iter().map(ToString::to_string).collect();
    texts.join(" or ")
}
