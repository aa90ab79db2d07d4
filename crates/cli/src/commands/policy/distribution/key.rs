//! The secret key that signs, and its password.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use agentapi_controller::config::read_secret;
use agentapi_registry::sign::SecretKey;
use anyhow::Context;
use clap::Args;

use crate::error::UsageError;

/// How something is signed.
#[derive(Args)]
pub(super) struct SigningOptions {
    /// The password of the secret key, in a file; without this, you are asked where it has one
    #[arg(long, value_name = "FILE")]
    pub(super) key_password_file: Option<PathBuf>,
    /// What the signature says besides name, version and digest
    #[arg(long, value_name = "TEXT")]
    pub(super) comment: Option<String>,
}

/// Opens a secret key, and asks for its password if it needs one that no file has.
pub(super) fn open(file: &Path, password_file: Option<&Path>) -> anyhow::Result<SecretKey> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let key = || format!("{} is no key to sign with", file.display());
    let password = match SecretKey::needs_password(&text).with_context(key)? {
        true => Some(password(password_file, || ask("Password of the key: "))?),
        false => None,
    };
    SecretKey::open(&text, password.as_deref()).with_context(key)
}

/// The password in a file, or the one that a person types.
pub(super) fn password(file: Option<&Path>, ask: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
    match file {
        // The message does not name the file: somebody may have given the password itself in its place.
        Some(file) => read_secret(file, "--key-password-file").context("--key-password-file cannot be read"),
        None if io::stdin().is_terminal() => ask(),
        None => {
            Err(UsageError("the key has a password, and nobody is asked here: give --key-password-file".into()).into())
        }
    }
}

/// Asks at the terminal, without showing what is typed.
pub(super) fn ask(prompt: &str) -> anyhow::Result<String> {
    rpassword::prompt_password(prompt).context("the password cannot be read from the terminal")
}
