//! `agentapi demo`: every operation against a mock agent in this process, and a wrong pin that is refused.

mod steps;
mod tour;

use std::collections::HashSet;
use std::time::Instant;

use agentapi_host::{Error, Host, PinMismatch, Route, Target};
use agentapi_mock::{MockAgent, Scenario};
use anyhow::{Context, bail, ensure};

use crate::commands::demo::steps::{StepPrinter, milliseconds};
use crate::print::fingerprints::aligned;
use crate::print::print;
use crate::print::units::count;
use crate::print::width::stdout_columns;
use crate::print::wrap::wrap;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::Session;

/// Runs the demo. Fails where something does not work as the demo claims, so that it is a check as well.
pub(crate) fn run(session: &Session) -> anyhow::Result<()> {
    block_on(single_threaded()?, run_with_mock(session))
}

async fn run_with_mock(session: &Session) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut scenario = Scenario::default();
    scenario.backup.duration_ms = BACKUP_MS;
    let mock = MockAgent::builder().scenario(scenario).start().await.context("the mock agent cannot be started")?;
    let pin = mock.fingerprint().to_string();
    let target = Target::parse(&mock.endpoint(), mock.token(), [&pin])?;
    print_introduction(&mock)?;

    let mut steps = StepPrinter::start();
    let host = session.host.build()?;
    steps.note("component loaded")?;
    let agent = host.agent(target)?;
    steps.note("connected: pins and token are set, nothing is sent yet")?;

    tour::run(&agent, &mut steps).await?;
    show_refusal_of_wrong_pin(&host, &mock, &mut steps).await?;
    print_summary(&mock, started)
}

fn print_introduction(mock: &MockAgent) -> anyhow::Result<()> {
    let pin = aligned(&[("pin     ", mock.fingerprint())], 2, stdout_columns());
    Ok(print(&format!(
        "The component, over TLS, against a mock agent in this process\n\n  endpoint  {}\n{pin}  token     in the host \
         only: the component is given a stand-in\n\n",
        mock.endpoint(),
    ))?)
}

/// Connects with the fingerprint of a certificate that the mock agent has and does not present.
async fn show_refusal_of_wrong_pin(host: &Host, mock: &MockAgent, steps: &mut StepPrinter) -> anyhow::Result<()> {
    let pin = mock.next_fingerprint();
    let agent = host.agent(Target::parse(&mock.endpoint(), mock.token(), [pin.to_string()])?)?;
    let before = mock.requests().len();
    let outcome = agent.storage().await;
    let after = mock.requests().len();
    let Err(Error::PinMismatch { source: PinMismatch::OtherLeaf { presented, .. }, .. }) = outcome else {
        bail!("a wrong pin was to be refused, found {outcome:?}");
    };
    ensure!(before == after, "a wrong pin was refused, and yet the agent saw a request");
    steps.step(Route::Storage, "with a wrong pin: refused in the handshake")?;
    print(&aligned(&[("expected", pin), ("presented", presented)], 4, stdout_columns()))?;
    Ok(steps.detail(&format!("the agent saw no request: {before} before, {after} after"))?)
}

/// Counts the requests that the mock agent received: better evidence than the client's own account.
fn print_summary(mock: &MockAgent, started: Instant) -> anyhow::Result<()> {
    let requests = mock.requests();
    let routes: HashSet<_> = requests.iter().map(|request| (&request.method, &request.path)).collect();
    let connections: HashSet<_> = requests.iter().map(|request| request.connection).collect();
    ensure!(routes.len() == Route::ALL.len(), "expected a request on each of the agent's routes, found {routes:?}");
    let summary = format!(
        "Done in {}: all nine operations and both helpers, {} on {} over {}; a wrong pin was refused.",
        milliseconds(started.elapsed()),
        count(requests.len(), "request"),
        count(routes.len(), "route"),
        count(connections.len(), "connection"),
    );
    Ok(print(&format!("\n{}\n\n{NEXT}", wrap(&summary, stdout_columns(), 0)))?)
}

/// How long the backup takes, in milliseconds: several poll intervals of [`tour`], so that the demo sees it running.
const BACKUP_MS: u64 = 150;
const NEXT: &str = "\
Next:
  agentapi mock          a mock agent that stays, and the lines to connect to it
  agentapi serve --mock  a whole controller: backups, two extensions
  agentapi --help        every command, and how to name a real agent
";
