//! `agentapi policy inspect` of a file, and how what an extension says of itself is shown.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use agentapi_registry::place::Origin;
use agentapi_registry::signature::{Signed, beside, unchecked};
use agentapi_registry::{Manifest, manifest_of, sha256_hex};
use anyhow::Context;
use serde_json::json;

use crate::commands::policy::distribution::read;
use crate::print::Output;
use crate::print::escape::visible;

/// Shows a file.
pub(super) fn file(file: &Path, output: Output) -> anyhow::Result<()> {
    let wasm = read(file)?;
    let manifest = manifest_of(&wasm).with_context(|| format!("{} is no extension", file.display()))?;
    let (size, sha256, origin) = (wasm.len(), sha256_hex(&wasm), Origin::of(file)?);
    let signature = match fs::read_to_string(beside(file)) {
        Ok(signature) => Some(unchecked(&signature).with_context(|| beside(file).display().to_string())?),
        Err(_) => None,
    };
    let record =
        json!({ "size": size, "sha256": sha256, "manifest": manifest, "signature": signature, "from": origin });
    let text = |_: &_| {
        let mut lines = vec![("size", format!("{size} bytes")), ("sha256", sha256.clone())];
        lines.push(("signature", describe(signature.as_ref())));
        lines.extend(origin.as_ref().map(|origin| ("from", format!("{} as {}", origin.digest, origin.reference))));
        describe_manifest(&manifest, lines)
    };
    Ok(output.show(&record, text)?)
}

/// One line for each thing that it says of itself, and then these.
pub(super) fn describe_manifest(manifest: &Manifest, others: Vec<(&str, String)>) -> String {
    let Manifest { name, version, description, licenses, authors, homepage, source, revision, wishes } = manifest;
    let texts = [
        ("name", name),
        ("version", version),
        ("description", description),
        ("licenses", licenses),
        ("authors", authors),
        ("homepage", homepage),
        ("source", source),
        ("revision", revision),
        ("ungranted", &wishes.ungranted),
    ];
    let mut lines: Vec<_> = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect();
    let functions = match wishes.functions.is_empty() {
        true => "it does not say; `agentapi policy check` reads what it imports".to_owned(),
        false => wishes.functions.join(", "),
    };
    lines.push(("functions", functions));
    let limits: Vec<_> = wishes.limits.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    lines.push(("limits", if limits.is_empty() { "the default ones".to_owned() } else { limits.join(", ") }));
    lines.extend(others);
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a `String` never fails.
        let _ = writeln!(text, "{name:<13}{}", visible(&value));
    }
    text
}

/// A signature of which nobody has said by whom it should be.
pub(super) fn describe(signature: Option<&Signed>) -> String {
    signature.map_or_else(
        || "none".to_owned(),
        |Signed { key, trusted_comment }| format!("says key {key}, which `verify` checks: {trusted_comment}"),
    )
}
