//! The certificates that agents present, and a TLS configuration for every opening, each made once.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use crate::behaviour::{Opening, TlsVersion};
use crate::identity::Identity;

/// Certificates for many agents. Cloning shares them, and with them keys and TLS configurations.
#[derive(Clone)]
pub struct Certificates(Arc<Shared>);

struct Shared {
    provider: Arc<CryptoProvider>,
    pinned: Arc<Identity>,
    other: Arc<Identity>,
    folder: Option<PathBuf>,
    loaded: Mutex<HashMap<String, Arc<Identity>>>,
    configs: Mutex<HashMap<Opening, Arc<ServerConfig>>>,
}

impl Certificates {
    /// Generates the pinned and the other certificate, both self-signed.
    pub fn generate() -> Self {
        Self::new(None)
    }

    /// The same, with a folder that holds a file `KIND.pem` for each `cert:KIND`: the leaf, the rest of the chain, and
    /// the leaf's key. A file is read when an answer first asks for it.
    pub fn with_folder(folder: impl Into<PathBuf>) -> Self {
        Self::new(Some(folder.into()))
    }

    fn new(folder: Option<PathBuf>) -> Self {
        let provider = Arc::new(ring::default_provider());
        Self(Arc::new(Shared {
            pinned: Arc::new(Identity::generate(&provider)),
            other: Arc::new(Identity::generate(&provider)),
            provider,
            folder,
            loaded: Mutex::default(),
            configs: Mutex::default(),
        }))
    }

    /// The certificate that is not the pinned one.
    pub(crate) fn other(&self) -> Arc<Identity> {
        Arc::clone(&self.0.other)
    }

    /// What a client should pin for a peer with this opening: the certificate that it presents, or should present.
    pub(crate) fn pinned(&self, opening: &Opening) -> Result<Arc<Identity>> {
        match opening {
            Opening::Certificate(kind) => self.of_kind(kind),
            _ => Ok(Arc::clone(&self.0.pinned)),
        }
    }

    /// The configuration for this opening.
    pub(crate) fn config(&self, opening: &Opening) -> Result<Arc<ServerConfig>> {
        if let Some(config) = self.0.configs.lock().unwrap().get(opening) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(opening)?);
        let mut configs = self.0.configs.lock().unwrap();
        Ok(Arc::clone(configs.entry(opening.clone()).or_insert(config)))
    }

    fn build(&self, opening: &Opening) -> Result<ServerConfig> {
        let provider = match opening {
            Opening::KeyExchange(exchange) => Arc::new(exchange.provider()),
            _ => Arc::clone(&self.0.provider),
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(opening))
            .map_err(Error::other)?;
        let builder = match self.client_verifier(opening)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        // Not `with_single_cert`, which refuses a certificate that it cannot parse, or one with another key.
        let presented = SingleCertAndKey::from(self.presented(opening)?);
        let mut config = builder.with_cert_resolver(Arc::new(presented));
        if *opening == Opening::AlpnH2 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        if *opening == Opening::RequestClientCertificateWithoutTickets {
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    fn presented(&self, opening: &Opening) -> Result<CertifiedKey> {
        let own = self.pinned(opening)?;
        let (shown, signs) = match opening {
            Opening::WrongCertificate => (&self.0.other, &self.0.other),
            Opening::Impostor(_) => (&own, &self.0.other),
            _ => (&own, &own),
        };
        let key: Arc<dyn SigningKey> = Arc::clone(&signs.key);
        Ok(CertifiedKey::new(shown.chain.clone(), key))
    }

    fn client_verifier(&self, opening: &Opening) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
        let optional = match opening {
            Opening::RequestClientCertificate | Opening::RequestClientCertificateWithoutTickets => true,
            Opening::RequireClientCertificate | Opening::RequireClientCertificateIn(_) => false,
            _ => return Ok(None),
        };
        let mut roots = RootCertStore::empty();
        roots.add(self.0.pinned.chain[0].clone()).map_err(Error::other)?;
        let provider = Arc::clone(&self.0.provider);
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = if optional { builder.allow_unauthenticated() } else { builder };
        builder.build().map(Some).map_err(Error::other)
    }

    fn of_kind(&self, kind: &str) -> Result<Arc<Identity>> {
        if let Some(identity) = self.0.loaded.lock().unwrap().get(kind) {
            return Ok(Arc::clone(identity));
        }
        let folder = self.0.folder.as_ref().ok_or(ErrorKind::NotFound)?;
        let file = folder.join(format!("{kind}.pem"));
        let identity = Arc::new(Identity::load(&self.0.provider, &file)?);
        let mut loaded = self.0.loaded.lock().unwrap();
        Ok(Arc::clone(loaded.entry(kind.to_owned()).or_insert(identity)))
    }
}

fn versions(opening: &Opening) -> &'static [&'static SupportedProtocolVersion] {
    static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];
    static TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];
    let only = match opening {
        Opening::Only(version) | Opening::Impostor(version) | Opening::RequireClientCertificateIn(version) => version,
        _ => return rustls::ALL_VERSIONS,
    };
    match only {
        TlsVersion::Tls12 => &TLS12,
        TlsVersion::Tls13 => &TLS13,
    }
}
