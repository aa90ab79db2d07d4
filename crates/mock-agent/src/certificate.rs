//! The leaf certificate that a mock agent presents, and the one that it will present after a rotation.
//!
//! Each is self-signed, made while the agent runs and kept nowhere else. The next one exists beforehand, so that a
//! client can pin both and goes on working through a rotation.

use std::io;
use std::sync::Arc;

use agentapi_contract::Fingerprint;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// A leaf certificate, and the TLS configuration that presents it.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) fingerprint: Fingerprint,
    /// Has a session store of its own: a session that outlived a rotation would be resumed without the client seeing
    /// the new certificate.
    pub(crate) tls: Arc<ServerConfig>,
}

impl Certificate {
    /// A new key, and a certificate for it, for TLS 1.2 and 1.3.
    pub(crate) fn fresh(provider: &Arc<CryptoProvider>) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let leaf = leaf_params().and_then(|params| params.self_signed(&key));
        let leaf = leaf.map_err(io::Error::other)?;
        let der = leaf.der().clone();
        let fingerprint = Fingerprint::from_bytes(Sha256::digest(&der).into());
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let tls = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![der.clone()], key.into())
            .map_err(io::Error::other)?;
        Ok(Self { der, fingerprint, tls: Arc::new(tls) })
    }
}

/// The certificate that is presented and the one after it.
#[derive(Debug)]
pub(crate) struct Certificates {
    provider: Arc<CryptoProvider>,
    current: Certificate,
    next: Certificate,
}

impl Certificates {
    pub(crate) fn fresh(provider: Arc<CryptoProvider>) -> io::Result<Self> {
        Ok(Self { current: Certificate::fresh(&provider)?, next: Certificate::fresh(&provider)?, provider })
    }

    pub(crate) fn current(&self) -> &Certificate {
        &self.current
    }

    pub(crate) fn next(&self) -> &Certificate {
        &self.next
    }

    /// Presents the next certificate from now on, and makes the one after it.
    pub(crate) fn rotate(&mut self) -> io::Result<()> {
        // First what can fail, so that a failure changes nothing.
        let after = Certificate::fresh(&self.provider)?;
        self.current = std::mem::replace(&mut self.next, after);
        Ok(())
    }
}

fn leaf_params() -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "mock host agent");
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Certificates;

    #[test]
    fn a_rotation_serves_the_certificate_announced_as_the_next() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut certificates = Certificates::fresh(provider).unwrap();
        let (first, second) = (certificates.current().fingerprint, certificates.next().fingerprint);
        certificates.rotate().unwrap();
        assert_eq!(certificates.current().fingerprint, second);
        let third = certificates.next().fingerprint;
        assert!(first != second && second != third && first != third);
    }
}
