//! The leaf certificate that an agent presents, to be compared out of band before it is pinned.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Authority, Fingerprint};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout_at;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::error::{Error, Phase};
use crate::network::connect::{connect_tls, presented};
use crate::network::deadline::Deadline;
use crate::network::pin::{config_with_verifier, fingerprint};
use crate::network::signatures::{LeafRule, LeafVerifier};

/// The leaf certificate that an agent presents. It is shown, not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresentedLeaf {
    /// The SHA-256 of its DER.
    pub fingerprint: Fingerprint,
    /// Its subject (RFC 4514); empty where it cannot be read.
    pub subject: String,
    /// When its validity begins and ends (RFC 3339, UTC); none where they cannot be read.
    pub validity: Option<(String, String)>,
}

/// Opens a TLS connection, sends nothing over it, and says which leaf certificate was presented.
///
/// The peer proved that it holds the certificate's key, and nothing else: whether it is the agent, only somebody who
/// knows the agent's fingerprint can tell.
///
/// # Errors
///
/// [`Error::Unreachable`], [`Error::Tls`], and [`Error::Deadline`] when `limit` is over.
pub async fn presented_leaf(authority: &Authority, limit: Duration) -> Result<PresentedLeaf, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(LeafVerifier { rule: AnyLeaf, provider: Arc::clone(&provider) });
    let tls = config_with_verifier(provider, verifier).map_err(|why| Error::Component(why.into()))?;
    let mut phase = Phase::Connecting;
    let deadline = Deadline::after(limit);
    let connecting = connect_tls(authority, Arc::new(tls), &mut phase, Arc::default());
    let connected = timeout_at(deadline.at, connecting).await;
    let stream = connected.map_err(|_| deadline.error(authority, None, phase))?.map_err(to_tls_error)?;
    Ok(describe(presented(&stream)?))
}

/// There is no pin here that could be missed: a key that was not proven is a failed handshake.
fn to_tls_error(error: Error) -> Error {
    match error {
        Error::PinMismatch { authority, source } => Error::Tls { authority, source: io::Error::other(source) },
        other => other,
    }
}

fn describe(leaf: &CertificateDer<'_>) -> PresentedLeaf {
    let fingerprint = fingerprint(leaf);
    // The pin is on the bytes, so a certificate that cannot be parsed can be pinned all the same, and is shown.
    let Ok(certificate) = Certificate::from_der(leaf) else {
        return PresentedLeaf { fingerprint, subject: String::new(), validity: None };
    };
    let certificate = certificate.tbs_certificate();
    let validity = certificate.validity();
    let validity = (validity.not_before.to_string(), validity.not_after.to_string());
    PresentedLeaf { fingerprint, subject: certificate.subject().to_string(), validity: Some(validity) }
}

/// Accepts any leaf certificate, for looking at it: no request goes over such a connection.
#[derive(Debug)]
struct AnyLeaf;

impl LeafRule for AnyLeaf {
    fn check(&self, _leaf: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        Ok(())
    }
}
