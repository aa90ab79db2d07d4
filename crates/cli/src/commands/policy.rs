//! `agentapi policy`: what an extension wants, and running it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_host::Host;
use agentapi_host::policy::{AllowOnce, AskOnTerminal, Grants, Imports, Limits, Policy};
use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::error::UsageError;
use crate::extension::{self, ExtensionOptions};
use crate::print::{Output, print, print_json};
use crate::session::Session;
use crate::session::target::ConnectionOptions;

/// What is run, and how.
#[derive(Args)]
pub(crate) struct RunOptions {
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

/// Prints what an extension imports, as grants to paste, and the limits that apply.
pub(crate) fn check(session: &Session, file: &Path) -> anyhow::Result<()> {
    let wasm = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let imports = session.host.build()?.imports_of_policy(&wasm)?;
    if session.json {
        print_json(&as_json(&imports))?;
    } else {
        print(&describe(&imports))?;
    }
    Ok(imports.check(&Grants::of(imports.functions.iter().copied()))?)
}

/// Runs an extension once, and prints what it returns.
pub(crate) fn run(session: &Session, connection: ConnectionOptions, options: &RunOptions) -> anyhow::Result<()> {
    serde_json::from_str::<Value>(&options.input)
        .map_err(|why| UsageError(format!("--input: expected JSON, {why}")))?;
    let ended = extension::run(session, connection, &options.extension, &options.input, |host| load(host, options))?;
    print_result(&ended.result, Output { json: session.json })
}

fn load(host: &Host, options: &RunOptions) -> anyhow::Result<Policy> {
    let grants = fs::read_to_string(&options.grants);
    let grants = grants.with_context(|| format!("{} cannot be read", options.grants.display()))?;
    let granted = Grants::and_limits_from_toml(&grants);
    let (grants, limits) = granted.with_context(|| format!("{} is not right", options.grants.display()))?;
    let policy = host.load_policy(&options.file, &grants, &limits);
    let mut policy = policy.with_context(|| format!("{} is not loaded", options.file.display()))?;
    policy = match &options.approve {
        None => policy.approver(Arc::new(AskOnTerminal)),
        Some(wipe) => match wipe.split_once('=') {
            Some((device, id)) if !id.is_empty() => policy.approver(Arc::new(AllowOnce::new(device, id))),
            _ => return Err(UsageError(format!("--approve: expected DEVICE=DURABLE-ID, found {wipe:?}")).into()),
        },
    };
    Ok(policy)
}

/// JSON as JSON, for people over several lines; anything else as the text that it is, made visible.
fn print_result(result: &str, output: Output) -> anyhow::Result<()> {
    match serde_json::from_str::<Value>(result) {
        Ok(value) => print_json(&value)?,
        Err(_) if output.json => print_json(&Value::from(result))?,
        Err(_) => print(&format!("{}\n", result.escape_debug()))?,
    }
    Ok(())
}

fn describe(imports: &Imports) -> String {
    let mut text = String::from("# What it imports, as grants: take out what it may not have.\nfunctions = [");
    for function in &imports.functions {
        // A String takes whatever is written to it.
        let _ = write!(text, "\n    \"{function}\",");
    }
    text.push_str("\n]\n# \"deny\" answers `denied` to what is taken out; without it the extension is refused.\nungranted = \"refuse\"\n");
    let _ = write!(text, "\n# What a run may use; these are the defaults.\n[limits]\n{}", Limits::default());
    for forbidden in &imports.forbidden {
        let _ = writeln!(text, "# It imports {forbidden}, which no extension is given: it cannot be loaded.");
    }
    text
}

fn as_json(imports: &Imports) -> Value {
    let functions: Vec<_> = imports.functions.iter().map(ToString::to_string).collect();
    json!({ "functions": functions, "forbidden": imports.forbidden })
}
