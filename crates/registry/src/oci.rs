//! Pushing an extension to an OCI registry and pulling it from there, in the layout that the wasm working group of the CNCF
//! wrote down, so that other tools find it. See [`artifact`] for what it consists of.
//!
//! What comes from a registry is checked against its digest before anybody sees it, and is never compiled or run. The
//! signature lies beside the artifact as one of its own, which names it as its subject, under the tag
//! `sha256-<digest>.minisig`: registries that list referrers show it, and those that do not have it under that tag.
//!
//! A registry is asked by HTTPS, with the certificate authorities of this machine; on loopback by plain HTTP.

pub mod artifact;
mod credentials;
mod error;
mod reference;

use std::time::Duration;

use futures_util::TryStreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};

pub use credentials::Login;
pub use error::RegistryError;
pub use reference::{Reference, ReferenceError};

use crate::manifest::Manifest;
use crate::sha256_hex;
use artifact::{Artifact, Blob, WrongArtifact};

/// Size of an extension in bytes: far more than a whole Python in it, and what the memory of a small machine holds.
pub const MAX_WASM: u64 = 256 << 20;
/// Size of a manifest in bytes, as the distribution specification sets it.
const MAX_MANIFEST: u64 = 4 << 20;
/// Size of a signature in bytes: four lines.
const MAX_SIGNATURE: u64 = 16 << 10;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a registry may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// A registry, as somebody.
pub struct Registry {
    client: Client,
    auth: RegistryAuth,
    name: String,
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The reference by digest, which never names anything else.
    pub reference: Reference,
    /// That of its signature, if there is one.
    pub signature: Option<Reference>,
}

/// What was pulled.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// What the manifest says.
    pub artifact: Artifact,
    /// The reference by digest.
    pub reference: Reference,
    /// The bytes, with the digest that the manifest names.
    pub wasm: Vec<u8>,
    /// The file of its signature, unchecked.
    pub signature: Option<String>,
}

impl Registry {
    /// The registry of a reference. Asks nothing yet.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Credentials`], [`RegistryError::Transport`].
    pub fn open(of: &Reference, login: Login) -> Result<Self, RegistryError> {
        // The library makes its own connections, and takes the process's provider for them; this is the only way to say
        // which. If there is one already it is ring too, the only one that is compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let protocol = if of.is_loopback() { ClientProtocol::Http } else { ClientProtocol::Https };
        let (connect_timeout, read_timeout) = (Some(CONNECT), Some(SILENCE));
        let config = ClientConfig { protocol, connect_timeout, read_timeout, ..ClientConfig::default() };
        let name = of.registry().to_owned();
        let failed = |source| RegistryError::Transport { registry: name.clone(), source: Box::new(source) };
        let client = Client::try_from(config).map_err(failed)?;
        Ok(Self { client, auth: login.auth(of)?, name })
    }

    /// Pushes an extension, and its signature if there is one.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn push(
        &self,
        to: &Reference,
        wasm: Vec<u8>,
        manifest: &Manifest,
        signature: Option<&str>,
    ) -> Result<Pushed, RegistryError> {
        let auth = self.client.auth(to.oci(), &self.auth, RegistryOperation::Push).await;
        auth.map_err(|error| self.error(to, error))?;
        let new = artifact::extension(&wasm, manifest)?;
        self.push_blob(to, new.config.clone()).await?;
        self.push_blob(to, wasm).await?;
        let reference = self.push_manifest(to, to.tag(), &new.manifest).await?;
        let Some(signature) = signature else { return Ok(Pushed { reference, signature: None }) };
        let subject = Blob { media_type: OCI_IMAGE_MEDIA_TYPE, bytes: &new.manifest };
        let of_signature = artifact::signature(signature, &subject);
        self.push_blob(to, of_signature.config.clone()).await?;
        self.push_blob(to, signature.as_bytes().to_vec()).await?;
        let tag = signature_tag(reference.digest().unwrap_or_default());
        let signature = self.push_manifest(to, Some(&tag), &of_signature.manifest).await?;
        Ok(Pushed { reference, signature: Some(signature) })
    }

    /// Looks an extension up: its digest and what its manifest says. A tag is resolved here, once.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn look(&self, at: &Reference) -> Result<(Reference, Artifact), RegistryError> {
        let manifest = self.pull_manifest(at).await?;
        let reference = at.with_digest(&digest_of(&manifest));
        let wrong = |source| RegistryError::Artifact { reference: at.clone(), source };
        Ok((reference, Artifact::parse(&manifest).map_err(wrong)?))
    }

    /// Pulls what was [looked](Self::look) up.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn pull(&self, reference: Reference, artifact: Artifact) -> Result<Pulled, RegistryError> {
        let wasm = self.pull_blob(&reference, &artifact.layer, MAX_WASM).await?;
        let signature = self.signature(&reference).await?;
        Ok(Pulled { artifact, reference, wasm, signature })
    }

    /// The signature of an artifact, unchecked. None if there is none.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub async fn signature(&self, of: &Reference) -> Result<Option<String>, RegistryError> {
        let at = of.with_tag(&signature_tag(of.digest().unwrap_or_default()));
        let manifest = match self.pull_manifest(&at).await {
            Err(RegistryError::NotFound(_)) => return Ok(None),
            manifest => manifest?,
        };
        let wrong = |source| RegistryError::Artifact { reference: at.clone(), source };
        let layer = artifact::layer_of_signature(&manifest).map_err(wrong)?;
        let bytes = self.pull_blob(&at, &layer, MAX_SIGNATURE).await?;
        String::from_utf8(bytes).map(Some).map_err(|_| wrong(WrongArtifact::Signature))
    }

    async fn push_blob(&self, to: &Reference, bytes: Vec<u8>) -> Result<(), RegistryError> {
        let digest = digest_of(&bytes);
        self.client.push_blob(to.oci(), bytes, &digest).await.map_err(|error| self.error(to, error))?;
        Ok(())
    }

    async fn push_manifest(
        &self,
        to: &Reference,
        tag: Option<&str>,
        manifest: &[u8],
    ) -> Result<Reference, RegistryError> {
        let by_digest = to.with_digest(&digest_of(manifest));
        let at = tag.map_or_else(|| by_digest.clone(), |tag| to.with_tag(tag));
        let pushed = match OCI_IMAGE_MEDIA_TYPE.parse() {
            Ok(content_type) => self.client.push_manifest_raw(at.oci(), manifest.to_vec(), content_type).await,
            Err(_) => Err(OciDistributionError::GenericError(None)),
        };
        pushed.map_err(|error| self.error(&at, error))?;
        Ok(by_digest)
    }

    async fn pull_manifest(&self, at: &Reference) -> Result<Vec<u8>, RegistryError> {
        let accepted = artifact::ANSWERED;
        let pulled = self.client.pull_manifest_raw(at.oci(), &self.auth, accepted).await;
        // The library has compared the digest that was asked for.
        let (bytes, _) = pulled.map_err(|error| self.error(at, error))?;
        let too_large = RegistryError::TooLarge { what: format!("the manifest of {at}"), limit: MAX_MANIFEST };
        if bytes.len() as u64 > MAX_MANIFEST { Err(too_large) } else { Ok(bytes.into()) }
    }

    async fn pull_blob(&self, from: &Reference, of: &OciDescriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let what = || format!("{} of {from}", of.digest);
        let expected = u64::try_from(of.size).unwrap_or(u64::MAX);
        // Looked at before anything is asked for, and again while it comes: the manifest may lie.
        if expected > limit {
            return Err(RegistryError::TooLarge { what: what(), limit });
        }
        let stream = self.client.pull_blob_stream(from.oci(), of).await;
        let mut stream = stream.map_err(|error| self.error(from, error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.try_next().await.map_err(|error| self.stream_error(&what(), error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                return Err(RegistryError::TooLarge { what: what(), limit });
            }
        }
        match (digest_of(&bytes), bytes.len() as u64) {
            (found, _) if found != of.digest => {
                Err(RegistryError::Digest { what: from.to_string(), expected: of.digest.clone(), found })
            }
            (_, found) if found != expected => Err(RegistryError::Size { what: what(), expected, found }),
            _ => Ok(bytes),
        }
    }
}

fn signature_tag(digest: &str) -> String {
    format!("{}.minisig", digest.replace(':', "-"))
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}
