//! `agentapi policy test`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Instant;

use agentapi_policy_test::{CaseFile, CaseFileError, Named, Suite, SuiteError, case_files, junit, report};
use anyhow::Context;
use clap::Args;
use tokio::runtime::Builder;

use crate::error::{CommandError, WrongConfiguration};
use crate::print;
use crate::print::escape::visible;
use crate::process::runtime::block_on;
use crate::session::Session;
use crate::status::ExitStatus;

/// What `policy test` takes.
#[derive(Args)]
pub(crate) struct PolicyTestOptions {
    /// The extension, if the first ends in .wasm, and case files or folders [default: cases/*.toml]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What it may call and use [default: grants.toml beside the folder of the cases]
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,
    /// Write what came of them to FILE too, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run only those with TEXT in their names
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Run N cases at the same time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Runs cases, and reports which of them were as expected.
pub(super) fn test(session: &Session, options: &PolicyTestOptions) -> anyhow::Result<()> {
    let (extension, named) = match options.files.split_first() {
        Some((first, rest)) if first.extension().is_some_and(|extension| extension == "wasm") => (Some(first), rest),
        _ => (None, &*options.files),
    };
    // Before anything is compiled: a misspelt key is told at once.
    let files = read_cases(named)?;
    let named = Named { extension: extension.cloned(), grants: options.grants.clone() };
    let suite = Suite::load(session.host.build()?, files, &named, &options.filter).map_err(|why| match why {
        SuiteError::CaseFile(why) => wrong(&[why]),
        why => CommandError::new(visible(&why.to_string())).into(),
    })?;
    if suite.is_empty() {
        return Err(WrongConfiguration(vec![format!("no case has {:?} in its name", visible(&options.filter))]).into());
    }

    let jobs = options.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let runtime = Builder::new_multi_thread().worker_threads(jobs).enable_all().build();
    let started = Instant::now();
    let outcomes = block_on(runtime.context("the runtime cannot be started")?, suite.run(jobs));
    let took = started.elapsed();
    if let Some(file) = &options.junit {
        let written = fs::write(file, junit(&outcomes, took));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let is_ok = outcomes.iter().all(agentapi_policy_test::CaseOutcome::is_ok);
    let status = if is_ok { ExitStatus::Done } else { ExitStatus::Failed };
    print::report(status, &session.output.text(|| &outcomes, || report(&outcomes, took)))
}

/// All case files, or all that is wrong with them.
fn read_cases(named: &[PathBuf]) -> anyhow::Result<Vec<CaseFile>> {
    let here = [PathBuf::from("cases")];
    let named = if named.is_empty() { &here[..] } else { named };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for named in named {
        match case_files(named) {
            Ok(found) => files.extend(found),
            Err(why) => errors.push(why),
        }
    }
    let mut read = Vec::new();
    for file in &files {
        match CaseFile::read(Path::new(file)) {
            Ok(file) => read.push(file),
            Err(why) => errors.push(why),
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(wrong(&errors)) }
}

fn wrong(errors: &[CaseFileError]) -> anyhow::Error {
    WrongConfiguration(errors.iter().map(|why| visible(&why.to_string()).into_owned()).collect()).into()
}

/// Printed below the long help.
pub(crate) const CASES: &str = "\
A case file:
  [[case]]
  name = \"a backup that is due is taken\"
  input = { freeze = false }
  scenario = { backup = { due = true, duration_ms = 14_400_000 } }

  [case.expect]
  result = { outcome = \"done\" }
  calls = [\"backup.status\", \"backup.due\", \"backup.start\", \"backup.status+\"]

A case may say: name, description, input, scenario, replay, faults, clock,
state, freeze, approve, limits, expect; or several [[case.run]] with after,
input, scenario, faults, expect. Expected may be: result, exact, error, calls,
calls_include, calls_never, posts, log, log_never, notifications, told, state,
state_without. docs/cases.md says more of each.

Example:
  agentapi policy test
  agentapi policy test nightly.wasm cases/due.toml --junit report.xml";
