//! `agentapi policy verify`.

use agentapi_registry::signature::{Signed, verify_beside};
use anyhow::Context;
use serde_json::json;

use crate::commands::policy::distribution::{VerifyOptions, public_keys, read};
use crate::print::Output;
use crate::print::escape::visible;

/// Checks a file, and says who signed it.
pub(super) fn run(options: &VerifyOptions, output: Output) -> anyhow::Result<()> {
    let VerifyOptions { file, signed_by } = options;
    let signed = verify_beside(file, &read(file)?, &public_keys(signed_by)?);
    let Signed { key, trusted_comment } = signed.with_context(|| format!("{} is not trusted", file.display()))?;
    let record = json!({ "file": file, "key": key, "trusted_comment": trusted_comment });
    Ok(output.show(&record, |_| format!("{} by key {key}\n  {}\n", file.display(), visible(&trusted_comment)))?)
}
