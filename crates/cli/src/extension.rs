//! Running an extension: the agent, the audit, the applications that it may freeze, and the signals meanwhile.
//!
//! Nothing is left frozen: however the run ends, by a signal too, the command waits for the thaw. Only a second signal
//! ends it before that, and says so.

pub(crate) mod quiesce;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_host::policy::{AuditFile, Policy};
use agentapi_host::quiesce::{Coordinator, Report};
use agentapi_host::{Agent, Host, Target};
use agentapi_mock::MockAgent;
use anyhow::Context;
use clap::Args;

use crate::error::{CommandError, UsageError};
use crate::extension::quiesce::QuiesceOptions;
use crate::print::escape::visible;
use crate::process::signals::{Hangup, Interruption};
use crate::session::target::ConnectionOptions;
use crate::session::{Session, block_on, single_threaded};

/// What every run of an extension takes.
#[derive(Args)]
pub(crate) struct ExtensionOptions {
    /// Append a line of JSON to FILE for each thing that it does; on SIGHUP the file is opened anew
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Run it against a mock agent in this process instead of an agent of yours
    #[arg(long)]
    mock: bool,
    #[command(flatten)]
    pub(crate) quiesce: QuiesceOptions,
}

/// What a run came to.
pub(crate) struct Ended {
    /// What the extension returned.
    pub(crate) result: String,
    /// How its last freeze ended, if it froze.
    pub(crate) frozen: Option<Report>,
}

/// Loads an extension and runs it to its end, or until a signal comes.
pub(crate) fn run(
    session: &Session,
    connection: ConnectionOptions,
    options: &ExtensionOptions,
    input: &str,
    load: impl FnOnce(&Host) -> anyhow::Result<Policy>,
) -> anyhow::Result<Ended> {
    if options.mock && connection.are_given() {
        return Err(UsageError("--mock is an agent of its own: give it no other".into()).into());
    }
    block_on(single_threaded()?, async {
        let host = session.host.build()?;
        let mut policy = load(&host)?;
        let mock = if options.mock { Some(MockAgent::start().await?) } else { None };
        let target = match &mock {
            Some(mock) => Target::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()])?,
            None => connection.or(&session.outer).complete(|name| env::var_os(name))?.parse()?,
        };
        let agent = host.agent(target)?;
        let audit = options.audit.as_deref().map(open).transpose()?;
        if let Some(audit) = &audit {
            policy = policy.audit(Arc::clone(audit) as _);
        }
        let mut signals = Signals::expect()?;
        match options.quiesce.open()? {
            None => until_signal(&policy, &agent, input, audit, &mut signals).await.map(unfrozen),
            Some(coordinator) => {
                let policy = policy.quiesce(coordinator.clone());
                recover(&coordinator, &mut signals.interruption).await?;
                let before = coordinator.last_report();
                let outcome = until_signal(&policy, &agent, input, audit, &mut signals).await;
                thaw(&coordinator, &mut signals.interruption).await?;
                let frozen = coordinator.last_report().filter(|report| Some(report) != before.as_ref());
                outcome.map(|result| Ended { result, frozen })
            }
        }
    })
}

fn open(file: &Path) -> anyhow::Result<Arc<AuditFile>> {
    let audit = AuditFile::open(file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Arc::new(audit))
}

fn unfrozen(result: String) -> Ended {
    Ended { result, frozen: None }
}

/// The run, given up when a signal comes. SIGHUP opens the audit anew; without an audit it means that the terminal is gone.
async fn until_signal(
    policy: &Policy,
    agent: &Agent,
    input: &str,
    audit: Option<Arc<AuditFile>>,
    signals: &mut Signals,
) -> anyhow::Result<String> {
    let Signals { interruption, hangup } = signals;
    let hung_up = async {
        loop {
            hangup.come().await;
            let Some(audit) = &audit else { return };
            if let Err(why) = audit.reopen() {
                tracing::error!(error = %why, "the audit cannot be opened anew: it goes on in the old file");
            }
        }
    };
    let interrupted =
        || CommandError("interrupted before the extension had ended; what the agent has begun goes on".into());
    tokio::select! {
        outcome = policy.run(agent, input) => Ok(outcome?),
        () = hung_up => Err(interrupted().into()),
        () = interruption.come() => Err(interrupted().into()),
    }
}

/// Waited for from before the run until nothing is frozen.
struct Signals {
    interruption: Interruption,
    hangup: Hangup,
}

impl Signals {
    fn expect() -> anyhow::Result<Self> {
        let signals =
            Interruption::expect().and_then(|interruption| Ok(Self { interruption, hangup: Hangup::expect()? }));
        signals.context("signals cannot be waited for")
    }
}

/// Thaws what an earlier process left frozen.
async fn recover(coordinator: &Coordinator, interruption: &mut Interruption) -> anyhow::Result<()> {
    let Some(left) = coordinator.status() else { return Ok(()) };
    tracing::warn!(holder = ?left.holder, "an earlier run was ended while it was frozen: thawing");
    thaw(coordinator, interruption).await
}

/// Waits until nothing is frozen. Says what it waits for, where that takes long.
async fn thaw(coordinator: &Coordinator, interruption: &mut Interruption) -> anyhow::Result<()> {
    tokio::select! {
        () = coordinator.idle() => Ok(()),
        () = interruption.come() => {
            let failures = coordinator.status().map(|held| held.failures).unwrap_or_default();
            let latest = failures.last().map_or("no attempt has ended yet", String::as_str);
            Err(CommandError(format!(
                "interrupted while something may still be frozen ({}); the next run with the same --freeze, --thaw and \
                 --journal thaws first",
                visible(latest)
            ))
            .into())
        }
    }
}
