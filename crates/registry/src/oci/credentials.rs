//! As whom a registry is asked.

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential};
use oci_client::secrets::RegistryAuth;

use super::{Reference, RegistryError};

/// As whom a registry is asked.
pub enum Login {
    /// As docker's configuration says: `~/.docker/config.json` or `$DOCKER_CONFIG`, and its helpers. As nobody where it says
    /// nothing of this registry.
    Docker,
    /// As this user.
    Password {
        /// Their name.
        username: String,
        /// Their password or access token.
        password: String,
    },
}

impl Login {
    pub(super) fn auth(self, at: &Reference) -> Result<RegistryAuth, RegistryError> {
        match self {
            Self::Password { username, password } => Ok(RegistryAuth::Basic(username, password)),
            Self::Docker => from_docker(at.registry()),
        }
    }
}

fn from_docker(registry: &str) -> Result<RegistryAuth, RegistryError> {
    use CredentialRetrievalError::{ConfigNotFound, ConfigReadError, HelperFailure, NoCredentialConfigured};
    match get_credential(registry) {
        Ok(DockerCredential::UsernamePassword(username, password)) => Ok(RegistryAuth::Basic(username, password)),
        // It is exchanged for a token by a request of its own, which the library does not make.
        Ok(DockerCredential::IdentityToken(_)) => {
            Err(RegistryError::Credentials("expected a user and a password, found an identity token"))
        }
        Err(NoCredentialConfigured | ConfigNotFound | ConfigReadError) => Ok(RegistryAuth::Anonymous),
        // Not its own text, which repeats what the helper printed. Helpers also fail where they know nothing.
        Err(HelperFailure { .. }) => Ok(RegistryAuth::Anonymous),
        Err(_) => Err(RegistryError::Credentials("expected what docker login writes, found something else")),
    }
}
