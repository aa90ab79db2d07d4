//! `agentapi policy sign`.

use std::path::Path;

use agentapi_registry::sign::trusted_comment;
use agentapi_registry::signature::{Signed, beside, unchecked};
use agentapi_registry::{manifest_of, place};
use anyhow::Context;
use serde_json::json;

use crate::commands::policy::distribution::key::SigningOptions;
use crate::commands::policy::distribution::{SignOptions, key, read};
use crate::print::Output;
use crate::status::ExitStatus;

/// Signs a file, and says with what.
pub(super) fn run(options: &SignOptions, output: Output) -> anyhow::Result<()> {
    let SignOptions { file, key, signing } = options;
    let Signed { key, trusted_comment } = unchecked(&sign(file, &read(file)?, key, signing)?)?;
    let record = json!({ "file": file, "signature": beside(file), "key": key, "trusted_comment": trusted_comment });
    output.report(ExitStatus::Done, &record, |_| {
        format!("{} by key {key}\n  {trusted_comment}\n", beside(file).display())
    })
}

/// Signs these bytes of a file and writes the signature beside it.
pub(super) fn sign(file: &Path, wasm: &[u8], key: &Path, signing: &SigningOptions) -> anyhow::Result<String> {
    let manifest = manifest_of(wasm).with_context(|| format!("{} is no extension", file.display()))?;
    let key = key::open(key, signing.key_password_file.as_deref())?;
    let signature = key.sign(wasm, &trusted_comment(wasm, &manifest, signing.comment.as_deref()))?;
    let beside = beside(file);
    place::write(&beside, signature.as_bytes()).with_context(|| format!("{} cannot be written", beside.display()))?;
    Ok(signature)
}
