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

use crate::commands::policy::follow::Follow;
use crate::commands::policy::input::InputSource;
use crate::commands::policy::kept::Kept;
use crate::error::UsageError;
use crate::extension::quiesce::SHORT_LEASE;
use crate::extension::state_file::StateFile;
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
    /// What it is given: a JSON text, @FILE with one, or - for standard input
    #[arg(long, value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    input: InputSource,
    /// Show its calls with arguments, answers and times, as a tree on stderr
    #[arg(long)]
    trace: bool,
    /// Let it read as ever, and answer what acts as if it were done: nothing is changed, frozen, sent or
    /// remembered, and the audit has nothing of it
    #[arg(long)]
    dry_run: bool,
    /// Keep what it remembers in FILE, which is made if it is missing; without this, for this run only
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Let it wipe this device, once; without this, a person at the terminal is asked
    #[arg(long, value_name = "DEVICE=DURABLE-ID")]
    approve: Option<String>,
    #[command(flatten)]
    extension: ExtensionOptions,
}

/// Runs an extension once and prints what it returns.
pub(super) fn run(session: &Session, options: &PolicyRunOptions) -> anyhow::Result<()> {
    extension::run(session, &options.extension, &PolicyJob { options, output: session.output, kept: Kept::default() })
}

struct PolicyJob<'a> {
    options: &'a PolicyRunOptions,
    output: Output,
    kept: Kept,
}

impl Job for PolicyJob<'_> {
    fn input(&self) -> anyhow::Result<String> {
        self.options.input.read()
    }

    fn lease(&self) -> Duration {
        SHORT_LEASE
    }

    fn load(&self, host: &Host) -> anyhow::Result<Policy> {
        self.kept.attach(load(host, self.options)?, self.options.state.as_deref())
    }

    fn state_file(&self) -> Option<StateFile> {
        self.kept.file()
    }

    fn report(&self, outcome: &RunOutcome) -> anyhow::Result<String> {
        Ok(describe_result(&outcome.result, self.output))
    }

    fn verdict(&self, _outcome: &RunOutcome) -> anyhow::Result<Verdict> {
        self.kept.tell();
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
    let follow = Arc::new(if options.trace { Follow::calls(policy.name()) } else { Follow::lines() });
    let policy = policy.approver(approver(options.approve.as_deref())?).log(Arc::clone(&follow) as _).observer(follow);
    Ok(if options.dry_run { policy.dry_run() } else { policy })
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
