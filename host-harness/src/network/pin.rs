//! The pin: the leaf certificate that a peer must present, and whose key it must prove to hold.
//!
//! Checked: the SHA-256 of the leaf certificate's DER is one of the pins, and the handshake is signed with its key
//! (`signatures.rs`). Not checked: the chain, the name, the dates. The agent signs its certificate itself, and the pin
//! says more than they could: which certificate, rather than who vouches for one.

use std::sync::Arc;

use agentapi_contract::{Fingerprint, Pins};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, OtherError};

use crate::error::{Error, PinMismatch};
use crate::network::handshake::NoClientCertificate;
use crate::network::signatures::{LeafRule, LeafVerifier};
use crate::sha256::sha256;

/// TLS sessions that a client keeps for resumption. It talks to one agent, which hands out two tickets a connection.
const MAX_SESSIONS: usize = 8;

/// A TLS configuration that accepts only a peer which presents a pinned leaf certificate and proves that it holds its
/// key: for what else a controller connects to with a pin, such as a message bus.
///
/// TLS 1.2 and 1.3, no client certificate, sessions of its own. Make one for each peer: a resumed session does not
/// present the certificate again, so sessions must not be shared between pins.
///
/// # Errors
///
/// [`Error::Component`] when the TLS library refuses the configuration, which would be a bug.
pub fn pinned_tls(pins: Pins) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    client_config(provider, pins).map_err(|why| Error::Component(why.into()))
}

/// The fingerprint of a leaf certificate.
pub(super) fn fingerprint(leaf: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint::from_bytes(sha256(leaf))
}

/// The TLS of one client: its pins, and sessions that no other client sees.
pub(super) fn client_config(provider: Arc<CryptoProvider>, pins: Pins) -> Result<ClientConfig, rustls::Error> {
    let verifier = LeafVerifier { rule: PinRule(pins), provider: Arc::clone(&provider) };
    config_with_verifier(provider, Arc::new(verifier))
}

/// TLS 1.2 and 1.3 with this verifier, no client certificate and sessions of its own.
pub(super) fn config_with_verifier(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(NoClientCertificate));
    // A store of its own: a resumed session does not present the certificate again, so it must not cross pins.
    config.resumption = Resumption::in_memory_sessions(MAX_SESSIONS);
    Ok(config)
}

/// The mismatch inside a TLS error, if it is one.
pub(super) fn mismatch_from_rustls(error: &rustls::Error) -> Option<PinMismatch> {
    // `rustls::Error` has no `source`, so this is the one place that knows where in it the verifier's refusal is.
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => other.downcast_ref().cloned(),
        // Only the signature over the handshake is ever checked here, so a bad one means a peer without the key.
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => Some(PinMismatch::KeyNotProven),
        _ => None,
    }
}

/// Accepts the pinned leaf certificates.
#[derive(Debug)]
struct PinRule(Pins);

impl LeafRule for PinRule {
    fn check(&self, leaf: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let presented = fingerprint(leaf);
        if self.0.contains(&presented) {
            return Ok(());
        }
        // `Other` never compares equal to another error, so it is found again by its type alone.
        let mismatch = PinMismatch::OtherLeaf { expected: self.0.clone(), presented };
        Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
    }
}
