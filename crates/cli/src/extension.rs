//! Runs an extension for a command, with an audit, applications that it may freeze, and signals.
//!
//! However the run ends, by a signal too, the command does not end before everything is thawed. Only a second signal
//! ends it earlier, with an error that says so.

mod interruption;
mod journal;
mod quiesce;
mod report;
mod thaw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_host::policy::{AuditFile, Policy};
use agentapi_host::quiesce::{Coordinator, Parked, Report};
use agentapi_host::{Agent, Host, Target};
use agentapi_mock::MockAgent;
use anyhow::Context;
use clap::Args;

pub(crate) use crate::extension::report::report;

use crate::error::UsageError;
use crate::extension::interruption::RunSignals;
use crate::extension::quiesce::QuiesceOptions;
use crate::extension::thaw::{thaw_leftover, wait_until_thawed};
use crate::process::runtime::{block_on, single_threaded};
use crate::process::stderr::stderr;
use crate::session::Session;
use crate::session::target::TargetOptions;

/// What every run of an extension takes.
#[derive(Args)]
pub(crate) struct ExtensionOptions {
    /// Append to FILE, as lines of JSON, what it does and what comes of it; the file is reopened on SIGHUP
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Run it against a mock agent in this process instead of an agent of yours
    #[arg(long)]
    mock: bool,
    #[command(flatten)]
    pub(crate) quiesce: QuiesceOptions,
    #[command(flatten)]
    target: TargetOptions,
}

/// What a run that came to its end leaves.
pub(crate) struct RunOutcome {
    /// What the extension returned.
    pub(crate) result: String,
    /// How its last freeze ended. None if it froze nothing.
    pub(crate) freeze: Option<Report>,
}

/// Loads an extension and runs it to its end, or until a signal comes.
pub(crate) fn run(
    session: &Session,
    options: &ExtensionOptions,
    input: &str,
    load: impl FnOnce(&Host) -> anyhow::Result<Policy>,
) -> anyhow::Result<RunOutcome> {
    if options.mock && options.target.or(&session.global_target).first_given().is_some() {
        return Err(UsageError("--mock is an agent of its own: give it no other".into()).into());
    }
    block_on(single_threaded()?, async {
        // First of all, before anything is looked at that may be missing or lie on a frozen disk: the token, the extension,
        // the cache, the audit. What an earlier run left frozen must not wait for them.
        let mut signals = RunSignals::handle()?;
        let coordinator = options.quiesce.open()?;
        if let Some(coordinator) = &coordinator {
            // What is printed is not written to a file before that is thawed: it may lie there.
            let _parked = stderr().park();
            thaw_leftover(coordinator, &mut signals.termination).await?;
        }
        let host = session.host.build()?;
        let policy = load(&host)?;
        // Kept until the run is over: dropping the mock agent stops it.
        let mock = if options.mock { Some(MockAgent::start().await?) } else { None };
        let target = match &mock {
            Some(mock) => Target::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()])?,
            None => session.target(&options.target)?,
        };
        run_with_agent(policy, &host.agent(target)?, options, coordinator, signals, input).await
    })
}

async fn run_with_agent(
    mut policy: Policy,
    agent: &Agent,
    options: &ExtensionOptions,
    coordinator: Option<Coordinator>,
    mut signals: RunSignals,
    input: &str,
) -> anyhow::Result<RunOutcome> {
    let audit = options.audit.as_deref().map(open_audit).transpose()?;
    if let Some(audit) = &audit {
        policy = policy.audit(Arc::clone(audit) as _);
    }
    signals.audit = audit.clone();
    let Some(coordinator) = coordinator else {
        let result = signals.run(&policy, agent, input).await?;
        return Ok(RunOutcome { result, freeze: None });
    };
    let park = move || Parked::until_dropped((stderr().park(), audit.as_ref().map(|audit| audit.park())));
    let policy = policy.quiesce(coordinator.clone(), park);
    let earlier = coordinator.last_report();
    let result = signals.run(&policy, agent, input).await;
    // Before the run's own error is returned: while something is frozen, the process must not end.
    wait_until_thawed(&coordinator, &mut signals.termination).await?;
    let freeze = coordinator.last_report().filter(|report| Some(report) != earlier.as_ref());
    Ok(RunOutcome { result: result?, freeze })
}

fn open_audit(file: &Path) -> anyhow::Result<Arc<AuditFile>> {
    let audit = AuditFile::open(file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Arc::new(audit))
}
