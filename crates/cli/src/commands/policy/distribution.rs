//! `agentapi policy keygen`, `sign`, `verify`, `inspect`, `push` and `pull`: where an extension comes from. None of them
//! compiles or runs one.

mod inspect;
mod key;
mod keygen;
#[cfg(feature = "registry")]
mod registry;
mod sign;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use agentapi_registry::signature::PublicKey;
use anyhow::Context;
use clap::{Args, Subcommand};

use crate::commands::policy::distribution::key::SigningOptions;
#[cfg(not(feature = "registry"))]
use crate::error::CommandError;
use crate::session::Session;

#[derive(Subcommand)]
pub(crate) enum DistributionCommand {
    /// Make a key to sign extensions with; the tool minisign reads it too
    ///
    /// Writes the secret key to KEY, which only you may read, and the public one to KEY.pub. Signs nothing, and
    /// replaces no file.
    Keygen(KeygenOptions),
    /// Sign an extension: writes FILE.minisig, which the tool minisign reads too
    Sign(SignOptions),
    /// Check who signed an extension; runs nothing
    ///
    /// Fails where there is no signature in FILE.minisig, where it is by another key, where the key that it names
    /// did not make it, and where it is for other bytes.
    Verify(VerifyOptions),
    /// Show what an extension says of itself, in a file or in a registry; runs nothing
    ///
    /// What it calls and needs is what its author says. `agentapi policy check` reads what it imports.
    Inspect(InspectOptions),
    /// Push an extension to an OCI registry, with its signature, and print its reference by digest
    ///
    /// The signature is FILE.minisig where there is one, or a new one with --sign-key.
    #[command(after_long_help = "\
Example:
  agentapi policy push nightly.wasm registry.example.org/nightly:1.0.0 \\
    --sign-key felhom.key")]
    Push(PushOptions),
    /// Pull an extension from an OCI registry, with its signature; runs nothing
    ///
    /// Writes FILE, its signature to FILE.minisig, and to FILE.from where it came from. A tag that names another
    /// extension than when FILE was pulled is refused.
    #[command(after_long_help = "\
Example:
  agentapi policy pull registry.example.org/nightly@sha256:4f1e.. \\
    --signed-by felhom.key.pub")]
    Pull(PullOptions),
}

#[derive(Args)]
pub(crate) struct KeygenOptions {
    /// The file of the secret key
    key: PathBuf,
    /// Make a key without a password: for a machine that signs alone
    #[arg(long, conflicts_with = "key_password_file")]
    no_password: bool,
    /// The password of the key, in a file; without this, you are asked
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SignOptions {
    /// The extension
    file: PathBuf,
    /// The file of the secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: SigningOptions,
}

#[derive(Args)]
pub(crate) struct VerifyOptions {
    /// The extension
    file: PathBuf,
    /// A public key, or a file with one; one of several has to have signed it
    #[arg(long, value_name = "KEY", required = true)]
    signed_by: Vec<String>,
}

#[derive(Args)]
pub(crate) struct InspectOptions {
    /// The file, or HOST/NAME:TAG or HOST/NAME@sha256:..
    #[arg(value_name = "FILE|REF")]
    at: String,
    #[command(flatten)]
    login: LoginOptions,
}

#[derive(Args)]
pub(crate) struct PushOptions {
    /// The extension
    file: PathBuf,
    /// Where to: HOST/NAME:TAG
    #[arg(value_name = "REF")]
    reference: String,
    /// Sign it first, with the secret key in this file
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    login: LoginOptions,
}

#[derive(Args)]
pub(crate) struct PullOptions {
    /// From where: HOST/NAME@sha256:.. or HOST/NAME:TAG
    #[arg(value_name = "REF")]
    reference: String,
    /// The file to write; NAME.wasm in this folder without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A public key, or a file with one; one of several has to have signed it
    #[arg(long, value_name = "KEY")]
    signed_by: Vec<String>,
    /// Take what the tag names now, also where it named something else before
    #[arg(long)]
    allow_moved_tag: bool,
    #[command(flatten)]
    login: LoginOptions,
}

/// As whom a registry is asked.
#[derive(Args)]
struct LoginOptions {
    /// Ask the registry as this user, instead of as docker's configuration says
    #[arg(long, requires = "password_file")]
    username: Option<String>,
    /// Their password or access token, in a file
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl DistributionCommand {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Keygen(_) => "policy keygen",
            Self::Sign(_) => "policy sign",
            Self::Verify(_) => "policy verify",
            Self::Inspect(_) => "policy inspect",
            Self::Push(_) => "policy push",
            Self::Pull(_) => "policy pull",
        }
    }
}

/// Runs one of the subcommands.
pub(super) fn run(session: &Session, command: &DistributionCommand) -> anyhow::Result<()> {
    let output = session.output;
    match command {
        DistributionCommand::Keygen(options) => keygen::run(options, output),
        DistributionCommand::Sign(options) => sign::run(options, output),
        DistributionCommand::Verify(options) => verify::run(options, output),
        DistributionCommand::Inspect(options) => match Path::new(&options.at) {
            file if file.exists() => inspect::file(file, output),
            #[cfg(feature = "registry")]
            _ => registry::inspect(options, output),
            #[cfg(not(feature = "registry"))]
            _ => Err(CommandError::new(format!("{} is no file, and {WITHOUT}", options.at)).into()),
        },
        #[cfg(feature = "registry")]
        DistributionCommand::Push(options) => registry::push(options, output),
        #[cfg(feature = "registry")]
        DistributionCommand::Pull(options) => registry::pull(options, output),
        #[cfg(not(feature = "registry"))]
        DistributionCommand::Push(_) | DistributionCommand::Pull(_) => Err(CommandError::new(WITHOUT).into()),
    }
}

#[cfg(not(feature = "registry"))]
const WITHOUT: &str =
    "this build asks no registries: it lacks the feature registry of agentapi-cli, which releases have";

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn public_keys(texts: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    let keys = texts.iter().map(|text| PublicKey::from_text_or_file(text, Path::new("")).context("--signed-by"));
    keys.collect()
}
