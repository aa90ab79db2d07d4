//! `agentapi policy run`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::policy::{AllowOnce, Approver, AskOnTerminal, Grants, Policy};
use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::error::UsageError;
use crate::extension::quiesce::SHORT_LEASE;
use crate::extension::{self, ExtensionOptions, Job, RunOutcome, Verdict};
use crate::print::escape::visible;
use crate::print::{Output, json_text};
use crate::session::Session;
use crate::status::ExitStatus;

/// What `policy run` takes.
#[derive(Args)]
pub(crate) struct PolicyRunOptions {
    /// The extension: a component that exports `felhom:agentapi/policy`
    file: PathBuf,
    /// What it may call and use: a TOML file; `agentapi policy check` prints one to start from
    #[arg(long, value_name = "FILE")]
    grants: PathBuf,
    /// What it is given: a JSON text
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
    /// Let it wipe this device, once; without this, a person at the terminal is asked
    #[arg(long, value_name = "DEVICE=DURABLE-ID")]
    approve: Option<String>,
    #[command(flatten)]
    extension: ExtensionOptions,
}

/// Runs an extension once and prints what it returns.
pub(super) fn run(session: &Session, options: &PolicyRunOptions) -> anyhow::Result<()> {
    serde_json::from_str::<Value>(&options.input)
        .map_err(|error| UsageError(format!("--input: expected JSON, {error}")))?;
    extension::run(session, &options.extension, &PolicyJob { options, output: session.output })
}

struct PolicyJob<'a> {
    options: &'a PolicyRunOptions,
    output: Output,
}

impl Job for PolicyJob<'_> {
    fn input(&self) -> anyhow::Result<String> {
        Ok(self.options.input.clone())
    }

    fn lease(&self) -> Duration {
        SHORT_LEASE
    }

    fn load(&self, host: &Host) -> anyhow::Result<Policy> {
        load(host, self.options)
    }

    fn report(&self, outcome: &RunOutcome) -> anyhow::Result<String> {
        Ok(describe_result(&outcome.result, self.output))
    }

    fn verdict(&self, _outcome: &RunOutcome) -> anyhow::Result<Verdict> {
        Ok(ExitStatus::Done.into())
    }
}

fn load(host: &Host, options: &PolicyRunOptions) -> anyhow::Result<Policy> {
    let grants = fs::read_to_string(&options.grants);
    let grants = grants.with_context(|| format!("{} cannot be read", options.grants.display()))?;
    let granted = Grants::and_limits_from_toml(&grants);
    let (grants, limits) = granted.with_context(|| format!("{} is not right", options.grants.display()))?;
    let policy = host.load_policy(&options.file, &grants, &limits);
    let policy = policy.with_context(|| format!("{} is not loaded", options.file.display()))?;
    Ok(policy.approver(approver(options.approve.as_deref())?))
}

/// Who decides on a wipe: the person who typed `--approve`, else the person at the terminal.
fn approver(approve: Option<&str>) -> Result<Arc<dyn Approver>, UsageError> {
    let Some(wipe) = approve else { return Ok(Arc::new(AskOnTerminal)) };
    match wipe.split_once('=') {
        Some((device, id)) if !id.is_empty() => Ok(Arc::new(AllowOnce::new(device, id))),
        _ => Err(UsageError(format!("--approve: expected DEVICE=DURABLE-ID, found {wipe:?}"))),
    }
}

/// JSON as JSON. Anything else as escaped text, or with `--json` as a JSON string.
fn describe_result(result: &str, output: Output) -> String {
    match serde_json::from_str::<Value>(result) {
        Ok(value) => json_text(&value),
        Err(_) => output.text(|| Value::from(result), || format!("{}\n", visible(result))),
    }
}
