//! `agentapi policy push`, `pull`, and `inspect` of what is in a registry.

use std::fs;
use std::path::PathBuf;

use agentapi_controller::config::read_secret;
use agentapi_registry::oci::artifact::manifest_of;
use agentapi_registry::oci::{Login, Pulled, Pushed, Reference, Registry};
use agentapi_registry::place::{self, Origin, PlaceError};
use agentapi_registry::signature::{beside, unchecked, verify};
use anyhow::Context;
use jiff::Timestamp;
use serde_json::json;

use super::inspect::{describe, describe_manifest};
use super::{InspectOptions, LoginOptions, PullOptions, PushOptions, public_keys, read, sign};
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::print::escape::visible;
use crate::process::runtime;
use crate::status::ExitStatus;

/// Pushes a file and prints its reference by digest.
pub(super) fn push(options: &PushOptions, output: Output) -> anyhow::Result<()> {
    let PushOptions { file, reference, sign_key, signing, login } = options;
    let to: Reference = reference.parse().map_err(usage)?;
    if to.tag().is_none() {
        return Err(UsageError("a push gives the digest: expected HOST/NAME:TAG, found a digest".into()).into());
    }
    let wasm = read(file)?;
    let manifest = agentapi_registry::manifest_of(&wasm);
    let manifest = manifest.with_context(|| format!("{} is no extension", file.display()))?;
    let signature = match sign_key {
        Some(key) => Some(sign::sign(file, &wasm, key, signing)?),
        None => fs::read_to_string(beside(file)).ok(),
    };
    let registry = open(&to, login)?;
    let push = registry.push(&to, wasm, &manifest, signature.as_deref());
    let Pushed { reference, signature } = block_on(push)?;
    let signature = signature.map(|signature| signature.to_string());
    let record = json!({ "ref": reference.to_string(), "digest": reference.digest(), "signature": signature });
    output.report(ExitStatus::Done, &record, |_| format!("{reference}\n"))
}

/// Pulls an extension with what belongs to it, and prints its reference by digest.
pub(super) fn pull(options: &PullOptions, output: Output) -> anyhow::Result<()> {
    let PullOptions { reference, out, signed_by, allow_moved_tag, login } = options;
    let from: Reference = reference.parse().map_err(usage)?;
    let keys = public_keys(signed_by)?;
    let file = out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", from.base_name())));
    let registry = open(&from, login)?;
    let Pulled { artifact: _, reference, wasm, signature } = block_on(async {
        let (found, artifact) = registry.look(&from).await?;
        if from.tag().is_some() && !allow_moved_tag {
            Origin::check_tag(&file, &from.to_string(), found.digest().unwrap_or_default()).map_err(moved)?;
        }
        anyhow::Ok(registry.pull(found, artifact).await?)
    })?;
    let refused = || format!("{reference} is refused, and {} stays as it was", file.display());
    agentapi_registry::manifest_of(&wasm).with_context(refused)?;
    let signed = match (keys.as_slice(), &signature) {
        ([], _) => None,
        (keys, Some(signature)) => Some(verify(&wasm, signature, keys).with_context(refused)?),
        (keys, None) => {
            return Err(agentapi_registry::signature::missing(keys, "signature in the registry")).with_context(refused);
        }
    };
    let digest = reference.digest().unwrap_or_default().to_owned();
    let origin = Origin { reference: from.to_string(), digest, when: Timestamp::now().to_string() };
    place::store(&file, &wasm, signature.as_deref(), &origin)?;
    let record = json!({ "ref": reference.to_string(), "digest": origin.digest, "file": file, "signed": signed });
    output.report(ExitStatus::Done, &record, |_| {
        let by = match (&signed, &signature) {
            (Some(signed), _) => format!("signed by key {}: {}", signed.key, signed.trusted_comment),
            (None, Some(_)) => "with a signature that nobody checked: give --signed-by".to_owned(),
            (None, None) => "not signed".to_owned(),
        };
        format!("{reference}\n  {}, {} bytes, {}\n", file.display(), wasm.len(), visible(&by))
    })
}

/// Shows what a registry says of an extension, without pulling it.
pub(super) fn inspect(options: &InspectOptions, output: Output) -> anyhow::Result<()> {
    let at: Reference = options
        .at
        .parse()
        .map_err(|error| UsageError(format!("{} is no file, and no place in a registry: {error}", options.at)))?;
    let registry = open(&at, &options.login)?;
    let (reference, artifact, signature) = block_on(async {
        let (reference, artifact) = registry.look(&at).await?;
        let signature = registry.signature(&reference).await?;
        anyhow::Ok((reference, artifact, signature))
    })?;
    let signature = signature.map(|signature| unchecked(&signature)).transpose()?;
    let manifest = manifest_of(&artifact.annotations);
    let sha256 = artifact.wasm_digest.trim_start_matches("sha256:");
    let record = json!({
        "ref": reference.to_string(), "digest": reference.digest(), "size": artifact.size, "sha256": sha256,
        "manifest": manifest, "annotations": artifact.annotations, "signature": signature,
    });
    let text = |_: &_| {
        let lines = vec![
            ("size", format!("{} bytes", artifact.size)),
            ("sha256", sha256.to_owned()),
            ("signature", describe(signature.as_ref())),
            ("reference", reference.to_string()),
        ];
        describe_manifest(&manifest, lines)
    };
    Ok(output.show(&record, text)?)
}

fn open(at: &Reference, login: &LoginOptions) -> anyhow::Result<Registry> {
    let login = match (&login.username, &login.password_file) {
        (Some(username), Some(file)) => {
            let password = read_secret(file, "--password-file").context("--password-file cannot be read")?;
            Login::Password { username: username.clone(), password }
        }
        _ => Login::Docker,
    };
    Ok(Registry::open(at, login)?)
}

fn block_on<T, E: Into<anyhow::Error>>(future: impl Future<Output = Result<T, E>>) -> anyhow::Result<T> {
    runtime::block_on(runtime::single_threaded()?, future).map_err(Into::into)
}

fn moved(error: PlaceError) -> anyhow::Error {
    match error {
        PlaceError::Moved { .. } => {
            CommandError::new(format!("{error}; nothing is written: give --allow-moved-tag to take the new one")).into()
        }
        error => error.into(),
    }
}

fn usage(error: agentapi_registry::oci::ReferenceError) -> UsageError {
    UsageError(error.to_string())
}
