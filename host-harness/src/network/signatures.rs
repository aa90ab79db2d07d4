//! The half of a certificate verifier that is the same whichever leaf certificate it accepts: the peer must prove that
//! it holds the key.
//!
//! A certificate is public: whoever has seen it can present it. Only the signature over the handshake proves the peer,
//! so no verifier here may leave it out, and all of them take it from here.

use std::fmt::Debug;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::spki::ObjectIdentifier;

/// Bytes in the DER of an RSA public key of 2048 bits, the shortest that webpki checks signatures with: 256 bytes of
/// modulus and what encodes it.
const MIN_RSA_DER_BYTES: usize = 268;
/// Source: RFC 8017, appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Which leaf certificates a verifier accepts. Whether the peer holds the key is checked whatever the rule.
pub(super) trait LeafRule: Debug + Send + Sync + 'static {
    /// An error refuses the leaf certificate, and with it the connection.
    fn check(&self, leaf: &CertificateDer<'_>) -> Result<(), rustls::Error>;
}

/// A verifier that accepts the leaf certificates of a rule from peers that hold their key.
#[derive(Debug)]
pub(super) struct LeafVerifier<R> {
    pub(super) rule: R,
    pub(super) provider: Arc<CryptoProvider>,
}

impl<R: LeafRule> ServerCertVerifier for LeafVerifier<R> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Intermediates, name, OCSP and time are not looked at: the agent signs its certificate itself, and the rule
        // says more than they could.
        self.rule.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signature, algorithms).map_err(|why| report_weak_key(why, leaf))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signature, algorithms).map_err(|why| report_weak_key(why, leaf))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// webpki reports an RSA key under 2048 bits as a bad signature, which would be reported as an impostor. A weak key
/// gets an error of its own.
fn report_weak_key(why: rustls::Error, leaf: &CertificateDer<'_>) -> rustls::Error {
    let Ok(leaf) = Certificate::from_der(leaf) else { return why };
    let spki = leaf.tbs_certificate().subject_public_key_info();
    let bytes = spki.subject_public_key.raw_bytes().len();
    if spki.algorithm.oid == RSA_ENCRYPTION && bytes < MIN_RSA_DER_BYTES {
        return rustls::Error::General("expected an RSA key of at least 2048 bits, found a shorter one".into());
    }
    why
}
