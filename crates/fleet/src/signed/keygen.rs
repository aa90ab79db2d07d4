//! Signs by `ssh-keygen`, so that agents, passphrases and hardware keys work as people know them.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::signed::{Signed, Statement, canonical};

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It cannot be written as JSON.
    #[error("what is to be signed cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// There is no `ssh-keygen`, or it cannot be talked to.
    #[error("ssh-keygen cannot be run: it is part of OpenSSH")]
    Run(#[source] io::Error),
    /// It did not sign. It has said on the standard error why.
    #[error("ssh-keygen did not sign: it ended with {0}")]
    Refused(String),
}

impl Signed {
    /// Signs a statement with the key in this file: a private one, or a public one whose private half an agent has. Blocks
    /// while somebody types a passphrase, or touches a key.
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn by_ssh_keygen<S: Statement>(statement: &S, key_file: &Path) -> Result<Self, SignError> {
        let text = canonical(statement)?;
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-Y", "sign", "-n", S::NAMESPACE, "-f"]).arg(key_file);
        let mut child = keygen.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(SignError::Run)?;
        // Its end tells more than a pipe that it has closed, because it could not read the key.
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().map_err(SignError::Run)?;
        if !output.status.success() {
            return Err(SignError::Refused(output.status.to_string()));
        }
        written.map_err(SignError::Run)?;
        Ok(Self { text, signature: String::from_utf8_lossy(&output.stdout).into_owned() })
    }
}
