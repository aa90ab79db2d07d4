//! Why a registry did not do what it was asked, and what the library's errors mean.

use std::error::Error;
use std::io;

use oci_client::errors::{DigestError, OciDistributionError, OciError, OciErrorCode};
use oci_client::secrets::RegistryAuth;

use super::artifact::WrongArtifact;
use super::{Reference, Registry};
use crate::manifest::ManifestError;

/// Why something was neither pushed nor pulled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry does not have it.
    #[error("{0} is not in the registry")]
    NotFound(Reference),
    /// The registry wants to know who asks, or does not let them.
    #[error(
        "{registry} refuses access: expected credentials in docker's configuration or by --username, found {found}"
    )]
    Access {
        /// The registry.
        registry: String,
        /// What it was given.
        found: &'static str,
    },
    /// The credentials cannot be read.
    #[error("the credentials in docker's configuration cannot be used: {0}")]
    Credentials(&'static str),
    /// It is no extension in the expected layout.
    #[error("{reference} is no extension")]
    Artifact {
        /// What was asked for.
        reference: Reference,
        /// Why.
        source: WrongArtifact,
    },
    /// What came has another digest.
    #[error("{what}: expected the digest {expected}, found {found}")]
    Digest {
        /// What was asked for.
        what: String,
        /// Its digest.
        expected: String,
        /// That of what came.
        found: String,
    },
    /// What came is larger than it may be.
    #[error("{what}: expected up to {limit} bytes, found more")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// What came has another size than the manifest says.
    #[error("{what}: expected {expected} bytes, found {found}")]
    Size {
        /// What was asked for.
        what: String,
        /// What the manifest says.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The file cannot be pushed.
    #[error("the file cannot be pushed")]
    Manifest(#[from] ManifestError),
    /// The registry cannot be asked, or answers something else.
    #[error("{registry} cannot be asked")]
    Transport {
        /// The registry.
        registry: String,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Registry {
    pub(super) fn error(&self, at: &Reference, error: OciDistributionError) -> RegistryError {
        match error {
            OciDistributionError::ImageManifestNotFoundError(_) => RegistryError::NotFound(at.clone()),
            OciDistributionError::RegistryError { envelope, .. } if envelope.errors.iter().any(is_not_found) => {
                RegistryError::NotFound(at.clone())
            }
            OciDistributionError::ServerError { code: 404, .. } => RegistryError::NotFound(at.clone()),
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError { code: 401 | 403, .. } => self.access_error(),
            OciDistributionError::RegistryError { envelope, .. } if envelope.errors.iter().any(is_access) => {
                self.access_error()
            }
            OciDistributionError::DigestError(DigestError::VerificationError { expected, actual }) => {
                RegistryError::Digest { what: at.to_string(), expected, found: actual }
            }
            error => RegistryError::Transport { registry: self.name.clone(), source: Box::new(error) },
        }
    }

    fn access_error(&self) -> RegistryError {
        let found = if self.auth == RegistryAuth::Anonymous { "none" } else { "some that it does not accept" };
        RegistryError::Access { registry: self.name.clone(), found }
    }

    /// The library compares the digest itself at the end of a stream, and tells so in an I/O error.
    pub(super) fn stream_error(&self, what: &str, error: io::Error) -> RegistryError {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(DigestError::VerificationError { expected, actual }) => {
                RegistryError::Digest { what: what.to_owned(), expected: expected.clone(), found: actual.clone() }
            }
            _ => RegistryError::Transport { registry: self.name.clone(), source: Box::new(error) },
        }
    }
}

fn is_access(error: &OciError) -> bool {
    matches!(error.code, OciErrorCode::Unauthorized | OciErrorCode::Denied)
}

fn is_not_found(error: &OciError) -> bool {
    use OciErrorCode::{BlobUnknown, ManifestUnknown, NameUnknown, NotFound};
    matches!(error.code, BlobUnknown | ManifestUnknown | NameUnknown | NotFound)
}
